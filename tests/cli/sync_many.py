#!/usr/bin/env python3
"""One sync with several peers: the blocks come from all of them, what one has the others get, a
slow one holds nobody up, nor those who wait for the store, a lying one is refused and nothing of it
is kept, and where all are banned that is said."""
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from between import Between, flipped  # noqa: E402

BLOCKS = 80


def check_sharing(place, url, tip):
    ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
    peers = [Between(url, delay=0.1) for _ in range(3)]  # Time for each to begin.
    done = ben.objects("sync", *[peer.url for peer in peers])
    assert ben.objects("status")[0]["tip"] == tip
    asked = [peer.asked for peer in peers]
    assert sum(asked) <= BLOCKS // 16 + 4, f"asked {asked} times: more than once for some"
    assert sum(one > 0 for one in asked) >= 2, f"asked {asked} times: one alone gave all"
    assert sum(one.get("pulled_blocks", 0) for one in done if one["type"] == "sync") == BLOCKS
    ben.run("verify", "--full")


def check_slow(place, url, tip):
    ben = stores.joined(place / "slow", "ben", place / "ana" / "genesis")
    slow = Between(url, delay=8)
    began = time.monotonic()
    ben.run("sync", slow.url, Between(url, delay=0.3).url)  # And 0: the slow one did not fail.
    took = time.monotonic() - began
    assert slow.asked >= 1, "nobody was slow"
    assert slow.asked <= 2, f"the slow one was asked {slow.asked} times"
    assert ben.objects("status")[0]["tip"] == tip
    assert took < 6, f"{took:.1f} s: it waited for an answer that nobody needed"
    print(f"beside a peer that takes 8 s for each answer: {took:.1f} s")


def check_lock(place, url):
    """Whoever waits for a slow peer keeps nobody else from writing."""
    ben = stores.joined(place / "lock", "ben", place / "ana" / "genesis")
    slow = Between(url, delay=8)
    syncing = ben.start("sync", slow.url)
    deadline = time.monotonic() + 20
    while not slow.asked and time.monotonic() < deadline:
        time.sleep(0.01)
    assert slow.asked, "nobody was slow"
    ben.run("peers", "add", "http://127.0.0.1:9", "--lock-timeout", 2)
    assert syncing.poll() is None, "it waited for nobody"
    syncing.kill()
    syncing.communicate()


def check_liar(place, url, tip):
    ben = stores.joined(place / "liar", "ben", place / "ana" / "genesis")
    liar = Between(url, change=flipped)
    done = ben.objects("sync", liar.url, Between(url, delay=0.3).url, exits=(3,))
    assert liar.asked >= 1, "nobody lied"
    answers = {one["peer"]: one["error"] for one in done if one["type"] == "sync"}
    assert "body" in answers[liar.url], answers
    assert ben.objects("status")[0]["tip"] == tip
    ben.run("verify", "--full")


def check_quiet(place, url):
    """With -q, too, an exit code that wants somebody says which peer it is about."""
    ben = stores.joined(place / "quiet", "ben", place / "ana" / "genesis")
    dead = "http://127.0.0.1:9"
    for peers, code in (([url], 0), ([url, dead], 3), ([dead], 69)):
        done = subprocess.run(ben.words("-q", "sync", *peers), capture_output=True, check=False,
                              env=ben.environment, timeout=60)
        assert done.returncode == code, (peers, done)
        assert done.stderr.count(dead.encode()) == (code != 0), (peers, done)
        assert not code or done.stderr.startswith(b"bmsg: error: "), done.stderr
        assert url.encode() not in done.stderr, done.stderr


def check_banned(place, url):
    """Where nobody is called since all are banned, that is said and is no success."""
    ben = stores.joined(place / "banned", "ben", place / "ana" / "genesis", "--no-sync")
    dead = "http://127.0.0.1:9"
    for peer in (url, dead):
        ben.run("peers", "add", "--no-probe", peer)
    ben.run("peers", "ban", dead)
    ben.run("sync")  # Who is left is called, and nobody else.
    ben.run("peers", "ban", url)
    for words in (("sync",), ("sync", "-q"), ("sync", "--dry-run"), ("sync", "--require", 1)):
        done = subprocess.run(ben.words(*words), capture_output=True, check=False,
                              env=ben.environment, timeout=60)
        assert done.returncode == 69, (words, done)
        assert url.encode() in done.stderr and dead.encode() in done.stderr, (words, done)
        assert b"bmsg peers unban" in done.stderr, (words, done)
    ben.run("sync", url)
    ben.run("peers", "unban", url)
    ben.run("sync")


def check_relay(place):
    """What one peer has the other gets in the same sync, whichever was named first."""
    for first in (0, 1):
        where = place / f"relay{first}"
        where.mkdir()
        one = stores.new_chain(where / "one", "one")
        one.run("mine", "--no-relay")
        two = stores.joined(where / "two", "two", where / "one" / "genesis")
        both = stores.joined(where / "both", "both", where / "one" / "genesis")
        sent = one.text("send", "--public", "-m", "still in the pool")
        with one.served() as one_url, two.served() as two_url:
            urls = [one_url, two_url]
            both.run("sync", urls[first], urls[1 - first])
            assert two.objects("status")[0]["tip"] == one.objects("status")[0]["tip"]
            assert sent in two.text("ls-pool").split()


def check_jobs(place, url):
    ben = stores.joined(place / "jobs", "ben", place / "ana" / "genesis")
    for bad in ("0", "65", "x"):
        ben.run("sync", "--jobs", bad, url, exits=(64,))
    ben.run("sync", "--jobs", "1", url, url)


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        for number in range(BLOCKS):
            ana.run("send", "--public", "-m", f"honest {number}")
            ana.run("mine", "--no-relay")
        tip = ana.objects("status")[0]["tip"]
        with ana.served() as url:
            check_sharing(place, url, tip)
            check_slow(place, url, tip)
            check_lock(place, url)
            check_liar(place, url, tip)
            check_quiet(place, url)
            check_banned(place, url)
            check_jobs(place, url)
        check_relay(place)


main()
