"""The part of ./dev bench that measures scanning: a chain of messages that are all for others,
tried with three keys, on one core and on two, beside the X25519 agreements of `openssl speed` in
the same minutes."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import stores

LONG_CHAIN = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "long_chain"
PER_BLOCK = 100
KEYS = 3
RATE_TARGET = 0.6  # Of the agreements that a core can make.
CORES_TARGET = 1.9
ROUNDS = 3


def foreign_store(place, messages):
    """A store with three identities, each with a prekey, on a chain of others' letters."""
    begin = time.monotonic()
    bundle = place / "bundle"
    with open(bundle, "wb") as out:
        subprocess.run([LONG_CHAIN, str(messages // PER_BLOCK), str(PER_BLOCK), "0", "foreign"],
                       stdout=out, check=True)
    store = stores.Store(place / "reader")
    store.run("clone", bundle, store.directory, "--no-passphrase", timeout=1800)
    bundle.unlink()
    for name in ("second", "third"):
        store.run("id", "new", name, timeout=600)
    assert len(store.objects("id", "list")) == KEYS
    print(f"a chain of {messages} foreign messages: {time.monotonic() - begin:.1f} s",
          file=sys.stderr)
    return store


def on_cores(count, words, variables):
    """Seconds of a process that may use so many cores, and its standard output."""
    cores = sorted(os.sched_getaffinity(0))[:count]
    begin = time.perf_counter()
    done = subprocess.run(words, env=variables, capture_output=True, check=False, timeout=1800,
                          preexec_fn=lambda: os.sched_setaffinity(0, cores))
    took = time.perf_counter() - begin
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))} exited {done.returncode}: {done.stderr.decode()}")
    return took, done.stdout


def scan(store, cores):
    """Seconds in which an inbox without an index is listed, less those with one."""
    shutil.rmtree(store.directory / "mail", ignore_errors=True)
    words = store.words("inbox", "-n", "1")
    whole, printed = on_cores(cores, words, store.environment)
    assert printed == b"", f"somebody else's mail was opened: {printed[:200]!r}"
    return whole - on_cores(cores, words, store.environment)[0]


def agreements(store, cores):
    """X25519 agreements a second of so many cores."""
    words = ["openssl", "speed", "-elapsed", "-seconds", "2", "-multi", str(cores),
             "ecdhx25519"]
    printed = on_cores(cores, words, store.environment)[1].decode()
    return float(re.search(r"X25519\)\s+\S+\s+([0-9.]+)", printed)[1])


def row(what, value, unit, reference, its, target):
    ratio = value / its
    return {"what": what, unit: round(value), "reference": reference,
            f"reference_{unit}": round(its), "ratio": round(ratio, 2), "target": target,
            "verdict": "ok" if ratio >= target else "under"}


def run(place, messages):
    """One row for each, of the best of some rounds."""
    store = foreign_store(place, messages)
    most = min(2, len(os.sched_getaffinity(0)))
    scans, rates = {1: [], most: []}, {1: [], most: []}
    for _ in range(ROUNDS):
        for cores in scans:
            rates[cores].append(agreements(store, cores))
            scans[cores].append(messages / scan(store, cores))
    tries = {cores: KEYS * max(done) for cores, done in scans.items()}
    yield row(f"scan of {messages} foreign messages with {KEYS} keys, one core", tries[1],
              "tries_a_second", "openssl speed ecdhx25519", max(rates[1]), RATE_TARGET)
    if most > 1:
        yield row(f"the same on {most} cores", tries[most], "tries_a_second", "on one core",
                  tries[1], CORES_TARGET)
        print(f"openssl speed -multi {most}: {max(rates[most]) / max(rates[1]):.2f} times one",
              file=sys.stderr)


def print_rows(rows):
    for one in rows:
        print(f"{one['what']}:")
        print(f"  {one['tries_a_second']} messages x keys a second, {one['reference']} "
              f"{one['reference_tries_a_second']}, ratio {one['ratio']:.2f}, at least "
              f"{one['target']}: {one['verdict']}")
