#!/usr/bin/env python3
"""./dev bench: whole commands beside git's, medians of interleaved runs.

bench.py [--quick | --full] [--sync-only | --scan-only] [--json] [--keep DIR]

A store with 10,000 sealed messages stands beside a repository with 10,000 commits. Every round runs
each command once, so that a slow moment of the machine hits all of them. Reading comes first, then
writing: a listing after a send also writes that message to the index, and has a line of its own
without a target. Each result is looked at: a command that did the wrong thing ends the bench. A
ratio over its target is told, and is no failure: the machine may be busy. --keep leaves store and
repository in DIR, or finds them there.

Then sync (sync_bench.py): on a chain of 2,000 blocks and 20,000 messages, with --quick 200 and
2,000, with --full 10,000 and 100,000. --sync-only measures nothing else.

Then scan (scan_bench.py): 100,000 messages for others, with --quick 10,000, tried with three keys
on one core and on two, beside `openssl speed`. --scan-only measures nothing else.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import scan_bench
import sync_bench
from stores import Store, environment, joined, new_chain, workplace

MINE_TRIES = 200
LISTED = 20
# What is measured, beside what, and how many times as long it may take.
TARGETS = (("help", "git log -1", 1.5), ("status", "git log -1", 4),
           ("inbox -n 20", "git log -1", 4), ("send", "git commit", 2),
           ("inbox after send", "git commit", None))


def send_all(ana, messages):
    """Queues so many letters to ben; seconds of the one command."""
    letters = "".join(json.dumps({"to": ["ben"], "body": f"letter {number} of the bench"}) + "\n"
                      for number in range(messages))
    begin = time.monotonic()
    ids = ana.text("send", "--stdin", input=letters.encode(), timeout=1200).split()
    assert len(set(ids)) == messages, f"{len(set(ids))} of {messages} messages were queued"
    return time.monotonic() - begin


def mine_all(ana):
    for _ in range(MINE_TRIES):
        ana.run("mine", timeout=1200)
        state = ana.objects("status")[0]
        if state["pool"]["messages"] == 0 and state["outbox"].get("queued", 0) == 0:
            return
    raise AssertionError(f"messages are left after {MINE_TRIES} runs of mine")


def fill_store(place, messages):
    """Ben's store with sealed messages from Ana, listed once so that they are indexed."""
    ana = new_chain(place / "ana", "ana")
    with ana.served() as url:
        ben = joined(place / "ben", "ben", url)
        ben.run("sync")
        ana.run("contact", "add", "ben", ben.text("id"))
        print(f"send --stdin: {messages} messages in {send_all(ana, messages):.1f} s",
              file=sys.stderr)
        ben.run("contact", "add", "ana", ana.text("id"))
        mine_all(ana)
        ben.run("sync", timeout=1200)
    count = len(ben.objects("inbox", "-n", messages + 1, timeout=1200))
    assert count == messages, f"{count} of {messages} messages arrived"


def fill_repository(place, messages):
    """As many commits, each with a text of its own, packed."""
    git = ["git", "-C", place / "repository"]
    subprocess.run(["git", "init", "-q", place / "repository"], check=True)
    stream = []
    for number in range(messages):
        text = f"letter {number} of the bench"
        stream += ["commit refs/heads/main", f"committer a <a@b> {1700000000 + number} +0000",
                   f"data {len(text)}", text, f"M 100644 inline f{number % 100}",
                   f"data {len(text)}", text, ""]
    subprocess.run([*git, "fast-import", "--quiet"], check=True, input="\n".join(stream).encode())
    subprocess.run([*git, "symbolic-ref", "HEAD", "refs/heads/main"], check=True)
    subprocess.run([*git, "reset", "-q", "--hard"], check=True)


def prepare(place, messages):
    """Fills `place`, unless an earlier bench has left so many messages there."""
    filled = place / "filled"
    if filled.exists():
        found = int(filled.read_text())
        if found != messages:
            sys.exit(f"bench: '{place}' holds {found} messages, not {messages}; name another")
        return
    if place.exists() and any(place.iterdir()):
        sys.exit(f"bench: '{place}' is neither empty nor the whole of an earlier bench")
    place.mkdir(parents=True, exist_ok=True)
    fill_store(place, messages)
    fill_repository(place, messages)
    filled.write_text(f"{messages}\n")


def timed(words, variables):
    """Milliseconds of one whole process, and what it printed."""
    begin = time.perf_counter()
    done = subprocess.run(words, capture_output=True, env=variables, check=False)
    took = (time.perf_counter() - begin) * 1000
    if done.returncode != 0:
        sys.exit(f"{' '.join(map(str, words))} exited {done.returncode}: {done.stderr.decode()}")
    return took, done.stdout


def stamp_of(output):
    """Milliseconds that went into stamps, as `send --json` reports them."""
    return sum(json.loads(line)["stamp_ms"] for line in output.splitlines())


