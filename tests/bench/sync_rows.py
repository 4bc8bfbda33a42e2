"""Sync from several: the first one from three peers, one of them slow and
one lying, beside that from one good peer; and what a round moves when ten messages are new."""
import subprocess
import time

import counting
import stores
from between import Between, flipped
from report import Row

FIRST_SYNC_TARGET = 1.2
ROUND_BYTES_TARGET = 16_000
ROUNDS = 3


def source_store(tools, place, blocks, messages):
    """A store of a chain with so many blocks and messages."""
    bundle = place / "bundle"
    with open(bundle, "wb") as out:
        subprocess.run([tools / "long_chain", str(blocks), str(messages // blocks), "0"], stdout=out,
                       check=True)
    source = stores.Store(place / "source")
    source.run("clone", bundle, source.directory, "--no-passphrase", timeout=1800)
    bundle.unlink()
    return source


def first_sync(place, name, source, urls, exits):
    """Seconds of the first sync of a new store with these."""
    new = stores.joined(place / name, name, source.directory / "genesis")
    begin = time.monotonic()
    new.run("sync", *urls, exits=exits, timeout=1800)
    took = time.monotonic() - begin
    tips = [store.objects("status")[0]["tip"] for store in (new, source)]
    assert tips[0] == tips[1], "it did not come to the end"
    return took


def compare_first(place, source, url):
    """Seconds of both kinds, the least of interleaved rounds."""
    good, mixed = [], []
    for number in range(ROUNDS):
        good.append(first_sync(place, f"good{number}", source, [url], (0,)))
        slow, liar = Between(url, delay=8), Between(url, change=flipped)
        # 0: all was there before the answer of the liar was looked at.
        mixed.append(first_sync(place, f"mixed{number}", source, [slow.url, liar.url, url], (0, 3)))
        assert slow.asked and liar.asked, "nobody was slow, or nobody lied"
        for one in (slow, liar):
            one.shutdown()
            one.server_close()
    return min(good), min(mixed)


def ten_new(place, source, url):
    """Bytes on the wire of a round that brings ten messages to a copy of `source`."""
    taker = stores.Store(place / "copy")
    with counting.relay(url) as wire:
        taker.run("sync", wire.url)
        sent = {source.text("send", "--public", "-m", f"new {number}") for number in range(10)}
        before = wire.bytes
        taker.run("sync", wire.url)
        assert sent <= set(taker.text("ls-pool").split()), "not all came"
        return wire.bytes - before


def rows(options, places):
    """One for each."""
    blocks, messages = (200, 2000) if options.quick else (2000, 20_000)
    with stores.workplace() as place:
        source = source_store(places.tools, place, blocks, messages)
        source.copy_to(place / "copy")
        with source.served("--rate", "1000000") as url:
            good, mixed = compare_first(place, source, url)
            moved = ten_new(place, source, url)
    yield Row(f"first sync of {blocks} blocks from three, one slow, one lying", "s", mixed,
              "from one good peer", good, FIRST_SYNC_TARGET)
    yield Row(f"a round of ten new messages beside {messages:,}", "bytes", moved, "", None,
              ROUND_BYTES_TARGET)
