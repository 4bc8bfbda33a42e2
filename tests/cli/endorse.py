#!/usr/bin/env python3
"""A private chain of two out of three: one signature does nothing, the second seals; one endorser
may be away, two stall it and `status` says so. Who signs twice is proven; a kill or a store from a
backup makes nobody do so. BMSG_KILLS says how often `endorse` is killed."""
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import council
import moved_clock
import stores
from council import (AHEAD, CLOCK, FORGOTTEN, INTERVAL, TURN, attention, begin, endorsed,
                     height, make_keys, next_turn, post, sealed_by, told)

KILLS = int(os.environ.get("BMSG_KILLS", "12"))


def check_refused_rules(place, keys):
    """Two halves, more than all, keys that are none; both sides of each limit."""
    store = stores.Store(place / "refused")

    def refused(count, needed, *more):
        said = told(store, "init", store.directory, "--no-passphrase", *begin(keys[:count], needed),
                    *more, exits=64)
        assert not store.directory.exists()
        return said

    assert "two halves could seal two pasts; 2 are the fewest" in refused(2, 1)
    assert "2 are the fewest" in refused(3, 1)
    assert "there are only 3" in refused(3, 4)
    assert "64 lower-case hex digits" in refused(3, 2, "--endorser", "zz")
    assert "64 lower-case hex digits" in refused(3, 2, "--member", keys[0][:-1])
    refused(3, 2, "--endorser", keys[0])  # Twice.
    refused(3, 2, "--endorser", "00" * 32)  # Weak.
    told(store, "init", store.directory, "--no-passphrase", "--endorser", keys[0], exits=64)
    least = stores.Store(place / "least")
    said = told(least, "init", least.directory, "--no-identity", "--no-passphrase",
                *begin(keys, 3), exits=0)
    assert "may seal a height twice; 600 fits" in said
    usual = stores.Store(place / "usual")
    said = told(usual, "init", usual.directory, "--no-identity", "--no-passphrase", "--private",
                *(word for key in keys for word in ("--endorser", key)), exits=0)
    assert said == "" and "\nendorse 2\n" in (usual.directory / "genesis").read_text()


def check_wrong_chains(place, ana):
    """What belongs to the one kind of chain is refused on the other, and by whoever has no key."""
    pow_chain = stores.new_chain(place / "mined", "mined")
    assert "use bmsg mine" in told(pow_chain, "endorse", exits=64)
    told(pow_chain, "endorsers", exits=64)
    for words in (["mine"], ["mine", "--dry-run"], ["mine", "--allow-empty"]):
        assert "use bmsg endorse" in told(ana, *words, exits=64)
    assert pow_chain.objects("status")[0]["endorsers"] is None
    plain = stores.joined(place / "plain", "plain", ana.directory / "genesis")
    assert "endorsers key --new" in told(plain, "endorse", exits=77)
    told(plain, "endorsers", "key", exits=66)
    plain.run("endorsers", "key", "--new")
    assert "not among the endorsers" in told(plain, "endorse", exits=77)
    told(plain, "endorsers", "key", "--new", exits=73)


def looked(store, *words):
    """What `endorse` says on standard error, which is no terminal."""
    done = subprocess.run(store.words("endorse", *words), env=store.environment,
                          capture_output=True, check=True, timeout=120)
    assert done.stdout == b"", done
    return done.stderr.decode()


