"""The chain on disk: checking it, growing it, its size, and scanning it."""
import json
import os
import re
import shutil

import stores
from report import Row, medians, seconds_of

KEYS = 3


def on_cores(count, words, variables):
    """Seconds and output of a process that may use so many cores."""
    cores = sorted(os.sched_getaffinity(0))[:count]
    return seconds_of(words, env=variables,
                      preexec_fn=lambda: os.sched_setaffinity(0, cores))


def checking(options, places):
    """Both sides read the encoded messages once; sha512sum does nothing else."""
    count = 10_000 if options.quick else 100_000
    store, bundle = places.foreign(count), places.bundle(count)

    def verify(*words):
        took, printed = seconds_of(store.words("verify", "--json", *words), env=store.environment)
        summary = json.loads(printed.splitlines()[-1])
        assert summary["ok"] and summary["messages"] == count, printed[-300:]
        return took

    took = medians({
        "sum": lambda: seconds_of(["sha512sum", bundle])[0],
        "quick": lambda: verify("--quick"),
        "verify": verify,
        "full": lambda: verify("--full"),
    }, 1 if options.quick else 5)
    its = took["sum"] * 1000
    yield Row(f"bmsg verify --quick of {count:,} messages", "ms", took["quick"] * 1000,
              "sha512sum of the same bytes", its, 1.5)
    yield Row(f"bmsg verify of {count:,} messages", "ms", took["verify"] * 1000,
              "sha512sum of the same bytes", its, 1.5)
    yield Row(f"bmsg verify --full of {count:,} messages", "ms", took["full"] * 1000,
              "sha512sum of the same bytes", its, 3)


def connecting(options, places):
    blocks, per_block = (20, 100) if options.quick else (200, 100)
    with stores.workplace() as place:
        _, printed = seconds_of([places.tools / "bench_blocks", place / "blocks", blocks,
                                 per_block])
    line = json.loads(printed)
    yield Row(f"blocks of {per_block} messages connected, durable", "messages/s", line["ours"],
              "RocksDB batch of the same bytes, synced", line["reference"], 1 / 1.5, True)


def size(options, places):
    count = 10_000 if options.quick else 100_000
    with stores.workplace() as place:
        store = places.foreign(count).copy_to(place / "copy")
        seconds_of([places.tools / "bench_blocks", "compact", store.directory / "chain"])
        files = [file for file in (store.directory / "chain").rglob("*") if file.is_file()]
        took = sum(file.stat().st_size for file in files)
    encoded = places.bundle(count).stat().st_size
    yield Row(f"store of {count:,} messages, compacted", "bytes a message", took / count,
              "the encoded bytes", encoded / count, 1.15)


def agreements(variables, cores):
    """X25519 agreements a second of so many cores."""
    words = ["openssl", "speed", "-elapsed", "-seconds", "2", "-multi", str(cores), "ecdhx25519"]
    printed = on_cores(cores, words, variables)[1].decode()
    return float(re.search(r"X25519\)\s+\S+\s+([0-9.]+)", printed)[1])


def scanning(options, places):
    """Messages that are all for others, tried with three keys; the best of some rounds, for the
    second core is often somebody else's."""
    count = 10_000 if options.quick else 100_000
    with stores.workplace() as place:
        store = places.foreign(count).copy_to(place / "copy")
        for name in ("second", "third"):
            store.run("id", "new", name, timeout=600)
        assert len(store.objects("id", "list")) == KEYS
        words = store.words("inbox", "-n", "1")

        def scan(cores):
            shutil.rmtree(store.directory / "mail", ignore_errors=True)
            whole, printed = on_cores(cores, words, store.environment)
            assert printed == b"", f"somebody else's mail was opened: {printed[:200]!r}"
            return whole - on_cores(cores, words, store.environment)[0]

        most = min(2, len(os.sched_getaffinity(0)))
        rates = {1: [], most: []}
        scans = {1: [], most: []}
        for _ in range(1 if options.quick else 3):
            for cores in scans:
                rates[cores].append(agreements(store.environment, cores))
                scans[cores].append(count / scan(cores))
    tries = {cores: KEYS * max(done) for cores, done in scans.items()}
    yield Row(f"scan of {count:,} foreign messages, {KEYS} keys, one core", "tries/s", tries[1],
              "openssl speed ecdhx25519", max(rates[1]), 0.6, True)
    if most > 1:
        yield Row("the same on two cores", "tries/s", tries[most], "on one core", tries[1], 1.9,
                  True, f"openssl speed -multi 2: {max(rates[most]) / max(rates[1]):.2f} times one")


def rows(options, places):
    assert shutil.which("sha512sum") and shutil.which("openssl")
    for part in (checking, connecting, size, scanning):
        yield from part(options, places)
