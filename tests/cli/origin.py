#!/usr/bin/env python3
"""Nodes that serve: what is new at a node reaches one that nobody can call, and what is a node's own
goes to one peer first."""
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

SOON = 20


def has(store, message):
    return message in store.text("ls-pool").split()


def wait_until(condition, what):
    begun = time.monotonic()
    while not condition():
        assert time.monotonic() - begun < SOON, what
        time.sleep(0.1)
    return time.monotonic() - begun


def check_news(place, rhythm):
    """Ben calls Ana; nobody calls Ben."""
    ana = stores.new_chain(place / "ana", "ana")
    ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
    with ana.served() as url:
        ben.run("peers", "add", url)
        with ben.served(sync_every=rhythm):
            for number in range(2):
                sent = ana.text("send", "--public", "-m", f"news {number}")
                took = wait_until(lambda: has(ben, sent), "no news came")
                print(f"a message was there after {took:.1f} s, with sync_every {rhythm}")
            ana.run("mine", "--no-relay")
            tip = ana.objects("status")[0]["tip"]
            wait_until(lambda: ben.objects("status")[0]["tip"] == tip, "the block did not come")


def check_first_hop(place):
    """Ana knows two peers: one gets her message, neither the other nor who calls her sees it before
    it comes back."""
    ana = stores.new_chain(place / "ana", "ana")
    genesis = place / "ana" / "genesis"
    one, two, spy = [stores.joined(place / name, name, genesis) for name in ("one", "two", "spy")]
    with one.served() as one_url, two.served() as two_url:
        ana.run("sync", one_url, two_url)  # Their cards and hers are no news any more.
        ana.run("peers", "add", one_url)
        ana.run("peers", "add", two_url)
        with ana.served() as url:
            sent = [ana.text("send", "--public", "-m", f"whose is it? {n}") for n in range(5)]
            wait_until(lambda: has(one, sent[-1]) or has(two, sent[-1]), "nobody was given it")
            first, other = (one, two) if has(one, sent[-1]) else (two, one)
            spy.run("sync", "--pull", url)
            assert all(has(ana, message) and has(first, message) for message in sent)
            assert not any(has(other, message) for message in sent), "two peers were given it"
            assert not any(has(spy, message) for message in sent), "whoever asked was given it"
            # The first hop tells the other: it comes back, and is no secret any more.
            first.run("sync", two_url if other is two else one_url)
            wait_until(lambda: not spy.run("sync", "--pull", url) and has(spy, sent[-1]),
                       "it never came back")


def main():
    for check in (lambda place: check_news(place, "0"), lambda place: check_news(place, "5m"),
                  check_first_hop):
        with stores.workplace() as place:
            check(place)


main()
