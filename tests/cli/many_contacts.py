#!/usr/bin/env python3
"""Thousands of contacts, a tenth of them people who have keys, and groups of them: each verb does what it
does with few, and what it asks for in memory, as its work, grows no faster than their number.
BMSG_CONTACTS: how many; './dev soak contacts' takes ten thousand."""
import hashlib
import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from allocations import Allocations  # noqa: E402

MANY = int(os.environ.get("BMSG_CONTACTS") or 1000)
FEW = MANY // 4
PEOPLE = FEW // 10 * 2  # Those of the smaller book have keys, a fifth of them.
GROWTH_MAX = MANY / FEW * 1.25
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def polynomial(values):
    rest = 1
    for value in values:
        top, rest = rest >> 25, (rest & 0x1ffffff) << 5 ^ value
        for bit, generator in enumerate((0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3)):
            rest ^= generator if top >> bit & 1 else 0
    return rest


def address_of(key):
    """bech32m, as bmsg-format(5) has it."""
    number = int.from_bytes(key, "big") << 4
    groups = [number >> 5 * (51 - at) & 31 for at in range(52)]
    prefix = [ord(letter) >> 5 for letter in "bmsg"] + [0] + [ord(letter) & 31 for letter in "bmsg"]
    check = polynomial(prefix + groups + [0] * 6) ^ 0x2bc830a3
    return "bmsg1" + "".join(ALPHABET[one] for one in groups + [check >> 5 * (5 - at) & 31
                                                                 for at in range(6)])


def stranger(number):
    return f"stranger {number:05}", address_of(hashlib.sha256(b"%d" % number).digest())


def book_of(count, people):
    """The lines of an import: the people, and strangers up to that count."""
    pairs = people + [stranger(number) for number in range(count - len(people))]
    one = {"kind": "person", "trust": "known", "ack": "asked"}
    return "".join(json.dumps(one | {"name": name, "address": address}) + "\n"
                   for name, address in pairs).encode()


def make_people(place, chain):
    """One store whose identities they all are, and who is who."""
    crowd = stores.joined(place / "crowd", "crowd", chain.directory / "genesis")
    for number in range(PEOPLE):
        crowd.run("id", "new", f"person {number:05}")
    people = [(one["name"], one["address"]) for one in crowd.objects("id", "list")
              if one["name"].startswith("person ")]
    assert len(people) == PEOPLE
    with chain.served() as url:
        crowd.run("sync", url)  # Their cards.
    chain.run("mine", "--no-relay")
    return crowd, people


def use(place, store, count, people):
    """Allocations by what was done with a book of so many."""
    counts, counted = {}, Allocations(place)

    def step(name, *words, **options):
        counts[name], printed = counted.of(store, *words, **options)
        return printed.decode()

    names = [name for name, _ in people]
    strangers = [stranger(number)[0] for number in range(count - PEOPLE)]
    added = step("import", "contact", "import", "-", input=book_of(count, people))
    assert sorted(added.split("\n")[:-1]) == sorted(names + strangers)
    assert len(step("list", "contact", "list").split("\n")) == count + 1
    step("add", "contact", "add", "one more", stranger(MANY)[1])
    shown = json.loads(step("show", "contact", "show", "--json", strangers[-1]))
    assert shown["address"] == stranger(count - PEOPLE - 1)[1] and shown["card"] == "none", shown
    assert json.loads(step("show a person", "contact", "show", "--json", names[0]))["card"] == "ok"
    step("block", "contact", "block", strangers[0])
    step("rename", "contact", "rename", strangers[0], "somebody else")
    step("make a group", "contact", "group", "add", "strangers", *strangers[:0:-1])
    step("rename a member", "contact", "rename", strangers[1], "a member")
    assert "a member" in store.objects("contact", "show", "strangers")[0]["members"]
    step("shrink a group", "contact", "group", "rm", "strangers", *strangers[2:])
    assert store.objects("contact", "show", "strangers")[0]["members"] == ["a member"]
    store.run("contact", "group", "add", "people", *names)
    exported = step("export", "contact", "export")
    assert step("import again", "contact", "import", "-", input=exported.encode()) == ""
    store.run("contact", "add", "Stranger 00002", stranger(MANY + 1)[1])
    sent = step("send to one", "send", "-m", f"one of {count}", names[-1]).split()
    batches = step("send to a group", "send", "-m", f"all of {count}", "people").split()
    assert len(sent) == 1 and len(batches) == -(-PEOPLE // 64), (sent, batches)
    step("send to strangers", "send", "-m", "who are they", "strangers", exits=(67,))
    step("inbox", "inbox", "--sent")
    assert step("search", "search", "nothing of the kind") == ""
    return counts


def check_arrived(crowd, node):
    """Each person has what was written to all, once for each book, and the last what was for one."""
    node.run("mine", "--no-relay")
    with node.served() as url:
        crowd.run("sync", url)
    for number in {0, PEOPLE // 2, PEOPLE - 1}:
        letters = crowd.objects("--identity", f"person {number:05}", "inbox", "--bodies")
        bodies = [one["body"] for one in letters]
        for count in (FEW, MANY):
            assert bodies.count(f"all of {count}") >= 1, (number, bodies)
        assert len(bodies) == len(set(one["id"] for one in letters))
    assert f"one of {MANY}" in bodies


def main():
    with stores.workplace() as place:
        chain = stores.new_chain(place / "chain", "chain")
        crowd, people = make_people(place, chain)
        counts = {}
        for count in (FEW, MANY):
            store = chain.copy_to(place / f"book of {count}")
            counts[count] = use(place, store, count, people)
            with chain.served() as url:
                store.run("sync", url)
        check_arrived(crowd, chain)
    grown = {name: counts[MANY][name] / few for name, few in counts[FEW].items()}
    print(f"{MANY} contacts beside {FEW}: " +
          ", ".join(f"{name} {counts[MANY][name]} ({times:.2f} times)" for name, times in grown.items()))
    assert max(grown.values()) <= GROWTH_MAX, {name: times for name, times in grown.items()
                                               if times > GROWTH_MAX}


main()
