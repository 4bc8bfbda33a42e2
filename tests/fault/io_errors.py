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
from writers import check_after, make_world, points_of, uses  # noqa: E402

LIBRARY = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "libfail_at.so"
TRIALS = int(os.environ.get("BMSG_FAILED", "3"))
REASONS = (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EMFILE)
# What RocksDB says of a file that it cannot open, where it drops the reason.
UNTOLD = ("Direct I/O is not supported",)


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


class Tally:
    def __init__(self):
        self.failed = self.told = 0


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
                for number, at in enumerate(points_of(calls, TRIALS, random)):
                    try_one(place, disk, ana, use, (at, reason, number % 2 == 1), tally)
            print(f"{use.name}: {tally.failed} failures, {tally.told} told", flush=True)
            assert tally.failed >= min(2 * TRIALS, calls), f"{use.name}: too few failures"


main()