def check_one_and_two(ana, ben):
    """One proposal is no block; the second signature makes it one."""
    message = post(ana, "first")
    dry = looked(ana, "--dry-run")
    first = endorsed(ana)
    while not first:  # It may be another's turn.
        assert re.fullmatch("bmsg: .*turn.*\n", dry), dry
        AHEAD[0] += INTERVAL
        dry = looked(ana, "--dry-run")
        first = endorsed(ana)
    assert dry == "bmsg: would propose block 1\n", dry
    assert looked(ana, "--dry-run", "-q") == looked(ana) == ""
    assert "signature" in looked(ana, "-v"), looked(ana, "-v")
    assert [branch for _, branch in first] == ["proposal"], first
    assert height(ana) == 0 and endorsed(ana) == [], "one signature did something"
    state = ana.objects("status")[0]
    assert state["endorsers"] == {"needed": 2, "of": 3, "present": 3, "late": 0}, state
    waits = attention(ana)["unsealed"]
    wording = r"\d messages wait for endorsers \(1 of 2 signatures\)"
    assert re.fullmatch(wording, waits["text"]), waits
    assert waits["next"] == "bmsg endorse"
    shown = ana.text("status")
    assert "proof of work" not in shown and "bmsg mine" not in shown, shown
    assert "\nsigners 2 of 3 must sign: 3 present, 0 late\n" in shown, shown
    # Ben's log began with his store: what was going on before it is left.
    ben.run("sync")
    assert endorsed(ben) == [], "a turn was signed of which the log knows nothing"
    sealed_by(ana, ben)
    ana.run("sync")
    assert height(ana) == height(ben) >= 1
    block = ana.objects("log", "-n", "1")[0]
    assert block["seals"] >= 2 and "unsealed" not in attention(ana)
    text = ana.text("log", "-n", "1")
    assert re.search(r"^seals [23]$", text, re.M) and "work" not in text, text
    assert ana.objects("log", "--messages", "-n", "1")[0]["ids"]
    assert ben.text("show", message).startswith("message"), "the message is not in the block"
    for store in (ana, ben):
        store.run("verify", "--full")


