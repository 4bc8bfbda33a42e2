"""The part of ./dev bench that measures sync: the first one from three peers, one of them slow and
one lying, beside that from one good peer; and what a round moves when ten messages are new."""
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import counting
import stores
from between import Between, flipped

LONG_CHAIN = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "long_chain"
FIRST_SYNC_TARGET = 1.2
ROUND_BYTES_TARGET = 16_000
ROUNDS = 3


def source_store(place, blocks, messages):
    """A store of a chain with so many blocks and messages."""
    begin = time.monotonic()
    bundle = place / "bundle"
    with open(bundle, "wb") as out:
        subprocess.run([LONG_CHAIN, str(blocks), str(messages // blocks), "0"], stdout=out,
                       check=True)
    source = stores.Store(place / "source")
    source.run("clone", bundle, source.directory, "--no-passphrase", timeout=1800)
    bundle.unlink()
    print(f"a chain of {blocks} blocks: {time.monotonic() - begin:.1f} s", file=sys.stderr)
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
        mixed.append(first_sync(place, f"mixed{number}", source, [slow.url, liar.url, url], (3,)))
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


def run(place, blocks, messages):
    """One row for each."""
    source = source_store(place, blocks, messages)
    source.copy_to(place / "copy")
    with source.served("--rate", "1000000") as url:
        good, mixed = compare_first(place, source, url)
        moved = ten_new(place, source, url)
    ratio = mixed / good
    yield {"what": f"first sync of {blocks} blocks, {messages} messages, from three peers, one slow "
                   "and one lying", "ms": round(mixed * 1000), "reference": "from one good peer",
           "reference_ms": round(good * 1000), "ratio": round(ratio, 2),
           "target": FIRST_SYNC_TARGET, "verdict": "ok" if ratio <= FIRST_SYNC_TARGET else "over"}
    yield {"what": f"a round with ten new messages, store of {messages}", "bytes": moved,
           "target": ROUND_BYTES_TARGET, "verdict": "ok" if moved <= ROUND_BYTES_TARGET else "over"}


def print_rows(rows):
    for row in rows:
        print(f"{row['what']}:")
        if "bytes" in row:
            print(f"  {row['bytes']} bytes, target {row['target']}: {row['verdict']}")
        else:
            print(f"  {row['ms']} ms, {row['reference']} {row['reference_ms']} ms, ratio "
                  f"{row['ratio']:.2f}, target {row['target']}: {row['verdict']}")
