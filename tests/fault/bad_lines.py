#!/usr/bin/env python3
"""A small sync over a line that is cut after every 25th byte, that changes a byte and that is slow.

Each ends well or with an error of its own, no wrong block is ever kept, and the next sync over a
good line brings the rest. STEP=1 cuts after every byte, FLIPS=N changes that many, DELAY=S is how
slow it may be.
"""
import os
import pathlib
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
import wires  # noqa: E402

STEP = int(os.environ.get("STEP", "25"))
LAST = 5000  # Bytes.
FLIPS = int(os.environ.get("FLIPS", "25"))
DELAY = float(os.environ.get("DELAY", "0.2"))
# Done, a broken rule, nobody answers, try again, a broken protocol: where a byte was changed.
ENDS = (0, 65, 69, 75, 76)


class Lines:
    """A node with some blocks, a store that lacks them, and lines between the two."""

    def __init__(self, place, ana, url):
        self.place, self.url = place, url
        self.chain = ana.text("rev-list", "--reverse").split()
        self.waiting = set(ana.text("ls-pool").split())
        self.fresh = stores.joined(place / "fresh", "ben", ana.directory / "genesis")
        self.ben, self.trials = None, 0

    def try_one(self, prepare, *options):
        """One sync over a spoiled line: its exit code, and how many blocks came."""
        self.trials += 1
        if self.ben is None:
            self.ben = self.fresh.copy_to(self.place / f"ben{self.trials}")
        ben = self.ben
        with wires.wire(self.url) as (line, url):
            prepare(line)
            process = ben.start("sync", url, *options)
            _, complaint = process.communicate(timeout=60)
        assert process.returncode in ENDS, (process.returncode, complaint)
        assert (process.returncode == 0) == (not complaint), (process.returncode, complaint)
        blocks = ben.text("rev-list", "--reverse").split()
        assert blocks == self.chain[:len(blocks)], "a wrong block"
        if self.trials % 20 == 0:
            ben.run("sync", self.url)
            assert ben.text("rev-list", "--reverse").split() == self.chain, "it does not go on"
            assert self.waiting <= set(ben.text("ls-pool").split()), "a message is missing"
            ben.run("verify", "--full")
        if len(blocks) > 1 or self.trials % 20 == 0:
            shutil.rmtree(ben.directory)
            self.ben = None
        return process.returncode, len(blocks) - 1, line


def check_cuts(lines, size):
    heights = []
    for cut in range(0, min(LAST, size + STEP) + 1, STEP):
        code, height, line = lines.try_one(lambda line: setattr(line, "cut_after", cut))
        assert line.cuts > 0 or cut >= size, f"no cut after {cut} of {size} bytes"
        heights.append((height, code))
    failed = sum(code != 0 for _, code in heights)
    print(f"{len(heights)} cuts of {size} bytes: {failed} failed, "
          f"heights {sorted({height for height, _ in heights})}")
    assert failed >= min(LAST, size) // STEP // 2, "too few cuts came in time"
    codes = {code for _, code in heights}
    assert codes <= {0, 69}, f"a line that broke was called a lie: {codes}"
    assert {0, len(lines.chain) - 1} <= {height for height, _ in heights}, heights


def check_flips(lines, numbers, size):
    codes = []
    for _ in range(FLIPS):
        at = numbers.randrange(size)
        code, _, line = lines.try_one(lambda line: setattr(line, "flip_at", at))
        assert line.flips == 1, f"byte {at} did not pass"
        codes.append(code)
    print(f"{FLIPS} changed bytes: {sum(code != 0 for code in codes)} failed")
    assert any(codes), "no change was noticed, so nothing is tested"


def check_delays(lines, numbers):
    for _ in range(2):
        delay = numbers.uniform(DELAY / 4, DELAY)
        began = time.monotonic()
        code, height, _ = lines.try_one(lambda line: setattr(line, "delay", delay))
        assert (code, height) == (0, len(lines.chain) - 1), (code, height)
        assert time.monotonic() - began > delay, "nothing was late"


def check_tar_pit(place):
    """A peer too slow for the time that a sync has: what came is kept, and the next goes on."""
    ana = stores.new_chain(place / "slow", "ana")
    ana.run("mine", "-n", 50, "--allow-empty", "--no-relay")
    ben = stores.joined(place / "pit", "ben", ana.directory / "genesis")
    heights, codes = [], []
    with ana.served() as url, wires.wire(url) as (line, slow):
        line.delay = 0.15
        while 0 not in codes:
            process = ben.start("sync", slow, "--timeout", "1s")
            _, complaint = process.communicate(timeout=60)
            assert process.returncode in (0, 69, 75), (process.returncode, complaint)
            codes.append(process.returncode)
            heights.append(ben.objects("status")[0]["height"])
            assert len(codes) < 40, f"it never comes to an end: {heights}"
            line.delay /= 1.1
    print(f"heights after syncs of a second each: {heights}, exit codes {codes}")
    assert heights == sorted(heights), "what came was lost"
    assert codes[0] != 0 and any(0 < height < 50 for height in heights), "nothing was cut short"
    assert ben.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
    ben.run("verify", "--full")


def main():
    numbers = stores.seeded_random()
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        ana.run("mine", "--no-relay")
        ana.run("send", "--public", "-m", "waits")
        with ana.served() as url:
            ana.run("make-block")
            lines = Lines(place, ana, url)
            lines.try_one(lambda line: None)  # Gives ana ben's card.
            code, height, line = lines.try_one(lambda line: None)
            assert (code, height) == (0, 1), (code, height)
            size = line.passed
            check_cuts(lines, size)
            check_flips(lines, numbers, size)
            check_delays(lines, numbers)
        check_tar_pit(place)


main()