def check_away(ana, ben, carl):
    """With one away it goes on; with two it stalls and says so; it recovers."""
    post(ana, "carl is away")
    sealed_by(ana, ben)
    post(ana, "ben is away, too")
    for _ in range(2):  # What he proposed before he went needs no more of him.
        endorsed(ana)
        next_turn()
    stalled = height(ana)
    for _ in range(3):
        next_turn()
        endorsed(ana)
    AHEAD[0] += TURN + 1
    assert height(ana) == stalled
    state = ana.objects("status")[0]
    assert state["endorsers"] == {"needed": 2, "of": 3, "present": 1, "late": 2}, state
    said = attention(ana)["endorsers"]
    assert said["text"] == "no block can be sealed: 2 of 3 endorsers must sign, 1 is present", said
    assert ana.run("status", "--exit-code", exits=(1,))
    assert re.search("^endorsers_late 2$", ana.text("status", "--porcelain"), re.M)
    assert [one["late"] for one in ana.objects("endorsers")] == [False, True, True]
    assert ana.text("endorsers").splitlines()[0].endswith(" present own")
    carl.run("sync")
    sealed_by(ana, carl, most=15 + FORGOTTEN // INTERVAL)  # His first run begins a log.
    assert height(ana) > stalled and "endorsers" not in attention(ana)


def by_file(one, other, place):
    """What is there, as a bundle: proposals too."""
    file = place / "carried"
    file.unlink(missing_ok=True)
    one.run("bundle", "create", "--pool", file)
    other.run("bundle", "apply", file)


def check_bundle(ana, ben, place):
    """Without a network the same goes by stick."""
    for store in (ana, ben):
        store.run("sync")
    before = height(ben)
    next_turn()
    post(ana, "by stick")
    for _ in range(6):
        if ana.run("endorse", exits=(0,)):
            break
        AHEAD[0] += INTERVAL
    by_file(ana, ben, place)
    ben.run("endorse", exits=(0,))
    by_file(ben, ana, place)
    assert height(ana) == height(ben) > before


def check_signed_twice(ana, carl, place):
    """A second store with Carl's key and log, which goes its own way."""
    for store in (ana, carl):
        store.run("sync")
    twin = carl.copy_to(place / "twin")
    assert ana.run("endorsers", "evidence", exits=(1,)) == b""
    for peers in (carl, twin):
        for one in peers.objects("peers"):
            peers.run("peers", "rm", one["url"])
    key = carl.text("endorsers", "key")
    next_turn()
    post(carl, "one")
    post(twin, "another")
    for _ in range(4):
        both = endorsed(carl), endorsed(twin)
        if all(both):
            break
        AHEAD[0] += INTERVAL
    assert all(both) and both[0] != both[1], both
    by_file(carl, ana, place)
    assert ana.run("endorsers", "evidence", exits=(1,)) == b"", "half of it is no proof"
    by_file(twin, ana, place)
    proof = ana.run("endorsers", "evidence")
    assert ana.objects("endorsers", "evidence")[0]["text"] == proof.decode()
    check_proof(ana, proof, key, place)
    assert [one["signed_twice"] for one in ana.objects("endorsers")] == [False, False, True]
    assert attention(ana)["signed-twice"]["next"] == "bmsg endorsers evidence"
    check_post(ana, proof, place)


def check_post(ana, proof, place):
    """What others have taken in they do not post again."""
    told(ana, "endorsers", "evidence", "--post", place / "x", exits=64)
    posted = ana.text("endorsers", "evidence", "--post")
    assert re.fullmatch("[0-9a-f]{128}", posted), posted
    assert ana.run("endorsers", "evidence", "--post") == b"", "it was posted before"
    far = stores.joined(place / "far", "far", ana.directory / "genesis")
    chain = place / "whole.bundle"
    ana.run("bundle", "create", "--pool", chain)
    far.run("bundle", "apply", chain)
    assert far.run("endorsers", "evidence") == proof
    assert attention(far)["signed-twice"]["next"] == "bmsg endorsers evidence"
    assert far.text("endorsers", "evidence", "--post") == "", "it was posted"


def check_proof(ana, proof, key, place):
    nowhere = stores.Store(place / "nowhere")
    file = place / "proof"
    ana.run("endorsers", "evidence", file)
    assert file.read_bytes() == proof
    told(ana, "endorsers", "evidence", file, exits=73)
    assert nowhere.text("endorsers", "evidence", "verify", file).startswith(f"{key} signed two")
    assert nowhere.run("endorsers", "evidence", "verify", "-", input=proof)
    lines = proof.splitlines(keepends=True)
    for at, line in enumerate(lines):
        middle = len(line) // 2 + 3
        other = b"A" if line[middle:middle + 1] != b"A" else b"B"
        altered = line[:middle] + other + line[middle + 1:] if len(line) > 30 else b"x" + line
        for text in (altered, b""):
            file.write_bytes(b"".join([*lines[:at], text, *lines[at + 1:]]))
            nowhere.run("endorsers", "evidence", "verify", file, exits=(65,))
    nowhere.run("endorsers", "evidence", "verify", "-", input=b"", exits=(65,))
    nowhere.run("endorsers", "evidence", "verify", place / "no-such", exits=(66,))


def check_restored(ana, ben, place):
    """A backup that has the key signs nothing of the present turn, and nobody can blame it."""
    ben.run("sync")
    archive = place / "ben.tar"
    ben.run("backup", archive)
    next_turn()
    post(ben, "after the backup")
    for _ in range(4):
        if endorsed(ben):
            break
        AHEAD[0] += INTERVAL
    else:
        raise AssertionError("ben has signed nothing after his backup")
    again = stores.Store(place / "again")
    again.run("restore", archive, again.directory)
    assert again.text("endorsers", "key") == ben.text("endorsers", "key")
    post(again, "another")
    blames = len(ana.objects("endorsers", "evidence", exits=(0, 1)))
    for _ in range(2):
        assert endorsed(again) == [], "the present turn was signed twice"
    next_turn()
    signed = []
    for _ in range(4 + FORGOTTEN // INTERVAL):
        signed += endorsed(again)
        AHEAD[0] += INTERVAL
    assert signed, "it never signs again"
    for store in (ben, again):
        by_file(store, ana, place)
    assert len(ana.objects("endorsers", "evidence", exits=(0, 1))) == blames
    return again


def check_kills(ana, place, dice):
    """Killed at any moment, nobody signs twice: whatever left is compared with whatever leaves."""
    killed, run, seen = 0, 0, {}
    watcher = stores.joined(place / "watcher", "watcher", ana.directory / "genesis",
                            "--no-identity")
    takes = 0
    for _ in range(KILLS * 20):
        if killed == KILLS:
            break
        if run % 3 == 0:
            next_turn()
            post(ana, f"number {run}")
        run += 1
        begun = time.monotonic()
        process = ana.start("endorse")
        # The first shows how long one takes: the others are killed at any moment of that.
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(dice.uniform(0.1, 1) * takes if takes else None)
        takes = takes or time.monotonic() - begun
        process.kill()
        killed += process.wait() == -9
        process.communicate()
        by_file(ana, watcher, place)
        for line in (ana.directory / "endorser.log").read_text().splitlines()[3:]:
            _, parent, generation, _, block = line.split()
            assert seen.setdefault((parent, generation), block) == block, "signed twice"
    assert killed == KILLS, f"only {killed} of {run} runs were killed"
    assert watcher.run("endorsers", "evidence", exits=(1,)) == b""
    ana.run("verify", "--full")
    print(f"{killed} of {run} runs were killed, {len(seen)} blocks signed, none twice")


def check_locks(ana):
    """One at a time, and a result that cannot be printed is a failure."""
    AHEAD[0] += TURN
    process = ana.start("endorse", "--watch", "--timeout", "60s")
    lock = ana.directory / "run" / "endorse.lock"
    end = time.monotonic() + 10
    while not (lock.exists() and lock.read_text().split()[:1] == [str(process.pid)]):
        assert time.monotonic() < end, "endorse takes no lock"
        time.sleep(0.02)
    assert "endorse" in told(ana, "--lock-timeout", "0", "endorse", exits=75)
    process.terminate()
    process.communicate(timeout=20)
    post(ana, "for a full disk")
    for _ in range(6):
        next_turn()
        with open("/dev/full", "wb") as full:
            code = subprocess.run(ana.words("endorse"), env=ana.environment, stdout=full,
                                  stderr=subprocess.DEVNULL, check=False).returncode
        if code:
            break
    assert code == 74, code
    ana.run("peers", "add", "--no-probe", "http://127.0.0.1:9")
    ana.run("endorse", exits=(69,))


def check_busy(ana):
    """A single run says that somebody holds the store; --watch goes on when it is free again."""
    lock = str(ana.directory / "chain.lock")
    post(ana, "while somebody holds the store")
    AHEAD[0] += TURN
    holder = subprocess.Popen(["flock", lock, "sleep", "600"], start_new_session=True)
    try:
        while subprocess.run(["flock", "-n", lock, "true"], check=False).returncode == 0:
            time.sleep(0.02)
        said = told(ana, "--lock-timeout", "0", "endorse", exits=75)
        assert "is in use by" in said, said
        process = ana.start("--lock-timeout", "0", "endorse", "--watch", "--timeout", "10m", "-v")
        line = ""
        while "the next look tries again" not in line:
            line = stores.read_line(process.stderr, 60)
    finally:
        os.killpg(holder.pid, signal.SIGTERM)
        holder.wait()
    assert re.fullmatch("[0-9a-f]{128}", stores.read_line(process.stdout, 2 * TURN + 60))
    process.terminate()
    process.communicate(timeout=20)


def node_key(place, name):
    """A node's key that exists before its store."""
    first = stores.Store(place / f"{name}-first")
    first.run("init", first.directory, "--no-identity", "--no-passphrase", "--floor", 0)
    return first.directory / "keys" / "node.key", first.text("id", "--node")


def check_members(place, keys):
    """For members only: one of them syncs, a stranger is turned away."""
    (ana_file, ana_key), (ben_file, ben_key) = node_key(place, "dora"), node_key(place, "emil")
    dora = stores.Store(place / "dora")
    dora.run("init", dora.directory, "--name", "dora", "--no-passphrase", *begin(keys, 2),
             "--member", ana_key, "--member", ben_key, "--node-key", ana_file)
    assert "\naccess members\n" in (dora.directory / "genesis").read_text()
    emil = stores.joined(place / "emil", "emil", dora.directory / "genesis", "--node-key", ben_file)
    odd = stores.joined(place / "odd", "odd", dora.directory / "genesis")
    with dora.served() as url:
        assert url.startswith("https://")
        emil.run("sync", url)
        assert "members only" in told(odd, "sync", url, exits=77)


def main():
    moved_clock.need()
    stores.Store.words = council.words_ahead
    dice = stores.seeded_random()
    with stores.workplace() as place:
        CLOCK[0] = place / "clock"
        keys = make_keys(place)
        check_refused_rules(place, keys)
        ana, ben, carl = council.council(place, keys)
        check_wrong_chains(place, ana)
        hub = stores.joined(place / "hub", "hub", ana.directory / "genesis", "--no-identity")
        AHEAD[0] += TURN
        with hub.served() as url:
            for store in (ana, ben, carl):
                store.run("peers", "add", url)
            check_one_and_two(ana, ben)
            check_away(ana, ben, carl)
            for store in (ana, ben):
                store.run("peers", "rm", url)
            check_bundle(ana, ben, place)
            check_kills(ana, place, dice)
            check_restored(ana, ben, place)
            check_signed_twice(ana, carl, place)
            check_busy(ana)
            check_locks(ana)
        check_members(place, keys)


main()