def is_right(name, output):
    """Whether a command printed what it is for."""
    lines = output.splitlines()
    looks = {
        "help": lambda: b"usage: bmsg" in output,
        "status": lambda: any(line.startswith(b"tip ") for line in lines),
        "inbox -n 20": lambda: len(lines) == LISTED,
        "inbox after send": lambda: len(lines) == LISTED,
        "send": lambda: len(lines) == 1 and len(json.loads(output)["id"]) >= 64,
        "git log -1": lambda: output.startswith(b"commit "),
    }
    return looks.get(name, lambda: True)()


def commits(repository):
    return int(subprocess.check_output(["git", "-C", repository, "rev-list", "--count", "HEAD"]))


def measure(commands, variables, rounds):
    """Medians in milliseconds; the first round only warms caches."""
    times = {name: [] for name in commands}
    for _ in range(rounds + 1):
        for name, words in commands.items():
            took, output = timed(words, variables)
            if not is_right(name, output):
                sys.exit(f"bench: '{name}' printed {output[:500]!r}")
            times[name].append(took - (stamp_of(output) if name == "send" else 0))
    return {name: statistics.median(values[1:]) for name, values in times.items()}


def run_all(place, rounds):
    store, repository = Store(place / "ben"), place / "repository"
    queued = store.objects("status")[0]["outbox"]["queued"]
    committed = commits(repository)
    git = ["git", "-C", repository, "-c", "user.name=a", "-c", "user.email=a@b"]
    variables = environment(place) | {"GIT_CONFIG_NOSYSTEM": "1"}
    listing = store.words("inbox", "-n", LISTED)
    medians = measure({
        "git log -1": [*git, "log", "-1"],
        "help": store.words("help"),
        "status": store.words("status"),
        "inbox -n 20": listing,
    }, variables, rounds)
    medians |= measure({
        "git commit": [*git, "commit", "-q", "--allow-empty", "-m", "x"],
        "send": store.words("send", "--json", "-m", "bench", "ana"),
        "inbox after send": listing,
    }, variables, rounds)
    sent = store.objects("status")[0]["outbox"]["queued"] - queued
    made = commits(repository) - committed
    assert (sent, made) == (rounds + 1, rounds + 1), f"{sent} sends and {made} commits are there"
    return medians


def rows_of(medians):
    for name, beside, target in TARGETS:
        ratio = medians[name] / medians[beside]
        verdict = "" if target is None else "ok" if ratio <= target else "over"
        yield {"what": f"bmsg {name}", "ms": round(medians[name], 2), "reference": beside,
               "reference_ms": round(medians[beside], 2), "ratio": round(ratio, 2),
               "target": target, "verdict": verdict}


def print_table(rows):
    print(f"{'what':21} {'ours':>9}  {'reference':10} {'its':>9}  {'ratio':>5}  {'target':>6}  "
          "verdict")
    for row in rows:
        print(f"{row['what']:21} {row['ms']:6.1f} ms  {row['reference']:10} "
              f"{row['reference_ms']:6.1f} ms  {row['ratio']:5.2f}  {row['target'] or '':6}  "
              f"{row['verdict']}")


def parsed():
    parser = argparse.ArgumentParser(prog="./dev bench")
    size = parser.add_mutually_exclusive_group()
    size.add_argument("--quick", action="store_true", help="500 messages and 5 rounds")
    size.add_argument("--full", action="store_true", help="sync 10,000 blocks, 100,000 messages")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--sync-only", action="store_true", help="measure nothing but sync")
    part.add_argument("--scan-only", action="store_true", help="measure nothing but scanning")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR",
                        help="leave the store in DIR, or use the one that is there")
    return parser.parse_args()


def tell(options, part, rows):
    rows = list(rows)
    if options.json:
        for row in rows:
            print(json.dumps(row), flush=True)
    else:
        part.print_rows(rows)


def main():
    options = parsed()
    messages, rounds = (500, 5) if options.quick else (10000, 25)
    if not options.sync_only and not options.scan_only:
        with workplace() as temporary:
            place = (options.keep or temporary).resolve()
            prepare(place, messages)
            rows = list(rows_of(run_all(place, rounds)))
        if options.json:
            for row in rows:
                print(json.dumps(row | {"messages": messages, "rounds": rounds}))
        else:
            print(f"{messages} messages, medians of {rounds} interleaved rounds")
            print_table(rows)
    blocks = 200 if options.quick else 10000 if options.full else 2000
    if not options.scan_only:
        with workplace() as place:
            tell(options, sync_bench, sync_bench.run(place, blocks, 10 * blocks))
    if not options.sync_only:
        with workplace() as place:
            tell(options, scan_bench, scan_bench.run(place, 10000 if options.quick else 100000))


if __name__ == "__main__":
    main()
