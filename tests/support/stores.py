"""Stores for the scripts that test the built program from outside. Needs BMSG, the program."""
import contextlib
import json
import os
import pathlib
import random
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PROGRAM = os.environ.get("BMSG") or sys.exit("set BMSG to the program to test")
# The program is of a sanitized build: it takes its time, and memory that is not its own.
SANITIZED = bool(os.environ.get("BMSG_SANITIZED"))
PATIENCE = 5 if SANITIZED else 1


def environment(home):
    """Nothing of whoever runs the test: no settings, no store, no questions."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("BMSG", "XDG_"))}
    return kept | {"HOME": str(home), "BMSG_CONFIG_NOSYSTEM": "1", "BMSG_NO_INPUT": "1"}


@contextlib.contextmanager
def workplace():
    """A directory that is gone afterwards."""
    directory = pathlib.Path(tempfile.mkdtemp(prefix="bmsg-test."))
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def seeded_random():
    """Random moments that can be had again: the seed is printed, BMSG_SEED sets it."""
    seed = int(os.environ.get("BMSG_SEED") or random.SystemRandom().randrange(2**32))
    print(f"seed {seed}", flush=True)
    return random.Random(seed)


class Store:
    """One store's directory and the commands run on it."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.environment = environment(self.directory.parent)

    def words(self, *arguments):
        return [PROGRAM, "-C", str(self.directory), *map(str, arguments)]

    def run(self, *arguments, exits=(0,), **options):
        """Runs a command to its end; its standard output. Any code but `exits` is a failure."""
        done = subprocess.run(self.words(*arguments), capture_output=True, env=self.environment,
                              check=False, **({"timeout": 120 * PATIENCE} | options))
        if done.returncode not in exits:
            raise AssertionError(f"{' '.join(map(str, arguments))} exited {done.returncode}: "
                                 f"{done.stdout[-500:]!r} {done.stderr[-2000:].decode()}")
        return done.stdout

    def text(self, *arguments, **options):
        return self.run(*arguments, **options).decode().strip()

    def objects(self, *arguments, **options):
        """The JSON lines that a command prints."""
        return [json.loads(line) for line in self.run(*arguments, "--json", **options).splitlines()]

    def start(self, *arguments, **options):
        return subprocess.Popen(self.words(*arguments), env=self.environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, **options)

    def copy_to(self, directory):
        """A second directory with the same content: only for one of the two at a time."""
        shutil.copytree(self.directory, directory, ignore=shutil.ignore_patterns("run"))
        return Store(directory)

    @contextlib.contextmanager
    def served(self, *options, listen="127.0.0.1:0", sync_every="0"):
        """A node on a free port; its URL."""
        server = self.start("serve", "--listen", listen, "--sync-every", sync_every, *options)
        try:
            yield read_line(server.stdout, 20).removeprefix("listening ")
        finally:
            server.send_signal(signal.SIGTERM)
            if server.wait(20 * PATIENCE) != 0:
                print(server.stderr.read().decode(), file=sys.stderr)
            server.stdout.close()
            server.stderr.close()


def read_line(stream, seconds):
    """The next line of a pipe; fails when it takes too long."""
    deadline = time.monotonic() + seconds * PATIENCE
    line = b""
    while not line.endswith(b"\n"):
        ready, _, _ = select.select([stream], [], [], max(0, deadline - time.monotonic()))
        byte = os.read(stream.fileno(), 1) if ready else b""
        if not byte:
            raise AssertionError(f"no line within {seconds} s, only {line!r}")
        line += byte
    return line.decode().rstrip("\n")


def peak_memory(usage):
    """Bytes that a program took at most; nothing where most of them are the sanitizer's."""
    return 0 if SANITIZED else usage.ru_maxrss << 10


def beginning(name, size):
    """That many letters of an id or a hash, or more: digits alone would be a height."""
    return next(name[:end] for end in range(size, len(name)) if not name[:end].isdecimal())


def new_chain(directory, name, *options):
    """A store of a new chain on which everything is cheap."""
    store = Store(directory)
    store.run("init", directory, "--name", name, "--floor", 8, "--stamp", 1, "--no-passphrase",
              *options)
    return store


def joined(directory, name, genesis, *options):
    """A store of the chain that `genesis`, a file or a URL, defines."""
    store = Store(directory)
    store.run("init", directory, "--name", name, "--genesis", genesis, "--no-passphrase", *options)
    return store


def members_rules(file, *keys):
    """The rules of a chain that is for these node keys alone, written to `file`."""
    file.write_text(f"""bmsg 1
version 0
name club
mode pow
access members
time {int(time.time()) - 3600}
interval 600
halflife 7200
floor 2000ffff
maxblock 1048576
maxmessage 65536
maxttl 31536000
stamp 0
blobstamp 0
""" + "".join(f"member {key}\n" for key in keys), encoding="ascii")
    return file


def flip_tables(store):
    """One byte in the middle of every file of the chain that holds records."""
    hit = 0
    for file in (store.directory / "chain").iterdir():
        if file.suffix in (".sst", ".log") and file.stat().st_size > 2000:
            content = bytearray(file.read_bytes())
            content[len(content) // 2] ^= 0x10
            file.write_bytes(content)
            hit += 1
    assert hit, "nothing was damaged"
