#!/usr/bin/env python3
"""Commands that write, on disks of many sizes that are nearly full and under limits on the size of
a file, on descriptors and on memory: each does what it was to do, or says what is missing and ends
with 74 (71 without descriptors or memory), never by a signal. Reading goes on meanwhile, what was
printed is there, and the same command works once there is room. SIZES says how many disks and limits
are tried; with 20 of nearly all commands that write, else of the six that write in every way."""
import contextlib
import os
import pathlib
import resource
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from writing import Given, rarer_writes, writes  # noqa: E402

MIB = 1 << 20
SIZES = int(os.environ.get("SIZES", "5"))
ALL_SIZES = 20  # From so many on the rarer commands are tried, too.
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


class Tried:
    def __init__(self):
        self.runs = self.refused = 0


def copied(given, place):
    """A copy of each store by its name, and a directory for what is written beside them."""
    (place / "out").mkdir()
    return {name: store.copy_to(place / name) for name, store in given.stores.items()}


def ids_of(done):
    return {line for line in done.stdout.decode().split("\n")[:-1] if len(line) == 128}


def try_write(made, given, write, what, tried, limit=None, refusals=(74,)):
    store = made[write.at]
    done = write.run(store, given, limit)
    tried.runs += 1
    told = f"{what}: {' '.join(write.words)}: {done.returncode} {done.stderr.decode()}"
    assert done.returncode in (0, *refusals, *write.parts), told
    assert done.returncode == 0 or done.stderr or done.stdout, told
    tried.refused += done.returncode in refusals
    for words in (("log",), ("inbox",), ("outbox", "list"), ("status",)):
        made["store"].run(*words)
    return ids_of(done) if write.words[0] in ("send", "reply") else set()


def finish(made, given, todo, sent, what):
    """With room again each works, and nothing has been lost."""
    for write in todo:
        done = write.run(made[write.at], given)
        assert done.returncode in write.again, (what, write.words, done)
    for store in made.values():
        store.run("verify", "--full")
    known = {one["id"] for one in made["store"].objects("outbox", "list")}
    assert sent <= known, f"{what}: {len(sent - known)} acknowledged messages are missing"


def check_disks(place, given, todo):
    """From nothing to half as much again as the first six of them write."""
    tried = Tried()
    room = sum(file.stat().st_size for store in given.stores.values()
               for file in store.directory.rglob("*") if file.is_file())
    for left in [0, *spread(16 << 10, 6 * MIB)][:SIZES]:
        with small_disk(place / "disk", room + 64 * MIB) as disk:
            if disk is None:
                print("skip: no file system may be mounted here")
                sys.exit(77)
            made = copied(given, disk)
            free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
            with open(disk / "filler", "ab") as filler:
                filler.write(bytes(max(0, free - left)))
            sent = set()
            for write in todo:
                sent |= try_write(made, given, write, f"{left} bytes left", tried)
            (disk / "filler").unlink()
            finish(made, given, todo, sent, f"{left} bytes left")
        (place / "disk").rmdir()
    print(f"full disks: {tried.runs} commands, {tried.refused} refused", flush=True)
    assert tried.refused >= REFUSED_MIN


def check_limits(place, given, todo, name, which, values, refusals):
    tried = Tried()
    for value in values:
        (place / "limited").mkdir()
        made = copied(given, place / "limited")
        sent = set()
        for write in todo:
            sent |= try_write(made, given, write, f"{name} {value}", tried, refusals=refusals,
                              limit=lambda: resource.setrlimit(which, (value, value)))
        finish(made, given, todo, sent, f"{name} {value}")
        shutil.rmtree(place / "limited")
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


def check_all(place, given, todo):
    check_limits(place, given, todo, "RLIMIT_FSIZE", resource.RLIMIT_FSIZE,
                 [0, *spread(512, 8 * MIB)][:SIZES], (74,))
    check_limits(place, given, todo, "RLIMIT_NOFILE", resource.RLIMIT_NOFILE,
                 spread(4, 40), (71,))
    check_limits(place, given, todo, "RLIMIT_AS", resource.RLIMIT_AS, memory_sizes(), (71,))
    check_disks(place, given, todo)


def main():
    with stores.workplace() as place:
        given = Given(place)
        if SIZES < ALL_SIZES:
            check_all(place, given, writes(given))
            return
        given.add_rarer()
        with given.longest.served() as given.url:
            check_all(place, given, writes(given) + rarer_writes(given))


main()
