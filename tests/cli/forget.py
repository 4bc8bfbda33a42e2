#!/usr/bin/env python3
"""`forget` drops bodies, verify stays green and lists them, and the room comes back. BMSG_STORED
says of how many messages; './dev soak forget' takes 100,000."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

LONG_CHAIN = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "long_chain"
PER_BLOCK = 100
BLOCKS = int(os.environ.get("BMSG_STORED") or 10_000) // PER_BLOCK
TEXT_BYTES = 400  # About what a sealed message of a few sentences takes.
SECONDS_MAX = 120 + BLOCKS // 2
KILLS = 6


def summary(lines):
    found = [line for line in lines if line["type"] == "summary"]
    assert len(found) == 1, lines
    return found[0]


def du(directory):
    return sum(file.stat().st_blocks * 512 for file in directory.rglob("*") if file.is_file())


def forgotten_of(store):
    return {line["id"]: line["rule"] for line in store.objects("verify", timeout=SECONDS_MAX)
            if line["type"] == "forgotten"}


def check_words(ana, ben):
    """What people see: of a message that was forgotten by its name, and of others beside it."""
    first = ana.text("send", "ben", "-m", "forget this one, secretword")
    second = ana.text("send", "ben", "-m", "keep that one")
    refused = ana.run("forget", first, "--yes", exits=(75,))
    assert refused == b"", "it waits in the outbox and was let go"
    for _ in range(6):  # A young block wants descendants.
        ana.run("mine", exits=(0, 1))
    with ana.served() as url:
        ben.run("sync", url)
    assert [line["id"] for line in ben.objects("inbox")] == [second, first]
    assert ben.text("forget", first, "--dry-run") == first
    assert "secretword" in ben.text("read", first), "a dry run took it"
    ben.run("forget", first, exits=(64,))
    done = summary(ben.objects("forget", first, "--yes"))
    assert done["messages"] == 1, done
    assert [line["id"] for line in ben.objects("inbox")] == [second]
    told = subprocess.run(ben.words("read", first), capture_output=True, env=ben.environment,
                          check=False)
    assert told.returncode == 66 and b"forgotten here on" in told.stderr, told
    assert b"(named)" in told.stderr, told
    assert forgotten_of(ben) == {first: "named"}
    assert ben.text("search", "secretword", exits=(0, 1)) == ""
    assert "keep that one" in ben.text("read", second)
    again = summary(ben.objects("forget", first, "--yes"))
    assert again["messages"] == 0, again
    assert "forgotten" in ben.text("verify", "--full")
    # The other side keeps its copy; its own it may forget, too, now that it is buried.
    assert forgotten_of(ana) == {}
    summary_of_ana = summary(ana.objects("forget", first, "--yes"))
    assert summary_of_ana["messages"] == 1, summary_of_ana
    ana.run("verify", "--full")
    ana.run("forget", exits=(64,))
    ana.run("forget", "--expired", first, exits=(64,))
    ana.run("forget", "--from", "ben", "--foreign", exits=(64,))
    ana.run("forget", "0" * 128, "--yes", exits=(66,))
    return first, second


def check_newcomer(place, ana, ben, first):
    """Who lacks a body that has not expired is no liar: a newcomer goes on with somebody else."""
    genesis = ana.directory / "genesis"
    eve = stores.joined(place / "eve", "eve", genesis)
    with ben.served() as url:
        failed = subprocess.run(eve.words("sync", url), capture_output=True, env=eve.environment,
                                check=False, timeout=SECONDS_MAX)
        assert failed.returncode != 0 and b"dropped messages of block" in failed.stderr, failed
        eve.run("peers", "add", url, exits=(0, 73))
        peers = eve.objects("peers", "list")
        assert all(not peer.get("banned") and peer.get("score", 0) == 0 for peer in peers), peers
    return eve


def seen_by(store, url):
    """What a store has forgotten once it has taken what is new, in a process of its own."""
    store.run("sync", url)
    return forgotten_of(store)


def check_bundle(place, ana, ben):
    """Whoever carries a bundle learns at once that it lacks what others need."""
    def made(name, *words):
        done = subprocess.run(ben.words("bundle", "create", place / name, "--json", *words),
                              capture_output=True, env=ben.environment, check=False)
        return done.returncode, done.stderr.decode(), json.loads(done.stdout.splitlines()[-1])
    code, said, told = made("lacking.bundle")
    assert code == 3 and "has dropped 1 messages that have not expired" in said, (code, said)
    assert "the first in block" in said and (told["ok"], told["lacking"]) == (False, 1), (said, told)
    carl = stores.joined(place / "carl", "carl", ana.directory / "genesis")
    carl.run("bundle", "apply", place / "lacking.bundle", exits=(65, 75))
    ben.run("bundle", "create", "-", exits=(3,))
    code, said, told = made("whole.bundle", "--since", "tip~1")
    assert (code, said) == (0, "") and (told["ok"], told["lacking"]) == (True, 0), (code, said, told)


def check_asking(place):
    """The author is followed, if this node follows anybody; a stranger is not."""
    ana = stores.new_chain(place / "ana2", "ana")
    genesis = ana.directory / "genesis"
    ben = stores.joined(place / "ben2", "ben", genesis)
    eve = stores.joined(place / "eve2", "eve", genesis)
    ben.run("config", "set", "forget.honour", "true")
    ben.run("contact", "add", "ana", ana.text("id"))
    with ana.served() as url:
        ben.run("sync", url)
    ana.run("contact", "add", "ben", ben.text("id"))
    said = ana.text("send", "--public", "-m", "said to all")
    kept = ana.text("send", "--public", "-m", "said to all and kept")
    sealed = ana.text("send", "ben", "-m", "said to ben")
    for _ in range(7):  # A young block wants descendants.
        ana.run("mine", exits=(0, 1))
    with ana.served() as url:
        ben.run("sync", url)
        eve.run("sync", url)
    assert "said to ben" in ben.text("read", sealed)
    # Whoever did not write it can ask nobody, and nothing goes.
    for message in (said, sealed):
        ben.run("forget", message, "--ask-peers", "--yes", exits=(77,))
    ben.run("forget", "--expired", "--ask-peers", "--yes", exits=(64,))
    assert forgotten_of(ben) == {}, "it was refused and done"
    done = summary(ana.objects("forget", said, sealed, "--ask-peers", "--yes"))
    assert (done["messages"], done["asked"]) == (2, 2), done
    with ana.served() as url:
        assert seen_by(ben, url) == {said: "asked"}, "of a sealed one no node can know"
        assert seen_by(eve, url) == {}, "forget.honour was not set"
    assert [line["id"] for line in ben.objects("inbox") if line["id"] == sealed] == []
    assert forgotten_of(ben) == {said: "asked", sealed: "asked"}
    assert b"" == ben.run("read", sealed, exits=(66,))
    assert "said to all and kept" in ben.text("read", kept)
    ben.run("verify", "--full")
    # Another request of the same key, and by then the node was started anew.
    ana.run("forget", kept, "--ask-peers", "--yes")
    with ana.served() as url:
        assert seen_by(ben, url)[kept] == "asked"
        assert seen_by(eve, url) == {}, "forget.honour was not set"
    eve.run("verify", "--full")


def check_from(ana, ben, second):
    done = summary(ben.objects("forget", "--from", "ana", "--yes"))
    assert done["messages"] >= 1, done
    assert forgotten_of(ben)[second] == "sender"
    assert ben.objects("inbox") == []
    ben.run("verify", "--full")


def big_store(place):
    bundle = place / "bundle"
    with open(bundle, "wb") as out:
        subprocess.run([LONG_CHAIN, str(BLOCKS), str(PER_BLOCK), "0", str(TEXT_BYTES)], stdout=out,
                       check=True)
    store = stores.Store(place / "big")
    store.run("clone", bundle, store.directory, "--name", "big", "--no-passphrase",
              timeout=SECONDS_MAX)
    return store


def check_kills(place, big, random):
    """Killed at any moment, it opens, and each message is listed and gone or neither."""
    whole = big.copy_to(place / "whole")
    began = time.monotonic()
    whole.run("forget", "--older-than", "0s", "--yes", timeout=SECONDS_MAX)
    takes = time.monotonic() - began
    hits = halves = 0
    for turn in range(KILLS):
        store = big.copy_to(place / f"killed{turn}")
        process = store.start("forget", "--older-than", "0s", "--yes")
        time.sleep(random.uniform(0.05, 0.9) * takes)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            hits += 1
        process.communicate(timeout=SECONDS_MAX)
        listed = forgotten_of(store)
        absent = summary(store.objects("verify", "--full", timeout=SECONDS_MAX))["dropped_bodies"]
        assert absent == len(listed), f"{absent} bodies are absent, {len(listed)} listed"
        halves += 0 < len(listed) < BLOCKS * PER_BLOCK
        left = summary(store.objects("forget", "--older-than", "0s", "--yes", timeout=SECONDS_MAX))
        assert left["messages"] + len(listed) == BLOCKS * PER_BLOCK, (left, len(listed))
        shutil.rmtree(store.directory)
    print(f"{hits} of {KILLS} kills hit it, {halves} of them between two changes")
    assert hits > 0, "no kill hit it"


def check_room(store):
    messages = BLOCKS * PER_BLOCK
    before = du(store.directory / "chain")
    spared = summary(store.objects("forget", "--foreign", "--older-than", "0s", "--dry-run",
                                   timeout=SECONDS_MAX))
    assert spared["messages"] < messages, "blocks that were not searched for mail were not spared"
    done = summary(store.objects("forget", "--older-than", "0s", "--yes", timeout=SECONDS_MAX))
    after = du(store.directory / "chain")
    assert done["messages"] == messages, done
    fell = before - after
    print(f"{messages} messages: {done['bytes']} bytes forgotten, du fell by {fell}, "
          f"{done['freed']} told")
    assert fell >= 0.8 * done["bytes"], (before, after, done)
    assert summary(store.objects("verify", "--full", timeout=SECONDS_MAX))["ok"]
    assert len(forgotten_of(store)) == messages


def main():
    random = stores.seeded_random()
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        ben = stores.joined(place / "ben", "ben", ana.directory / "genesis")
        ben.run("contact", "add", "ana", ana.text("id"))
        with ana.served() as url:
            ben.run("sync", url)
        ana.run("contact", "add", "ben", ben.text("id"))
        first, second = check_words(ana, ben)
        check_newcomer(place, ana, ben, first)
        check_bundle(place, ana, ben)
        check_from(ana, ben, second)
        check_asking(place)
        big = big_store(place)
        check_kills(place, big, random)
        check_room(big)


main()
