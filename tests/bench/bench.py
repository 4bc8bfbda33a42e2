#!/usr/bin/env python3
"""./dev bench: whole commands beside git's, medians of interleaved runs. bench.py [--quick]

A store with 10,000 sealed messages stands beside a repository with 10,000 commits. Every round runs
each command once, so that a slow moment of the machine hits all of them. Nothing is judged by its
exit code: the numbers are for people.
"""
import json
import pathlib
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from stores import environment, joined, new_chain, workplace

MESSAGES, ROUNDS = (500, 5) if "--quick" in sys.argv else (10000, 25)
MINE_TRIES = 200


def filled_store(place):
    """Ben's store with MESSAGES sealed messages from Ana, listed once so that they are indexed."""
    ana = new_chain(place / "ana", "ana")
    with ana.served() as url:
        ben = joined(place / "ben", "ben", url)
        ben.run("sync")
        ana.run("contact", "add", "ben", ben.text("id"))
        texts = (f"letter {number} of the bench" for number in range(MESSAGES))
        letters = "".join(json.dumps({"to": ["ben"], "body": text}) + "\n" for text in texts)
        ana.run("send", "--stdin", input=letters.encode(), timeout=1200)
        ben.run("contact", "add", "ana", ana.text("id"))
        for _ in range(MINE_TRIES):
            ana.run("mine", timeout=1200)
            state = ana.objects("status")[0]
            if state["pool"]["messages"] == 0 and state["outbox"].get("queued", 0) == 0:
                break
        ben.run("sync", timeout=1200)
    count = len(ben.objects("inbox", "-n", MESSAGES + 1, timeout=1200))
    assert count == MESSAGES, f"{count} of {MESSAGES} messages arrived"
    return ben


def filled_repository(place):
    """As many commits, each with a text of its own, packed."""
    repository = place / "repository"
    subprocess.run(["git", "init", "-q", repository], check=True)
    stream = []
    for number in range(MESSAGES):
        text = f"letter {number} of the bench"
        stream += ["commit refs/heads/main", f"committer a <a@b> {1700000000 + number} +0000",
                   f"data {len(text)}", text, f"M 100644 inline f{number % 100}",
                   f"data {len(text)}", text, ""]
    subprocess.run(["git", "-C", repository, "fast-import", "--quiet"], check=True,
                   input="\n".join(stream).encode())
    subprocess.run(["git", "-C", repository, "symbolic-ref", "HEAD", "refs/heads/main"], check=True)
    subprocess.run(["git", "-C", repository, "reset", "-q", "--hard"], check=True)
    return repository


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


def measure(commands, variables):
    times = {name: [] for name in commands}
    for _ in range(ROUNDS + 1):
        for name, words in commands.items():
            took, output = timed(words, variables)
            times[name].append(took - (stamp_of(output) if name == "send" else 0))
    return {name: statistics.median(values[1:]) for name, values in times.items()}  # First: caches.


def main():
    with workplace() as place:
        begin = time.monotonic()
        store, repository = filled_store(place), filled_repository(place)
        print(f"{MESSAGES} messages made, mined, synced and indexed in "
              f"{time.monotonic() - begin:.0f} s; {ROUNDS} rounds")
        git = ["git", "-C", repository, "-c", "user.name=a", "-c", "user.email=a@b"]
        medians = measure({
            "git log -1": [*git, "log", "-1"],
            "git commit": [*git, "commit", "-q", "--allow-empty", "-m", "x"],
            "help": store.words("help"),
            "status": store.words("status"),
            "inbox -n 20": store.words("inbox", "-n", 20),
            "send": store.words("send", "--json", "-m", "bench", "ana"),
        }, environment(place) | {"GIT_CONFIG_NOSYSTEM": "1"})
        for name, beside, most in (("help", "git log -1", 1.5), ("status", "git log -1", 4),
                                   ("inbox -n 20", "git log -1", 4), ("send", "git commit", 2)):
            ratio = medians[name] / medians[beside]
            print(f"bmsg {name:12} {medians[name]:7.1f} ms  {beside:10} {medians[beside]:7.1f} ms  "
                  f"{ratio:5.2f} times, at most {most}{'' if ratio <= most else '  OVER'}")


if __name__ == "__main__":
    main()
