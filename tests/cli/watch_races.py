#!/usr/bin/env python3
"""A reader of watch beside other commands that come in between: each message is given once."""
import fcntl
import pathlib
import shlex
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from pair import Pair, ids_of  # noqa: E402
from stores import workplace  # noqa: E402


def wait_until_wanted(lock):
    """Until somebody waits for the lock, which they say by its time."""
    before = lock.stat().st_mtime_ns
    deadline = time.monotonic() + 60
    while lock.stat().st_mtime_ns == before:
        assert time.monotonic() < deadline, "nobody waits for the lock"
        time.sleep(0.001)


def passes_no_block_that_was_not_scanned(pair):
    """A block comes when the index is written, and another command enters what is in it while a
    program has the message before."""
    ana, place = pair.ana, pair.directory
    bmsg = shlex.join(ana.words())
    pair.watched("--cursor", "r")
    before = pair.mined("first")
    later = ana.copy_to(place / "later")  # The same store, one block later.
    after = [pair.ben.text("send", "-m", "second", "ana")]
    with later.served() as url:
        pair.ben.run("sync", url)
    later.run("mine", "--no-relay")
    program = pair.script("slow", f'cat >>{place}/given; {bmsg} inbox >{place}/shown\n')
    lock = ana.directory / "mail.lock"
    with lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        watch = ana.start("watch", "--cursor", "r", "--drain", "--exec", program)
        wait_until_wanted(lock)
        (ana.directory / "chain").rename(place / "early")
        for name in ("chain", "witness"):
            (later.directory / name).rename(ana.directory / name)
    out, err = watch.communicate(timeout=60)
    assert watch.returncode == 0, (out, err)
    pair.watched("--cursor", "r", "--exec", program)
    assert ids_of((place / "given").read_text()) == before + after, (before, after)


def gives_nothing_twice_where_two_runs_meet(pair):
    """The second run has opened the store when the first one delivers what is there, and ends."""
    ana, place = pair.ana, pair.directory
    bmsg = shlex.join(ana.words())
    pair.watched("--cursor", "twice")
    hook = ana.directory / "hooks" / "post-receive"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\n{bmsg} watch --cursor twice --drain >>{place}/met\n:\n")
    hook.chmod(0o755)
    ana.run("hooks", "enable", "post-receive", "--yes")
    message = pair.mined("once")
    second = pair.watched("--cursor", "twice")
    ana.run("hooks", "disable", "post-receive")
    assert ids_of((place / "met").read_text()) + second == message, second


def main():
    with workplace() as place:
        pair = Pair(place)
        passes_no_block_that_was_not_scanned(pair)
        gives_nothing_twice_where_two_runs_meet(pair)


if __name__ == "__main__":
    main()
