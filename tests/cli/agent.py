#!/usr/bin/env python3
"""unlock spares the passphrase for a while, to the same user only; passwd changes it whole."""
import os
import pathlib
import select
import socket
import stat
import struct
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402


RENEWALS = 60


def within(seconds, question):
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def is_listening(store):
    with socket.socket(socket.AF_UNIX) as caller:
        try:
            caller.connect(str(store.directory / "run" / "agent.sock"))
        except OSError:
            return False
    return True


def agents_of(store):
    """The processes that keep the keys."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = entry.read_bytes().split(b"\0")
        except OSError:  # It has ended meanwhile.
            continue
        if str(store.directory).encode() in words and b"unlock" in words:
            found.append(int(entry.parent.name))
    return found


def ask(store, words, length=None):
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(5)
        caller.connect(str(store.directory / "run" / "agent.sock"))
        caller.sendall(struct.pack(">I", len(words) if length is None else length) + words)
        caller.shutdown(socket.SHUT_WR)
        answer = b""
        try:
            while piece := caller.recv(65536):
                answer += piece
        except ConnectionResetError:
            pass  # It left without reading all of it.
        return answer


def tells_of_missing_key(ana):
    done = subprocess.run(ana.words("verify", "--full", "-v"), env=ana.environment, check=True,
                          capture_output=True)
    return b"without the key" in done.stderr


def check_unlock(ana, secret):
    ana.run("inbox", exits=(77,))
    assert tells_of_missing_key(ana)
    ana.run("unlock", exits=(77,))
    ana.run("unlock", "--passphrase-file", secret)
    ana.run("inbox")
    ana.run("send", "-m", "no passphrase", ana.text("id"))
    ana.run("mine", "--no-relay")
    ana.run("inbox")
    assert not tells_of_missing_key(ana)
    mode = (ana.directory / "run" / "agent.sock").stat().st_mode
    assert stat.S_ISSOCK(mode) and mode & 0o777 == 0o600, oct(mode)
    ana.run("lock")
    ana.run("inbox", exits=(77,))
    assert not (ana.directory / "run" / "agent.sock").exists()
    ana.run("lock")


def check_renewals(ana, secret):
    """The time begins anew, one after the other and several at once: there is one agent, and lock
    ends it."""
    for _ in range(RENEWALS):
        ana.run("unlock", "--passphrase-file", secret)
        assert is_listening(ana), "nothing was unlocked"
    for _ in range(RENEWALS // 10):
        at_once = [subprocess.Popen(ana.words("unlock", "--passphrase-file", secret),
                                    env=ana.environment) for _ in range(4)]
        assert [one.wait(60 * stores.PATIENCE) for one in at_once] == [0] * 4
        assert is_listening(ana), "nothing was unlocked"
    within(20 * stores.PATIENCE, lambda: len(agents_of(ana)) == 1)
    ana.run("lock")
    within(20 * stores.PATIENCE, lambda: not agents_of(ana))


def check_time(ana, secret):
    ana.run("unlock", "--timeout", "0", "--passphrase-file", secret, exits=(64,))
    ana.run("unlock", "--timeout", "1s", "--passphrase-file", secret)
    within(10, lambda: not is_listening(ana))
    ana.run("inbox", exits=(77,))


def check_descriptors(ana, secret):
    """It holds nothing that its caller had open: no lock of a script, no end of a pipe."""
    from_there, into = os.pipe()
    subprocess.run(ana.words("unlock", "--passphrase-file", secret), env=ana.environment, check=True,
                   pass_fds=[into])
    os.close(into)
    assert is_listening(ana)
    with open(from_there, "rb") as end:
        # The command ends without waiting for the agent, which lets go as it begins.
        ended, _, _ = select.select([end], [], [], 20 * stores.PATIENCE)
        assert ended and end.read() == b"", "the agent holds the other end"
    ana.run("lock")


def check_strangers(ana, secret, place):
    """Whatever a caller says, keys go only to whoever asks for them in full, and as the same user."""
    ana.run("unlock", "--passphrase-file", secret)
    for words, length in ((b"", None), (b"hello", None), (b"bmsg-agent 1 keys", 2**32 - 1),
                          (b"bmsg-agent 1 keys", 5), (b"x" * 1000, 900)):
        assert b"correct horse" not in ask(ana, words, length)
    assert b"correct horse" in ask(ana, b"bmsg-agent 1 keys")
    if os.geteuid() == 0:
        for directory in (place, ana.directory, ana.directory / "run"):
            directory.chmod(0o777)
        (ana.directory / "run" / "agent.sock").chmod(0o777)
        asking = subprocess.run(
            ["setpriv", "--reuid", "65534", "--clear-groups", sys.executable, "-c",
             "import socket,sys\ns = socket.socket(socket.AF_UNIX)\ns.settimeout(5)\n"
             "s.connect(sys.argv[1])\ns.sendall(b'\\0\\0\\0\\x11bmsg-agent 1 keys')\n"
             "print(len(s.recv(65536)))", str(ana.directory / "run" / "agent.sock")],
            capture_output=True, text=True, check=False)
        assert asking.stdout.strip() in ("", "0"), asking
        assert asking.stdout.strip() == "0" or any(
            refusal in asking.stderr for refusal in ("ConnectionReset", "BrokenPipe")), asking
        for directory in (place, ana.directory, ana.directory / "run"):
            directory.chmod(0o700)
    ana.run("inbox")


def check_undumpable(ana):
    (pid,) = agents_of(ana)
    # Of an undumpable process /proc belongs to root, and its memory is closed to its own user.
    assert os.stat(f"/proc/{pid}/environ").st_uid == 0
    limit = [l for l in pathlib.Path(f"/proc/{pid}/limits").read_text().split("\n") if "core" in l]
    assert limit[0].split()[4] == "0", limit
    ana.run("lock")


def check_passwd(ana, secret, place):
    new = place / "new"
    new.write_text("battery staple\n")
    keyring = ana.directory / "keys" / "keyring"
    before = keyring.read_bytes()
    ana.run("passwd", "--new-passphrase-file", new, exits=(77,))
    ana.run("passwd", "--passphrase-file", new, "--new-passphrase-file", new, exits=(77,))
    ana.run("passwd", "--passphrase-file", secret, exits=(77,))  # Nobody to ask for the new one.
    ana.run("passwd", "--passphrase-file", secret, "--new-passphrase-file", "/dev/null", exits=(64,))
    assert keyring.read_bytes() == before
    ana.run("unlock", "--passphrase-file", secret)
    ana.run("passwd", "--new-passphrase-file", new)
    within(5 * stores.PATIENCE, lambda: not agents_of(ana))
    ana.run("inbox", "--passphrase-file", secret, exits=(77,))
    ana.run("inbox", "--passphrase-file", new)
    ana.run("passwd", "--passphrase-file", new, "--no-passphrase")
    ana.run("inbox")
    ana.run("unlock")
    assert not agents_of(ana)


def main():
    with stores.workplace() as place:
        secret = place / "secret"
        secret.write_text("correct horse\n")
        ana = stores.Store(place / "ana")
        ana.run("init", ana.directory, "--floor", 8, "--stamp", 1, "--passphrase-file", secret)
        try:
            check_unlock(ana, secret)
            check_descriptors(ana, secret)
            check_renewals(ana, secret)
            check_time(ana, secret)
            check_strangers(ana, secret, place)
            check_undumpable(ana)
            check_passwd(ana, secret, place)
        finally:
            ana.run("lock")


main()
