#!/usr/bin/env python3
"""Commands that write, on disks of many sizes that are nearly full and under limits on the size of
a file, on descriptors and on memory: each does what it was to do, or says what is missing and ends
with 74 (71 without descriptors or memory), never by a signal. Reading goes on meanwhile, what was
printed is there, and the same command works once there is room. SIZES says how many disks and limits
are tried; with 20 there are 26 commands, else the six that write in every way."""
import contextlib
import os
import pathlib
import resource
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

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


class Write:
    """A command that writes; `again`: what it may exit with when it has been done already. OUT
    stands for a directory beside the store."""

    def __init__(self, *words, stdin=b"", again=(0,), parts=()):
        self.words = [str(word) for word in words]
        self.stdin = stdin
        self.again = again
        self.parts = parts

    def words_for(self, store):
        out = store.directory.with_name("out")
        return store.words(*(word.replace("OUT", str(out)) for word in self.words))


class Given:
    """What the commands are about."""

    def __init__(self, place):
        self.ana = stores.new_chain(place / "ana", "ana")
        carl = stores.joined(place / "carl", "carl", self.ana.directory / "genesis")
        self.card = carl.run("id", "--card")
        self.ana.run("contact", "add", "myself", "-", input=self.ana.run("id", "--card"))
        self.read, self.forgotten = (
            self.ana.text("send", "-m", f"to be {what}", "myself") for what in ("read", "forgotten"))
        self.ana.run("mine", "--no-relay", "--allow-empty", "-n", 8)  # Only what lies deep is forgotten.
        self.ana.run("inbox")
        self.ana.run("send", "-m", "not yet looked at", "myself")
        self.ana.run("mine", "--no-relay")
        (self.ana.directory / "ballast").unlink()
        self.secret, self.attached, self.identity, self.bundle, self.contacts = (
            place / name for name in ("secret", "attached", "identity", "bundle", "contacts"))
        self.secret.write_text("correct horse\n", encoding="ascii")
        self.contacts.write_bytes(
            b"".join(b'{"name":"group%d","kind":"group","trust":"known","ack":"asked"}\n' % n
                     for n in range(40)))
        self.attached.write_bytes(os.urandom(200_000))
        carl.run("id", "backup", self.identity, "--backup-passphrase-file", self.secret)
        longer = self.ana.copy_to(place / "longer")
        longer.run("mine", "--no-relay", "--allow-empty", "-n", 3)
        longer.run("bundle", "create", self.bundle)


def writes(given):
    lines = b"".join(b'{"to":["myself"],"body":"%d"}\n' % n for n in range(20))
    return [
        Write("send", "myself", stdin=b"x" * 20_000),
        Write("send", "--stdin", stdin=lines, parts=(3,)),
        Write("mine", "--no-relay", "--allow-empty"),
        Write("contact", "add", "carl", "-", stdin=given.card, again=(0, 73)),
        Write("inbox"),
        Write("config", "set", "user.identity", "ana"),
    ]


def rarer_writes(given):
    under = ("--backup-passphrase-file", given.secret)
    return [
        Write("send", "--key", "k", "-m", "see file", "-a", given.attached, "myself"),
        Write("send", "--hold", "-m", "later", "myself"),
        Write("mark", "+flagged", given.read),
        Write("reply", given.read, "-m", "yes"),
        Write("contact", "import", given.contacts),
        Write("contact", "rename", "myself", "me", again=(0, 67)),
        Write("contact", "rename", "me", "myself", parts=(67,)),
        Write("id", "new", "work", again=(0, 73)),
        Write("id", "set", "--epoch", "2d"),
        Write("id", "backup", "OUT/identity", "--with-prekeys", *under, again=(0, 73)),
        Write("id", "restore", given.identity, *under, again=(0, 73)),
        Write("room", "create", "ops", "--member", "myself", again=(0, 73)),
        Write("forget", given.forgotten, "--yes"),
        Write("bundle", "create", "OUT/bundle", again=(0, 73)),
        Write("bundle", "apply", given.bundle),
        Write("backup", "OUT/backup", again=(0, 73)),
        Write("mirror", "OUT/mirror"),
        Write("export", "--to", "OUT/export", again=(0, 73), parts=(3,)),
        Write("policy", "set", "depl", "myself"),
        Write("peers", "add", "--no-probe", "http://127.0.0.1:9"),
    ]


class Tried:
    def __init__(self):
        self.runs = self.refused = 0


def copied(given, place):
    """A copy of the store, and a directory for what is written beside it."""
    (place / "out").mkdir()
    return given.ana.copy_to(place / "store")


def run(store, write, limit=None):
    return subprocess.run(write.words_for(store), env=store.environment, input=write.stdin,
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
    return ids_of(done) if write.words[0] in ("send", "reply") else set()


def finish(store, todo, sent, what):
    """With room again each works, and nothing has been lost."""
    for write in todo:
        done = run(store, write)
        assert done.returncode in write.again, (what, write.words, done)
    store.run("verify", "--full")
    known = {one["id"] for one in store.objects("outbox", "list")}
    assert sent <= known, f"{what}: {len(sent - known)} acknowledged messages are missing"


def check_disks(place, given, todo):
    """From nothing to half as much again as the first six of them write."""
    tried = Tried()
    base = given.ana.directory
    room = sum(file.stat().st_size for file in base.rglob("*") if file.is_file())
    for left in [0, *spread(16 << 10, 6 * MIB)][:SIZES]:
        with small_disk(place / "disk", room + 64 * MIB) as disk:
            if disk is None:
                print("skip: no file system may be mounted here")
                sys.exit(77)
            store = copied(given, disk)
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


def check_limits(place, given, todo, name, which, values, refusals):
    tried = Tried()
    for value in values:
        (place / "limited").mkdir()
        store = copied(given, place / "limited")
        sent = set()
        for write in todo:
            sent |= try_write(store, write, f"{name} {value}", tried, refusals=refusals,
                              limit=lambda: resource.setrlimit(which, (value, value)))
        finish(store, todo, sent, f"{name} {value}")
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


def main():
    with stores.workplace() as place:
        given = Given(place)
        todo = writes(given) + (rarer_writes(given) if SIZES >= ALL_SIZES else [])
        check_limits(place, given, todo, "RLIMIT_FSIZE", resource.RLIMIT_FSIZE,
                     [0, *spread(512, 8 * MIB)][:SIZES], (74,))
        check_limits(place, given, todo, "RLIMIT_NOFILE", resource.RLIMIT_NOFILE,
                     spread(4, 40), (71, 74))
        check_limits(place, given, todo, "RLIMIT_AS", resource.RLIMIT_AS, memory_sizes(), (71,))
        check_disks(place, given, todo)


main()
