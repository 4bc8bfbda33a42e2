#!/usr/bin/env python3
"""A bot of a few lines of shell behind `watch --cursor --exec`, killed with SIGKILL at 200 random
moments (KILLS=N for others) over 1,000 messages, with a reorganisation three blocks deep in the
middle; then two such bots at once under two names.

Each message is handled at least once, and never again once the next one was begun: by then its call
had returned 0 and the position was written. Only what was in hand at a kill just before the
reorganisation may come again later, where it stands in the new branch. Repeats are no more than
kills. The order is the chain's: the old branch's as far as it was handled, then the new one's.
"""
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from stores import joined, new_chain, seeded_random, workplace  # noqa: E402

KILLS = int(os.environ.get("KILLS", "200"))
MESSAGES = int(os.environ.get("MESSAGES", "1000"))
BLOCKS = 20  # Besides those of the other branch.
FORK = 10    # The last block that both branches have.
DEPTH = 3    # Blocks that are replaced.

BOT = """#!/bin/sh
# Handles a message: writes that it began and that it has done it.
set -eu
read -r message
echo "begin $BMSG_ID" >>"$LOG"
case $message in
  *'"type":"message"'*'"body":"letter '*) ;;
  *) exit 1 ;;
esac
echo "done $BMSG_ID" >>"$LOG"
"""


class Chains:
    """A store to read, and three others that know more and more of the chain."""

    def __init__(self, place):
        self.base = new_chain(place / "ana", "ana")
        ben = joined(place / "ben", "ben", place / "ana" / "genesis")
        cleo = joined(place / "cleo", "cleo", place / "ana" / "genesis")
        (place / "card").write_bytes(self.base.run("id", "--card"))
        for store in (ben, cleo):
            store.run("contact", "add", "ana", place / "card")
        self.numbers = iter(range(10**6))
        self.letters = set()
        each = MESSAGES // BLOCKS
        for _ in range(FORK):
            self.block(ben, each)
        self.before = ben.copy_to(place / "before")
        with ben.served() as url:
            cleo.run("sync", url)
        for _ in range(DEPTH):
            self.block(ben, each)
        self.old = ben.copy_to(place / "old")
        self.block(cleo, each)
        cleo.run("mine", "-n", DEPTH + 1, "--allow-empty", "--no-relay")
        with cleo.served() as url:
            ben.run("sync", url)  # Takes its own last blocks off: their messages go again.
        for _ in range(BLOCKS - FORK - DEPTH - 1):
            self.block(ben, each)
        self.new = ben

    def block(self, store, count):
        letters = "".join('{"to":["ana"],"body":"letter %d"}\n' % next(self.numbers)
                          for _ in range(count))
        self.letters |= set(store.text("send", "--stdin", input=letters.encode()).split())
        store.run("mine", "--no-relay")

    def order(self, store):
        """Letters in the order of the chain."""
        height = store.objects("log", "-n", 1)[0]["height"]
        return [one for at in range(1, height + 1)
                for one in store.text("ls-messages", at).split() if one in self.letters]


