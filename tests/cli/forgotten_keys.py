#!/usr/bin/env python3
"""What the page forgets is gone: in the memory of `bmsg web` neither the passphrase nor the secret
of the identity is left once it is locked, by hand or because nobody came. Before that both are
found, so the search can find."""
import hashlib
import os
import pathlib
import re
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from local_page import link_in, page, port_of  # noqa: E402
from page_client import Browser  # noqa: E402
from rpc_program import Program  # noqa: E402

# Of two lengths, since short texts lie in other places: each and what takes its place.
LONG = ("a long canary that sings in the mine", "another canary, which sings no less long")
SHORT = ("Zq9wXk2vLm7pTs", "Hb4nJd8rQf3yUc")


def bytes_of(words):
    """What proquints stand for, two bytes a word."""
    found = bytearray()
    for word in re.findall(r"[a-z]{5}", words):
        number = 0
        for letter in word:
            at = "bdfghjklmnprstvz".find(letter)
            number = number << 4 | at if at >= 0 else number << 2 | "aiou".find(letter)
        found += number.to_bytes(2, "big")
    return bytes(found)


def memory(process):
    """All that it can write to, region by region."""
    with open(f"/proc/{process}/maps", encoding="ascii") as maps, \
            open(f"/proc/{process}/mem", "rb") as bytes_there:
        for line in maps:
            ends, rights = line.split()[:2]
            first, end = (int(one, 16) for one in ends.split("-"))
            if not rights.startswith("rw"):
                continue
            try:
                bytes_there.seek(first)
                yield line.strip(), bytes_there.read(end - first)
            except (OSError, OverflowError):
                continue  # What no process can read.


def places(process, secrets):
    """Which of the secrets lie where; each by its middle, whatever was overwritten around that."""
    return [(name, region) for region, content in memory(process)
            for name, secret in secrets.items() if secret[3:24] in content]


def check_gone(process, secrets, why):
    """It is forgotten once the questions before are answered."""
    for _ in range(50):
        left = places(process, secrets)
        if not left:
            return
        time.sleep(0.1)
    raise AssertionError(f"after {why}: {left}")


def names(found):
    return {name for name, _ in found}


def check_hand(zoe, secrets, options, words, other):
    """Locked by hand; opened again by a passphrase that comes through the browser."""
    with page(zoe, *options) as (running, place, file):
        first = link_in(file)
        browser = Browser(port_of(place)).enter(first)
        browser.get("me")
        assert names(places(running.pid, secrets)) == {"passphrase", "seed"}, "the search finds"
        browser.post("leave")
        check_gone(running.pid, secrets, "a lock")
        second = link_in(file, first)
        browser = Browser(browser.port).enter(second)
        browser.get("inbox", status=423)
        browser.post("unlock", {"passphrase": words[:-1]}, status=423)
        browser.post("unlock", {"passphrase": words})
        browser.get("contacts")
        assert names(places(running.pid, secrets)) == {"passphrase", "seed"}
        browser.post("backup", {"passphrase": other}, status=403)
        browser.post("passphrase", {"passphrase": words, "new": other})
        browser.post("passphrase", {"passphrase": other, "new": words})
        browser.post("leave")
        check_gone(running.pid, secrets | {"next": other.encode()}, "a lock after an opening")


def check_idle(zoe, secrets, options):
    with page(zoe, *options, "-c", "web.idle_lock=2s") as (running, place, file):
        first = link_in(file)
        browser = Browser(port_of(place)).enter(first)
        browser.get("me")
        assert names(places(running.pid, secrets)) == {"passphrase", "seed"}
        link_in(file, first)  # Comes with the lock.
        check_gone(running.pid, secrets, "the idle lock")


def check_programs(zoe, options):
    """Keys of Whisper's clients, and those of their filters, go by the same lock."""
    keys = {name: hashlib.sha256(name.encode()).digest() for name in ("symmetric", "pair")}
    secrets = keys | {f"{name} in digits": key.hex().encode() for name, key in keys.items()}
    with page(zoe, *options, extra=("--rpc",)) as (running, place, file):
        program = Program(port_of(place))
        symmetric = program.result("shh_addSymKey", "0x" + keys["symmetric"].hex())
        pair = program.result("shh_addPrivateKey", "0x" + keys["pair"].hex())
        for criteria in ({"symKeyID": symmetric}, {"privateKeyID": pair}):
            program.result("shh_newMessageFilter", criteria)
        program.result("shh_setMinPoW", 0)
        program.result("shh_post", {"symKeyID": symmetric, "topic": "0x01020304", "sig": pair})
        assert set(keys) <= names(places(running.pid, secrets)), "the search finds"
        Browser(program.port).enter(link_in(file)).post("leave")
        check_gone(running.pid, secrets, "a lock")


def main():
    if os.geteuid() != 0:
        print("skip: only root may look into the memory of a program that is not dumpable")
        sys.exit(77)
    with stores.workplace() as directory:
        for number, (words, other) in enumerate((LONG, SHORT)):
            secret = directory / "words"
            secret.write_text(words + "\n")
            options = ("--passphrase-file", secret)
            zoe = stores.Store(directory / f"zoe{number}")
            zoe.run(*options, "init", zoe.directory, "--name", "zoe", "--floor", 8, "--stamp", 1)
            seed = bytes_of(zoe.text(*options, "id", "backup", "--paper"))[:32]
            assert len(seed) == 32
            secrets = {"passphrase": words.encode(), "seed": seed}
            check_hand(zoe, secrets, options, words, other)
            check_idle(zoe, secrets, options)


main()
