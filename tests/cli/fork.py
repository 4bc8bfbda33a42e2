#!/usr/bin/env python3
"""A branch deeper than max_reorg is kept and not followed: told by sync, status and fork list, and
followed by fork accept, in the store alone and through the node that serves it."""
import fcntl
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

DEPTH = 3
RETURNS = DEPTH + 1  # The messages, and ana's card.


def parted(place):
    """Ana has DEPTH blocks with a message in each, ben one more; ana follows no deeper than 2."""
    ana = stores.new_chain(place / "ana", "ana")
    ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
    sent = []
    for number in range(DEPTH):
        sent.append(ana.text("send", "--public", "-m", f"news {number}"))
        ana.run("mine", "--no-relay")
    ben.run("mine", "-n", DEPTH + 1, "--allow-empty", "--no-relay")
    ana.run("config", "set", "max_reorg", DEPTH - 1)
    return ana, ben, sent


def said(store, *words):
    done = subprocess.run(store.words(*words), capture_output=True, env=store.environment,
                          timeout=60, check=False)
    return done.returncode, done.stderr.decode()


def check_kept(ana, ben, url):
    """The fork as each command tells it; its hash."""
    old = ana.objects("status")[0]
    code, told = said(ana, "sync", url)
    assert code == 3 and "bmsg fork list" in told, (code, told)
    state = ana.objects("status")[0]
    assert state["tip"] == old["tip"], "it was followed"
    fork = [one for one in state["attention"] if one["name"] == "fork"]
    assert fork and "replace 3 blocks" in fork[0]["text"], state["attention"]
    assert not [one for one in state["attention"] if one["name"] == "behind"], state["attention"]
    listed, = ana.objects("fork", "list")
    theirs = ben.objects("status")[0]
    assert listed["hash"] == theirs["tip"] and listed["height"] == DEPTH + 1, listed
    assert (listed["base"], listed["depth"], listed["blocks"]) == (0, DEPTH, DEPTH + 1), listed
    assert listed["returns"] == RETURNS, listed
    assert listed["total_work"] == theirs["total_work"], listed
    columns = ana.text("fork", "list").split("\t")
    assert columns[:5] == [listed["hash"], "4", "3", "4", str(RETURNS)], columns
    return listed["hash"]


def check_refusals(ana, tip):
    before = ana.objects("status")[0]["tip"]
    assert said(ana, "fork", "accept", tip)[0] == 64, "it did not ask"
    assert said(ana, "fork", "accept", "--yes", tip[:7])[0] == 66, "7 digits name nothing"
    assert said(ana, "fork", "accept", "--yes", "0" * 128)[0] == 66
    assert said(ana, "fork", "accept", "--yes", before)[0] == 66, "the tip is no fork"
    for ends in (f"{tip}..", f"..{tip}"):
        code, told = said(ana, "log", ends)
        assert code == 66 and "not on the best chain" in told, (ends, code, told)
    assert said(ana, "log", f"0..{before}")[0] == 0
    with open("/dev/full", "wb") as full:
        done = subprocess.run(ana.words("fork", "list"), stdout=full, stderr=subprocess.PIPE,
                              env=ana.environment, timeout=60, check=False)
    assert done.returncode == 74, done
    with (ana.directory / "chain.lock").open("rb+") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert said(ana, "--lock-timeout", "0", "fork", "accept", "--yes", tip)[0] == 75
    assert ana.objects("status")[0]["tip"] == before


def check_accepted(ana, sent, tip, name):
    assert ana.text("fork", "accept", "--yes", name) == tip
    state = ana.objects("status")[0]
    assert state["tip"] == tip and state["pool"]["messages"] == RETURNS, state
    assert set(ana.text("ls-pool").split()) >= set(sent)
    ana.run("fork", "list", exits=(1,))
    ana.run("mine", "--no-relay")
    mined = ana.text("ls-messages", str(DEPTH + 2)).split()
    assert set(mined) >= set(sent), "messages were lost"
    ana.run("verify", "--full")


def main():
    with stores.workplace() as place:
        ana, ben, sent = parted(place)
        ana.run("fork", "list", exits=(1,))
        with ben.served() as url:
            tip = check_kept(ana, ben, url)
        check_refusals(ana, tip)
        served = ana.copy_to(place / "served")
        check_accepted(ana, sent, tip, stores.beginning(tip, 8))
        with served.served():  # The node that serves does it.
            reorg, = served.objects("fork", "accept", "--yes", f"4:{tip[-8:]}")
            assert reorg["type"] == "reorg" and reorg["to"] == tip and reorg["depth"] == DEPTH
            assert set(reorg["disconnected"]) >= set(sent), reorg
            assert served.objects("status")[0]["tip"] == tip


main()
