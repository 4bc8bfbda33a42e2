"""Whole commands, each a process of its own, beside those that scripts use today."""
import json
import os
import pathlib
import shlex
import shutil
import subprocess
import time

import stores
from places import LISTED
from report import Row, medians, seconds_of

GIT_SYNC = ("-c", "core.fsync=all")  # As durable as what bmsg prints an id for.
BURST = 1000
FILES = 100


def looks(options, places):
    """What only reads; a store of many messages beside a repository of as many commits."""
    count = 10_000 if options.quick else 100_000
    _, ben = places.mailbox(count)
    repository = places.repository(count)

    def ours(*words, check=lambda printed: printed):
        def run():
            took, printed = seconds_of(ben.words(*words), env=ben.environment)
            assert check(printed), f"bmsg {words} printed {printed[:300]!r}"
            return took
        return run

    def log():
        took, printed = places.git(repository, "log", f"-{LISTED}")
        assert printed.count(b"\ncommit ") == LISTED - 1
        return took

    def is_listing(printed):
        return len(printed.splitlines()) == LISTED

    took = medians({
        "git --version": lambda: places.git(repository, "--version")[0],
        "git log": log,
        "version": ours("version", check=lambda printed: printed.startswith(b"bmsg ")),
        "help": ours("help", check=lambda printed: b"usage: bmsg" in printed),
        "inbox": ours("inbox", "-n", LISTED, check=is_listing),
        "log": ours("log", "-n", LISTED, check=lambda printed: len(printed.splitlines()) >= LISTED),
        "status": ours("status", check=lambda printed: b"\ntip " in b"\n" + printed),
    }, 5 if options.quick else 31)
    for name in ("version", "help"):
        yield Row(f"bmsg {name}", "ms", took[name] * 1000, "git --version",
                  took["git --version"] * 1000, 1.3)
    for name in ("inbox", "log", "status"):
        words = name if name == "status" else f"{name} -n {LISTED}"
        yield Row(f"bmsg {words}, {count:,} messages", "ms", took[name] * 1000,
                  f"git log -{LISTED}, as many commits", took["git log"] * 1000, 1.5)


def pair(place):
    """Two that know each other, on a chain that asks for no stamp."""
    rules = stores.members_rules(place / "rules").read_text().replace("members", "open")
    (place / "rules").write_text(rules)
    ana = stores.joined(place / "ana", "ana", place / "rules")
    with ana.served() as url:
        ben = stores.joined(place / "ben", "ben", url)
        ben.run("sync", url)
        ana.run("contact", "add", "ben", ben.text("id"))
        ben.run("contact", "add", "ana", ana.text("id"))
    return ana, ben


def queued(store):
    return store.objects("status")[0]["outbox"]["queued"]


def gpg_pair(place):
    """A home with a key to sign with and one to encrypt to; the words that do both."""
    home = place / "gpg"
    home.mkdir(mode=0o700)
    gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--trust-model", "always"]
    for name in ("ana", "ben"):
        seconds_of([*gpg, "--passphrase", "", "--quick-generate-key", name, "future-default"])
    return [*gpg, "--local-user", "ana", "--recipient", "ben", "--sign", "--encrypt"]


def age_key(place):
    """The recipient of a new key."""
    _, printed = seconds_of(["age-keygen", "-o", place / "age.key"])
    del printed
    return (place / "age.key").read_text().split("public key: ")[1].split()[0]


def sends(options, places, place):
    """One message, durable when the command ends."""
    ana, _ = pair(place)
    repository = place / "commits"
    repository.mkdir()
    places.git(repository, "init", "-q")
    kilobyte = os.urandom(512).hex().encode()
    (place / "kilobyte").write_bytes(kilobyte)
    gpg, recipient = gpg_pair(place), age_key(place)
    rounds = 5 if options.quick else 31
    before = queued(ana)

    def send(*words):
        took, printed = seconds_of(ana.words("send", "ben", *words), env=ana.environment)
        assert len(printed.strip()) >= 64, printed
        return took

    def commit():
        return places.git(repository, *GIT_SYNC, "commit", "-q", "--allow-empty", "-m", "x")[0]

    def sealed(words):
        took, printed = seconds_of([*words, place / "kilobyte"])
        assert len(printed) > len(kilobyte) / 2, "it was not sealed"  # gpg packs.
        return took

    took = medians({
        "send": lambda: send("-m", "bench"),
        "commit": commit,
        "send 1 kB": lambda: send("-F", place / "kilobyte"),
        "gpg": lambda: sealed([*gpg, "--output", "-"]),
        "age": lambda: sealed(["age", "-r", recipient]),
    }, rounds)
    assert queued(ana) - before == 2 * (rounds + 1), "not every message waits"
    yield Row("bmsg send, no stamp", "ms", took["send"] * 1000, "git commit, core.fsync=all",
              took["commit"] * 1000, 1.0)
    yield Row("bmsg send of 1 kB", "ms", took["send 1 kB"] * 1000, "gpg --sign --encrypt",
              took["gpg"] * 1000, 0.5)
    yield Row("bmsg send of 1 kB", "ms", took["send 1 kB"] * 1000, "age -r, signs and stores nothing",
              took["age"] * 1000, 3)


