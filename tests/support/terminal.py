"""Programs at a terminal of our own: what they write to it, what is typed, how they end."""
import contextlib
import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
import tty

import stores


class Terminal:
    """A program whose standard streams, those that are not given, are a terminal. In raw form the
    terminal adds nothing of its own; with `controlling` it sends signals for ^C and ^Z too."""

    def __init__(self, words, environment, directory, size=(24, 80), controlling=False, **streams):
        self.ours, theirs = pty.openpty()
        self.resize(size)
        if not controlling:
            tty.setraw(theirs)
        options = {"stdin": theirs, "stdout": theirs, "stderr": theirs} | streams

        def take_terminal():
            os.setsid()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            words, env=environment, cwd=directory,
            preexec_fn=take_terminal if controlling else None, **options)
        os.close(theirs)
        self.got = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
        os.close(self.ours)

    def resize(self, size):
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", *size, 0, 0))

    def type(self, text):
        os.write(self.ours, text)

    def echoes(self):
        return bool(termios.tcgetattr(self.ours)[3] & termios.ECHO)

    def read_piece(self, seconds):
        """False at the end of what the program writes."""
        ready, _, _ = select.select([self.ours], [], [], max(0, seconds))
        assert ready, f"nothing more within the time, only {self.got[-300:]!r}"
        with contextlib.suppress(OSError):  # The end of a terminal is an error in Linux.
            piece = os.read(self.ours, 65536)
            self.got += piece
            return piece != b""
        return False

    def read_until(self, wanted, seconds=15):
        deadline = time.monotonic() + seconds * stores.PATIENCE
        while wanted not in self.got:
            assert self.read_piece(deadline - time.monotonic()), f"ended, only {self.got[-300:]!r}"
        return self.got

    def read_all(self, seconds=30):
        """All that it writes until it ends; its exit code is in `process`."""
        deadline = time.monotonic() + seconds * stores.PATIENCE
        while self.read_piece(deadline - time.monotonic()):
            pass
        self.process.wait(max(1, deadline - time.monotonic()))
        return self.got


def at_terminal(words, environment, directory, seconds=30, **options):
    """All that a terminal gets of a command with nothing to read."""
    with Terminal(words, environment, directory, stdin=subprocess.DEVNULL, **options) as terminal:
        return terminal.read_all(seconds)