class Bot(threading.Thread):
    """One name's watch, started again and again, and killed as often as it was told."""

    def __init__(self, store, name, program, random):
        super().__init__()
        self.store, self.reader, self.random = store, name, random
        self.log = store.directory.parent / f"{store.directory.name}.{name}.log"
        self.log.touch()
        self.program = program
        self.out = self.log.with_suffix(".out").open("ab")
        self.hits = self.at_work = 0
        self.hold_at, self.go = 0, threading.Event()
        self.fault = None

    def begun(self):
        return [line[6:].decode() for line in self.log.read_bytes().splitlines()
                if line.startswith(b"begin ")]

    def start_watch(self, *more):
        words = self.store.words("watch", "--cursor", self.reader, "--since", "all", *more,
                                 "--exec", self.program)
        return subprocess.Popen(words, env=self.store.environment | {"LOG": str(self.log)},
                                stdout=self.out, stderr=subprocess.PIPE, start_new_session=True)

    def run(self):
        try:
            for _ in range(KILLS):
                if len(set(self.begun())) >= self.hold_at:
                    self.go.wait()
                self.kill_once()
        except BaseException as fault:  # Raised again by the main thread.
            self.fault = fault

    def kill_once(self):
        """Kills the watch, alone or with its bot, at a random moment of its work."""
        before = len(self.begun())
        calls = self.random.randint(0, 2 * MESSAGES // KILLS - 1)
        watch = self.start_watch()
        until = time.monotonic() + self.random.uniform(0.01, 1)
        while len(self.begun()) < before + calls and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(self.random.uniform(0, 0.03))  # The moment itself.
        if watch.poll() is not None:
            raise AssertionError(f"it ended: {watch.returncode} {watch.stderr.read().decode()}")
        self.hits += 1
        self.at_work += len(self.begun()) > before
        if self.random.random() < 0.5:
            os.killpg(watch.pid, signal.SIGKILL)
        else:
            watch.kill()
        watch.wait()
        watch.stderr.close()
        while is_any_left(watch.pid):  # A bot without its watch comes to its end.
            time.sleep(0.001)

    def finish(self):
        self.join()
        if self.fault:
            raise self.fault
        watch = self.start_watch("--drain")
        _, complaint = watch.communicate(timeout=300)
        assert watch.returncode == 0 and complaint == b"", (watch.returncode, complaint)
        self.out.close()


def is_any_left(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def check_order(begun, old, new):
    """`begun` without repeats; how many came before the reorganisation was seen."""
    first = list(dict.fromkeys(begun))
    shared = 0
    while shared < min(len(first), len(old)) and first[shared] == old[shared]:
        shared += 1
    rest = [one for one in new if one not in set(first[:shared])]
    assert first[shared:] == rest, f"after {shared} messages the order is another one"
    return shared


def check(bot, old, new):
    begun = bot.begun()
    finished = {line[5:].decode() for line in bot.log.read_bytes().splitlines()
                if line.startswith(b"done ")}
    everything = set(old) | set(new)
    assert finished == everything, f"{len(everything - finished)} of {len(everything)} were lost"
    last_of = {one: at for at, one in enumerate(begun)}
    seen, overtaken = [], []
    for at, one in enumerate(begun):
        if one not in seen:
            seen.append(one)
        elif begun[at - 1] != one:
            # What was in hand when its watch was killed has another place now, if its block was
            # replaced before the next watch began. There is one such moment.
            overtaken.append((at, one[:8]))
            assert len(overtaken) == 1, f"messages came again after the next one: {overtaken}"
    assert len(last_of) == len(everything)
    repeats = len(begun) - len(seen)
    assert repeats <= bot.hits, f"{repeats} repeats, {bot.hits} kills"
    shared = check_order(begun, old, new)
    told = bot.log.with_suffix(".out").read_text().count('"type":"reorg"')
    assert told >= 1, "nobody told of the reorganisation"
    print(f"{bot.reader}: {len(everything)} messages, {bot.hits} kills of a running watch, "
          f"{bot.at_work} of them after it had called the bot, {repeats} repeats, "
          f"reorganisation after {shared}", flush=True)
    assert bot.hits == KILLS
    assert bot.at_work >= KILLS // 3, "too few kills hit a watch at work"
    return shared


def run_bots(place, chains, names, random):
    """The bots at work, and the chain that grows and changes beside them."""
    store = chains.base.copy_to(place / "-".join(names))
    program = place / "bot.sh"
    program.write_text(BOT)
    program.chmod(0o755)
    old, new = chains.order(chains.old), chains.order(chains.new)
    replaced = old.index(next(one for one in old if one not in chains.order(chains.before)))
    half = DEPTH * (MESSAGES // BLOCKS) // 2
    began = time.monotonic()
    with store.served() as url:
        chains.before.run("sync", url)
        bots = [Bot(store, name, program, random) for name in names]
        for bot in bots:
            bot.hold_at = replaced + half  # Nobody gets through it all.
            bot.start()
        wait_for(bots, replaced // 2)
        chains.old.run("sync", url)
        wait_for(bots, replaced + half // 2)  # In the middle of what is to be replaced.
        chains.new.run("sync", url)
        for bot in bots:
            bot.go.set()
        for bot in bots:
            bot.finish()
    store.run("verify", "--full")
    for bot in bots:
        shared = check(bot, old, new)
        assert replaced < shared < len(old), f"the reorganisation came at {shared}: not between"
    print(f"{' and '.join(names)}: {time.monotonic() - began:.0f} s", flush=True)


def wait_for(bots, count):
    """Until each bot has begun so many messages."""
    while not all(len(set(bot.begun())) >= count for bot in bots):
        time.sleep(0.02)  # The bots are at work meanwhile.
        assert all(bot.is_alive() for bot in bots), f"{[bot.fault for bot in bots]}"


def main():
    random = seeded_random()
    with workplace() as place:
        began = time.monotonic()
        chains = Chains(place)
        print(f"{MESSAGES} messages made in {time.monotonic() - began:.0f} s", flush=True)
        run_bots(place, chains, ["bot"], random)
        run_bots(place, chains, ["one", "two"], random)


main()