def burst(options, places, place):
    """Many messages of one command beside as many commits."""
    count = 100 if options.quick else BURST
    ana, _ = pair(place)
    repository = place / "commits"
    repository.mkdir()
    places.git(repository, "init", "-q")
    letters = "".join(json.dumps({"to": ["ben"], "body": f"letter {number}"}) + "\n"
                      for number in range(count)).encode()
    took, printed = seconds_of(ana.words("send", "--stdin"), env=ana.environment, input=letters)
    assert len(set(printed.split())) == count and queued(ana) == count
    begin = time.perf_counter()
    for _ in range(count):
        places.git(repository, *GIT_SYNC, "commit", "-q", "--allow-empty", "-m", "x")
    its = time.perf_counter() - begin
    assert int(places.git(repository, "rev-list", "--count", "HEAD")[1]) == count
    yield Row(f"{count:,} messages by send --stdin", "messages/s", count / took,
              "as many git commit, core.fsync=all", count / its, 20, True)


def mining(options, places, place):
    """A block of a hundred messages beside a commit of a hundred files."""
    ana, _ = pair(place)
    repository = place / "files"
    repository.mkdir()
    places.git(repository, "init", "-q")
    rounds = 3 if options.quick else 11
    letters = "".join(json.dumps({"to": ["ben"], "body": f"letter {number}"}) + "\n"
                      for number in range(FILES)).encode()
    turn = [0]

    def mine():
        ana.run("send", "--stdin", input=letters)
        took, printed = seconds_of(ana.words("mine", "--json"), env=ana.environment)
        blocks = [json.loads(line) for line in printed.splitlines()]
        mined = [one for one in blocks if one["type"] == "block"]
        assert len(mined) == 1 and mined[0]["messages"] >= FILES, printed
        return took

    def commit():
        turn[0] += 1
        for number in range(FILES):
            (repository / f"file{number}").write_text(f"letter {number} of {turn[0]}")
        places.git(repository, "add", ".")
        return places.git(repository, *GIT_SYNC, "commit", "-q", "-m", "x")[0]

    took = medians({"mine": mine, "commit": commit}, rounds)
    yield Row(f"bmsg mine, floor 8, {FILES} messages", "ms", took["mine"] * 1000,
              f"git commit of {FILES} files, core.fsync=all", took["commit"] * 1000, 1.5)


def pipe(options, _, place):
    """A file of a pipe, sealed, and on the disk when the clock stops: both write as many bytes. Age
    leaves its own to the system, so sync waits for them, as ours does before it prints an id."""
    size = (8 if options.quick else 256) << 20
    ana, _ = pair(place)
    recipient = age_key(place)
    content, sealed = place / "content", place / "sealed"
    with open(content, "wb") as out:
        for _ in range(size >> 20):
            out.write(os.urandom(1 << 20))

    def piped(words, variables):
        # What the other side left to be written is not waited for in this one's time.
        os.sync()
        cat = subprocess.Popen(["cat", content], stdout=subprocess.PIPE)
        begin = time.perf_counter()
        done = subprocess.run([*map(str, words)], stdin=cat.stdout, stdout=subprocess.DEVNULL,
                              env=variables, check=False)
        took = time.perf_counter() - begin
        cat.stdout.close()
        assert cat.wait() == 0 and done.returncode == 0, words
        return took

    def send():
        return piped(ana.words("send", "ben", "-a", "-", "-m", "file"), ana.environment)

    def age():
        sealed.unlink(missing_ok=True)
        sync = shlex.join(["sync", str(sealed), str(place)])
        words = shlex.join(["age", "-r", recipient, "-o", str(sealed)])
        took = piped(["sh", "-c", f"{words} && exec {sync}"], None)
        assert sealed.stat().st_size > size
        return took

    took = medians({"send": send, "age": age}, 1 if options.quick else 3)
    yield Row(f"bmsg send -a - of {size >> 20} MiB", "s", took["send"],
              "age -r of the same pipe, and sync of its file", took["age"], 2)


def rows(options, places):
    yield from looks(options, places)
    for part in (sends, burst, mining, pipe):
        with stores.workplace() as place:
            yield from part(options, places, pathlib.Path(place))


NEEDS = ("git", "gpg", "age", "age-keygen")
assert all(map(shutil.which, NEEDS)), f"needs {', '.join(NEEDS)}"
