#!/usr/bin/env python3
"""Each command that writes, with a disk whose first, second, third ... call fails, once or from
then on: full, over quota, broken, or no descriptor is left. The command says so and ends with 74
(71 without descriptors), or did what it was to do; it is never killed; what it printed is there,
and the same command works then. BMSG_FAILED: at how many calls at most (1000000: at all)."""
import errno
import os
import pathlib
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

LIBRARY = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "libfail_at.so"
TRIALS = int(os.environ.get("BMSG_FAILED", "3"))
REASONS = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EMFILE)
# What RocksDB says of a file that it cannot open, where it drops the reason.
UNTOLD = ("Direct I/O is not supported",)


class Use:
    def __init__(self, name, words, check=lambda store: None, **more):
        self.name = name
        self.words = words
        self.check = check  # What must be there once it has succeeded.
        self.stdin = more.get("stdin", b"")
        self.again = more.get("again", (0,))  # Exit codes of the same command afterwards.
        self.parts = more.get("parts", ())  # And where a part of it has failed.


class Disk:
    """How a command fares where a call fails."""

    def __init__(self, place):
        self.file = place / "calls"

    def run(self, store, use, at=0, reason=errno.EIO, lasting=False):
        self.file.write_bytes(bytes(16))
        variables = {"LD_PRELOAD": str(LIBRARY), "BMSG_FAIL_COUNT": str(self.file),
                     "BMSG_FAIL_AT": str(at), "BMSG_FAIL_REASON": str(reason)}
        if lasting:
            variables["BMSG_FAIL_ALWAYS"] = "1"
        done = subprocess.run(store.words(*use.words), env=store.environment | variables,
                              input=use.stdin, capture_output=True, check=False, timeout=60)
        calls, failures = struct.unpack("=QQ", self.file.read_bytes())
        return done, calls, failures


def ids_of(done):
    """Messages that were acknowledged, each on a line of its own."""
    return [line for line in done.stdout.decode().split("\n")[:-1] if len(line) == 128]


def known_ids(store):
    return {one["id"] for one in store.objects("outbox", "list") if "id" in one}


def make_world(place):
    """Ana, who has mail and something to send, and cards of others."""
    ana = stores.new_chain(place / "ana", "ana")
    ben, carl = (stores.joined(place / name, name, ana.directory / "genesis")
                 for name in ("ben", "carl"))
    (ana.directory / "ballast").unlink()  # 16 MiB that need not be copied each time.
    for name, one in (("ben", ben), ("myself", ana)):
        ana.run("contact", "add", name, "-", input=one.run("id", "--card"))
    ana.run("send", "-m", "first", "ben", "myself")
    ana.run("mine", "--no-relay")
    received = ana.objects("inbox")[0]["id"]
    ana.run("send", "-m", "not yet looked at", "myself")
    ana.run("mine", "--no-relay")
    sent = ana.text("send", "-m", "second", "ben")
    return ana, carl.run("id", "--card"), sent, received


def has(text, *words):
    def check(store):
        assert text in store.text(*words), (words, text)
    return check


def mined(store):
    assert not [one for one in store.objects("outbox", "list") if one.get("state") == "queued"]


def uses(card, sent, received):
    """Of those that write: into the outbox, both databases, keys, contacts, settings."""
    lines = b"".join(b'{"to":["ben"],"body":"line %d"}\n' % n for n in range(6))
    return [
        Use("send", ("send", "-m", "third", "ben")),
        Use("send --stdin", ("send", "--stdin"), stdin=lines, parts=(3,)),
        Use("send --key", ("send", "--key", "k", "-m", "third", "ben")),
        Use("outbox cancel", ("outbox", "cancel", sent), again=(0, 66)),
        Use("mine", ("mine", "--no-relay"), mined, again=(0, 1)),
        Use("inbox", ("inbox",)),
        Use("mark", ("mark", "+flagged", received), has("\"flagged\"", "inbox", "--json")),
        Use("contact add", ("contact", "add", "carl", "-"), has("carl", "contact", "list"),
            stdin=card, again=(0, 73)),
        Use("contact rename", ("contact", "rename", "ben", "benno"),
            has("benno", "contact", "list"), again=(0, 67)),
        Use("config set", ("config", "set", "user.identity", "ana"),
            has("ana", "config", "get", "user.identity")),
        Use("id new", ("id", "new", "work"), has("work", "id", "list"), again=(0, 73)),
        Use("id set", ("id", "set", "--epoch", "2d"), has("172800", "id", "show", "--json")),
    ]


def points_of(calls, random):
    if calls <= TRIALS:
        return range(1, calls + 1)
    step = calls / TRIALS
    return [1 + int(step * (n + random.random())) for n in range(TRIALS)]


class Tally:
    def __init__(self):
        self.failed = self.told = 0


def check_after(store, use, done):
    """What was acknowledged is there, and nothing stands in the way of the next command."""
    if use.name.startswith("send"):
        assert set(ids_of(done)) <= known_ids(store), "an acknowledged message is missing"
    again = subprocess.run(store.words(*use.words), env=store.environment, input=use.stdin,
                           capture_output=True, check=False, timeout=60)
    assert again.returncode in use.again, (use.name, again)
    use.check(store)
    store.run("verify", "--full")


def try_one(place, disk, ana, use, trial, tally):
    at, reason, lasting = trial
    store = ana.copy_to(place / "trial" / "store")
    done, _, failures = disk.run(store, use, at, reason, lasting)
    said = done.stderr.decode(errors="replace")
    what = (f"{use.name}, call {at}, {os.strerror(reason)}, lasting {lasting}: "
            f"{done.returncode} {said}")
    tally.failed += failures > 0
    if failures > 0:
        wanted = ((71, 74) if reason == errno.EMFILE else (74,)) + use.parts
        assert done.returncode == 0 or done.returncode in wanted, what
        told = os.strerror(reason) in said or any(text in said for text in UNTOLD)
        assert done.returncode == 0 or told or done.stdout, what
        tally.told += done.returncode != 0
    try:
        check_after(store, use, done)
    except AssertionError as wrong:
        raise AssertionError(what) from wrong
    subprocess.run(["rm", "-r", str(store.directory)], check=True)
    return failures


def main():
    random = stores.seeded_random()
    with stores.workplace() as place:
        ana, *known = make_world(place)
        disk = Disk(place)
        (place / "trial").mkdir()
        for use in uses(*known):
            tally = Tally()
            for reason in REASONS:
                whole = ana.copy_to(place / "trial" / "store")
                done, calls, _ = disk.run(whole, use, 0, reason)
                assert done.returncode == 0, (use.name, done)
                subprocess.run(["rm", "-r", str(whole.directory)], check=True)
                for number, at in enumerate(points_of(calls, random)):
                    try_one(place, disk, ana, use, (at, reason, number % 2 == 1), tally)
            print(f"{use.name}: {tally.failed} failures, {tally.told} told", flush=True)
            assert tally.failed >= min(2 * TRIALS, calls), f"{use.name}: too few failures"


main()
