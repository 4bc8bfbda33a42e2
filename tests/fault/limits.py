#!/usr/bin/env python3
"""Commands that write, on disks of many sizes that are nearly full and under limits on the size of
a file, on descriptors and on memory: each does what it was to do, or says what is missing and ends
with 74 (71 without descriptors or memory), never by a signal. Reading goes on meanwhile, what was
printed is there, and the same command works once there is room. SIZES says how many disks and limits
are tried."""
import contextlib
import os
import pathlib
import resource
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

MIB = 1 << 20
SIZES = int(os.environ.get("SIZES", "5"))
REFUSED_MIN = 3  # Each limit must have stood in the way of so many commands at least.


@contextlib.contextmanager
def small_disk(place, size):
    """A file system of so many bytes; None where only root may have one."""
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(place)],
                             capture_output=True, check=False)
    try:
        yield place if mounted.returncode == 0 else None
    finally:
        if mounted.returncode == 0:
            subprocess.run(["umount", "-l", str(place)], check=True)


def spread(least, most):
    """So many sizes between the two, each the same factor above the last."""
    factor = (most / least) ** (1 / (SIZES - 1))
    return [round(least * factor ** n) for n in range(SIZES)]


class Write:
    """A command that writes; `again`: what it may exit with when it has been done already."""

    def __init__(self, *words, stdin=b"", again=(0,), parts=()):
        self.words = words
        self.stdin = stdin
        self.again = again
        self.parts = parts


def writes(card):
    lines = b"".join(b'{"to":["myself"],"body":"%d"}\n' % n for n in range(20))
    return [
        Write("send", "myself", stdin=b"x" * 20_000),
        Write("send", "--stdin", stdin=lines, parts=(3,)),
        Write("mine", "--no-relay", "--allow-empty"),
        Write("contact", "add", "carl", "-", stdin=card, again=(0, 73)),
        Write("inbox"),
        Write("config", "set", "user.identity", "ana"),
    ]


class Tried:
    def __init__(self):
        self.runs = self.refused = 0


def run(store, write, limit=None):
    return subprocess.run(store.words(*write.words), env=store.environment, input=write.stdin,
                          capture_output=True, check=False, timeout=60, preexec_fn=limit)


def ids_of(done):
    return {line for line in done.stdout.decode().split("\n")[:-1] if len(line) == 128}


def try_write(store, write, what, tried, limit=None, refusals=(74,)):
    done = run(store, write, limit)
    tried.runs += 1
    told = f"{what}: {' '.join(write.words)}: {done.returncode} {done.stderr.decode()}"
    assert done.returncode in (0, *refusals, *write.parts), told
    assert done.returncode == 0 or done.stderr or done.stdout, told
    tried.refused += done.returncode != 0
    for words in (("log",), ("inbox",), ("outbox", "list"), ("status",)):
        store.run(*words)
    return ids_of(done) if write.words[0] == "send" else set()


def finish(store, todo, sent, what):
    """With room again each works, and nothing has been lost."""
    for write in todo:
        done = run(store, write)
        assert done.returncode in write.again, (what, write.words, done)
    store.run("verify", "--full")
    known = {one["id"] for one in store.objects("outbox", "list")}
    assert sent <= known, f"{what}: {len(sent - known)} acknowledged messages are missing"


def check_disks(place, base, todo):
    """From nothing to half as much again as all of them write."""
    tried = Tried()
    room = sum(file.stat().st_size for file in base.directory.rglob("*") if file.is_file())
    for left in [0, *spread(16 << 10, 6 * MIB)][:SIZES]:
        with small_disk(place / "disk", room + 64 * MIB) as disk:
            if disk is None:
                print("skip: no file system may be mounted here")
                sys.exit(77)
            store = base.copy_to(disk / "store")
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            with open(disk / "filler", "ab") as filler:
                filler.write(bytes(max(0, free - left)))
            sent = set()
            for write in todo:
                sent |= try_write(store, write, f"{left} bytes left", tried)
            (disk / "filler").unlink()
            finish(store, todo, sent, f"{left} bytes left")
        (place / "disk").rmdir()
    print(f"full disks: {tried.runs} commands, {tried.refused} refused", flush=True)
    assert tried.refused >= REFUSED_MIN


def check_limits(place, base, todo, name, which, values, refusals):
    tried = Tried()
    for value in values:
        store = base.copy_to(place / "limited")
        sent = set()
        for write in todo:
            sent |= try_write(store, write, f"{name} {value}", tried, refusals=refusals,
                              limit=lambda: resource.setrlimit(which, (value, value)))
        finish(store, todo, sent, f"{name} {value}")
        subprocess.run(["rm", "-r", str(store.directory)], check=True)
    print(f"{name}: {tried.runs} commands, {tried.refused} refused", flush=True)
    assert tried.refused >= REFUSED_MIN


def begins(size):
    """Whether the system can load the program within so much memory: before that nothing is ours."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (size, size))
    return subprocess.run([stores.PROGRAM, "--version"], capture_output=True, check=False,
                          preexec_fn=limit).returncode in (0, 71)


def memory_sizes():
    """From where the program just begins to where nothing is refused any more."""
    least = next(size for size in range(8 * MIB, 512 * MIB, MIB // 4) if begins(size))
    return spread(least + MIB // 4, least + 48 * MIB)


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        carl = stores.joined(place / "carl", "carl", ana.directory / "genesis")
        ana.run("contact", "add", "myself", "-", input=ana.run("id", "--card"))
        ana.run("send", "-m", "not yet looked at", "myself")
        ana.run("mine", "--no-relay")
        (ana.directory / "ballast").unlink()
        todo = writes(carl.run("id", "--card"))
        check_limits(place, ana, todo, "RLIMIT_FSIZE", resource.RLIMIT_FSIZE,
                     [0, *spread(512, 8 * MIB)][:SIZES], (74,))
        check_limits(place, ana, todo, "RLIMIT_NOFILE", resource.RLIMIT_NOFILE,
                     spread(4, 40), (71, 74))
        check_limits(place, ana, todo, "RLIMIT_AS", resource.RLIMIT_AS, memory_sizes(), (71,))
        check_disks(place, ana, todo)


main()
