#!/usr/bin/env python3
"""A long chain through all that goes through all of it: taken from a bundle and from a peer, judged,
listed, searched, exported, backed up and restored; and one message more is written, mined, carried and
read at its end. Memory grows by what is listed, and by nothing else. BMSG_MESSAGES: how many there are;
'./dev soak million' takes a million."""
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

LONG_CHAIN = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "long_chain"
MESSAGES = int(os.environ.get("BMSG_MESSAGES") or 20_000)
PER_BLOCK = 100
BLOCKS = MESSAGES // PER_BLOCK
TEXT_BYTES = 200
SECONDS_MAX = (300 + MESSAGES // 500) * stores.PATIENCE
RESIDENT_MAX = 256 << 20
LISTED_BYTES = 1024  # Of each message that is put in order before it is printed.
MIB = 1 << 20


class Runs:
    """Commands, and the memory that each had at most."""

    def __init__(self, place):
        self.told = []
        self.out, self.complaint = place / "out", place / "complaint"

    def run(self, store, *words, listed=0, **more):
        """`listed`: how many messages it goes through in an order that the chain has not."""
        began = time.monotonic()
        with open(self.out, "wb") as out, open(self.complaint, "wb") as complaint:
            process = subprocess.Popen(store.words(*words), env=store.environment, stdout=out,
                                       stderr=complaint, stdin=subprocess.DEVNULL, **more)
            _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, (words, process.returncode, self.complaint.read_text()[-2000:])
        peak = used.ru_maxrss << 10
        self.told.append(f"{words[0]} {time.monotonic() - began:.1f} s {peak // MIB} MiB")
        assert stores.SANITIZED or peak <= RESIDENT_MAX + listed * LISTED_BYTES, self.told
        return self.out


def lines_of(file):
    with open(file, "rb") as lines:
        return sum(1 for _ in lines)


def check_read(store, runs):
    """All of it, then some of it."""
    assert lines_of(runs.run(store, "inbox", listed=MESSAGES)) == MESSAGES
    assert lines_of(runs.run(store, "export", listed=MESSAGES)) == MESSAGES
    newest = runs.run(store, "inbox", "-n", "20").read_text().splitlines()
    assert len(newest) == 20 and f"of {BLOCKS}" in newest[0], newest[:1]
    words = f"honest 7 of {BLOCKS // 2}"
    found = runs.run(store, "search", words).read_text().splitlines()
    assert found and all(words in line for line in found), found[:2]
    assert f"messages {MESSAGES}\n" in runs.run(store, "count").read_text()


def check_verified(store, runs):
    told = runs.run(store, "verify", "--full").read_text()
    assert f"OK {BLOCKS} blocks, {MESSAGES} messages" in told, told


def check_one_more(ana, ben, url, runs):
    """What is written at its end is there as on a short one."""
    sent = ana.text("send", "--public", "-m", "one more")
    ana.run("mine", "--no-relay")
    runs.run(ben, "sync", url)
    assert ben.objects("inbox", "-n", "1")[0]["id"] == sent
    assert ana.text("rev-parse", "tip") == ben.text("rev-parse", "tip")


def main():
    with stores.workplace() as place:
        bundle, runs = place / "bundle", Runs(place)
        with open(bundle, "wb") as out:
            subprocess.run([LONG_CHAIN, str(BLOCKS), str(PER_BLOCK), "0", str(TEXT_BYTES)],
                           stdout=out, check=True)
        ana = stores.Store(place / "ana")
        runs.run(ana, "clone", bundle, ana.directory, "--name", "ana", "--no-passphrase")
        bundle.unlink()
        check_verified(ana, runs)
        check_read(ana, runs)
        ben = stores.joined(place / "ben", "ben", ana.directory / "genesis")
        with ana.served() as url:
            runs.run(ben, "sync", "--timeout", f"{SECONDS_MAX}s", url)
            check_verified(ben, runs)
            check_one_more(ana, ben, url, runs)
        tip = ben.text("rev-parse", "tip")
        runs.run(ben, "backup", place / "backup.tar")
        subprocess.run(["rm", "-r", str(ben.directory)], check=True)
        restored = stores.Store(place / "restored")
        runs.run(restored, "restore", place / "backup.tar", restored.directory)
        assert restored.text("rev-parse", "tip") == tip
        runs.run(restored, "verify")
    print(f"{MESSAGES} messages: {', '.join(runs.told)}")


main()
