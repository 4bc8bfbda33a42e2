#!/usr/bin/env python3
"""What a round of sync moves over the wire when ten messages are new: little, however much both
sides hold. BMSG_STORED says how many messages that is; './dev soak bytes' takes 100,000."""
import os
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import bundles  # noqa: E402
import counting  # noqa: E402
import stores  # noqa: E402

LONG_CHAIN = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "long_chain"
ROUND_BYTES_MAX = 16_000
PER_BLOCK = 20
BLOCKS = int(os.environ.get("BMSG_STORED") or 5000) // PER_BLOCK
POOL_BYTES_MAX = 4_000
WAITING = 1_500  # As a list more than a round may move.
WATCHING_SECONDS_MAX = 20
TAKING_SECONDS_MAX = 120 + BLOCKS // 5


def write_ten(store, name):
    return [store.text("send", "--public", "-m", f"{name} {number}") for number in range(10)]


def two_stores(place):
    """Ana and Ben with the same chain, and a bundle of it with messages that wait."""
    bundle, blocks = place / "bundle", place / "blocks"
    with open(bundle, "wb") as out:
        subprocess.run([LONG_CHAIN, str(BLOCKS), str(PER_BLOCK), str(WAITING)], stdout=out,
                       check=True)
    kept = [(kind, payload) for kind, _, payload in bundles.frames(bundle.read_bytes())
            if kind in "GB"]
    blocks.write_bytes(bundles.pack_of(*kept))
    both = [stores.Store(place / name) for name in ("ana", "ben")]
    for store in both:
        store.run("clone", blocks, store.directory, "--name", store.directory.name,
                  "--no-passphrase", timeout=TAKING_SECONDS_MAX)
    return *both, bundle


def check_one_sync(ana, ben):
    """`sync` from a command, where little waits in the pools."""
    with ana.served() as url, counting.relay(url) as wire:
        ben.run("sync", wire.url)
        sent = write_ten(ana, "for one sync")
        before = wire.bytes
        ben.run("sync", wire.url)
        moved = wire.bytes - before
        assert set(sent) <= set(ben.text("ls-pool").split()), "not all came"
    print(f"one sync: {moved} bytes for ten messages beside {BLOCKS * PER_BLOCK}")
    assert moved <= ROUND_BYTES_MAX


def fill_pools(ana, ben, bundle):
    for store in (ana, ben):
        store.run("bundle", "apply", bundle, timeout=TAKING_SECONDS_MAX)
        assert store.objects("status")[0]["pool"]["messages"] >= WAITING


def check_one_sync_by_cursor(ana, ben):
    """`sync` from a command where much waits: the first lists all of it, the second what is new,
    and after the peer has begun anew all is listed again."""
    moved = []
    with counting.relay(None) as wire:
        def count(name):
            sent = [ana.text("send", "--public", "-m", f"{name} there"),
                    ben.text("send", "--public", "-m", f"{name} back")] if name else []
            before = wire.bytes
            ben.run("sync")
            moved.append(wire.bytes - before)
            for store in (ana, ben):
                assert set(sent) <= set(store.text("ls-pool").split()), "not all came"

        for at in range(2):
            with ana.served() as url:
                wire.lead_to(url)
                if at == 0:
                    ben.run("peers", "add", wire.url)
                count(f"first {at}")
                count(None)
                count(f"third {at}")
        ben.run("peers", "rm", wire.url)
    print(f"one sync beside {WAITING} that wait: {moved}")
    for first, second, third in (moved[:3], moved[3:]):
        assert first > WAITING * 19, "nothing was listed"
        assert second < POOL_BYTES_MAX and third < ROUND_BYTES_MAX, (second, third)


def settle(wire):
    """Until nothing has moved for two seconds: a node that has begun looks at its peers by itself."""
    moved, since = wire.bytes, time.monotonic()
    while time.monotonic() - since < 2:
        time.sleep(0.05)
        if wire.bytes != moved:
            moved, since = wire.bytes, time.monotonic()


def check_one_sync_beside_serve(ana, ben):
    """The same where the store's own node runs: what the peer was told of is not offered to it again,
    whether a command or a node that is gone told it."""
    moved = []
    with ana.served() as url, counting.relay(url) as wire:
        ben.run("peers", "add", wire.url)
        ben.run("sync")
        for at in range(2):
            with ben.served():
                settle(wire)
                for name in ("first", None, "third"):
                    sent = [ana.text("send", "--public", "-m", f"{name} there, beside {at}"),
                            ben.text("send", "--public", "-m", f"{name} back, beside {at}")] if name else []
                    before = wire.bytes
                    ben.run("sync")
                    moved.append(wire.bytes - before)
                    for store in (ana, ben):
                        assert set(sent) <= set(store.text("ls-pool").split()), "not all came"
        ben.run("peers", "rm", wire.url)
    print(f"one sync beside 'serve', beside {WAITING} that wait: {moved}")
    assert max(moved) < 2 * POOL_BYTES_MAX < WAITING * 8, moved  # Less than a list of them.


def check_serving(ana, ben):
    """Between nodes that serve, where much waits: by cursor, both ways."""
    with ana.served() as url, counting.relay(url) as wire:
        ben.run("peers", "add", wire.url)
        with ben.served(sync_every="1h"):
            for giver, taker, name in ((ana, ben, "there"), (ben, ana, "back")):
                time.sleep(2)  # Until nothing is under way any more.
                before = wire.bytes
                sent = set(write_ten(giver, name))
                begun = time.monotonic()
                while not sent <= set(taker.text("ls-pool").split()):
                    assert time.monotonic() - begun < WATCHING_SECONDS_MAX, "not all came"
                    time.sleep(0.1)
                moved = wire.bytes - before
                print(f"serving, {name}: {moved} bytes beside {WAITING} that wait")
                assert moved <= ROUND_BYTES_MAX


def main():
    with stores.workplace() as place:
        ana, ben, bundle = two_stores(place)
        check_one_sync(ana, ben)
        fill_pools(ana, ben, bundle)
        check_one_sync_by_cursor(ana, ben)
        check_one_sync_beside_serve(ana, ben)
        check_serving(ana, ben)


main()
