#!/usr/bin/env python3
"""Bits of the inbox and the name of the card: a change goes out as the next card, what was sealed
before it is read as it was, and what is sealed after it has the topic that the card asks for."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stores

BITS = 12
SENT = 8


def me(store):
    return store.objects("id")[0]


def give(store, other):
    with store.served() as url:
        other.run("sync", url)


def topics_of(store, ids):
    return [int(store.objects("show", one)[0]["topic"] or "0", 16) for one in ids]


def sent(ben, word):
    return [ben.text("send", "-s", f"{word} {number}", "-m", "text", "ana")
            for number in range(SENT)]


def subjects(store):
    return sorted(one["subject"] for one in store.objects("inbox", "--all"))


def check_bounds(ana):
    assert (me(ana)["inbox_bits"], me(ana)["card"]["seq"]) == (0, 1), me(ana)
    for bits in ("-1", "33", "256", "x", "1.5", ""):
        ana.run("id", "set", "--inbox-bits", bits, exits=(64,))
    ana.run("id", "set", "--name", "a\nb", exits=(64, 65))
    ana.run("id", "set", "--inbox-bits", 0)
    ana.run("id", "set", "--name", "ana")
    assert me(ana)["card"]["seq"] == 1, "a card that says nothing new"


def check_bits(ana, ben):
    """Three kinds of mail: to the card before, to that card after the change, to the card after."""
    before = sent(ben, "before")
    ana.run("id", "set", "--inbox-bits", BITS)
    assert (me(ana)["inbox_bits"], me(ana)["card"]["seq"]) == (BITS, 2), me(ana)
    assert f"inbox       {BITS} bits of a topic" in ana.text("show", "ana")
    between = sent(ben, "between")
    assert set(topics_of(ben, before + between)) == {0}, "a topic that the card did not ask for"
    give(ben, ana)
    give(ana, ben)
    assert ben.objects("contact", "show", "ana")[0]["inbox_bits"] == BITS
    assert f"inbox       {BITS} bits of a topic" in ben.text("contact", "show", "ana")
    after = topics_of(ben, sent(ben, "after"))
    assert len({topic >> (32 - BITS) for topic in after}) == 1, after
    assert 0 not in after and len(set(after)) > 1, after
    give(ben, ana)
    words = ("after", "before", "between")
    assert subjects(ana) == [f"{word} {number}" for word in words for number in range(SENT)]
    ana.run("mine")
    assert len(subjects(ana)) == 3 * SENT, "lost on the way into a block"
    return after[0] >> (32 - BITS)


def check_light(ben, place, genesis):
    """A light store finds its mail by the topic too, without any body at first."""
    lea = stores.joined(place / "lea", "lea", genesis, "--light")
    lea.run("id", "set", "--inbox-bits", 32)
    ben.run("contact", "add", "lea", "-", input=lea.run("id", "--card"))
    message = ben.text("send", "-s", "for lea", "-m", "text", "lea")
    ben.run("mine")
    with ben.served() as url:
        lea.run("sync", url)
        lea.run("inbox")
        lea.run("sync", url)
    assert lea.text("read", message, "--body") == "text"


def check_groups(ana, ben):
    """People of two inboxes get two messages, each found by its own."""
    ben.run("contact", "add", "ben", ben.text("id"))
    ids = ben.text("send", "-s", "to both", "-m", "text", "ana", "ben").split()
    assert len(ids) == 2, ids
    give(ben, ana)
    assert subjects(ana).count("to both") == 1


def check_back(ana, ben, prefix):
    """The same topic again where the number grows or shrinks, and none at the end."""
    for seq, bits in ((3, 4), (4, 32)):
        ana.run("id", "set", "--inbox-bits", bits)
        assert me(ana)["card"]["seq"] == seq, me(ana)
        give(ana, ben)
        [topic] = topics_of(ben, [ben.text("send", "-s", f"{bits} bits", "-m", "text", "ana")])
        shared = min(bits, BITS)
        assert topic >> (32 - shared) == prefix >> (BITS - shared), (hex(topic), hex(prefix))
    ana.run("id", "set", "--inbox-bits", 0)
    give(ana, ben)
    assert topics_of(ben, [ben.text("send", "-s", "0 bits", "-m", "text", "ana")]) == [0]
    give(ben, ana)
    found = subjects(ana)
    assert {"4 bits", "32 bits", "0 bits"} <= set(found), found
    assert "inbox       " not in ana.text("show", "ana")


def check_name(ana, ben):
    """The new name is on the next card, and settings that say the old one are followed."""
    ana.run("id", "new", "work")
    ana.run("id", "use", "ana")
    ana.run("id", "set", "--name", "work", exits=(73,))
    before = me(ana)
    assert before["name"] == "ana"
    ana.run("id", "set", "--name", "anna")
    after = me(ana)
    assert (after["name"], after["card"]["seq"]) == ("anna", before["card"]["seq"] + 1), after
    assert after["address"] == before["address"]
    assert ana.text("config", "get", "user.identity") == "anna"
    ana.run("--identity", "ana", "id", "set", "--name", "a", exits=(66,))
    changed = subprocess.run(ana.words("id", "set", "--name", "annie"), capture_output=True,
                             env=ana.environment | {"BMSG_IDENTITY": "anna"}, check=True)
    assert b"BMSG_IDENTITY still says 'anna'" in changed.stderr, changed
    give(ana, ben)
    ben.run("contact", "rm", "ana")
    ana.run("contact", "add", "ben", ben.text("id"))
    ana.run("send", "-m", "who am I?", "ben")
    give(ana, ben)
    assert "annie" in ben.text("inbox"), ben.text("inbox")


def check_ended(ana):
    ana.run("id", "revoke", "--yes")
    ana.run("id", "set", "--inbox-bits", 3, exits=(77,))
    assert me(ana)["inbox_bits"] == 0, "half of it was done"
    ana.run("id", "set", "--epoch", "1d")


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
        ben.run("contact", "add", "ana", "-", input=ana.run("id", "--card"))
        check_bounds(ana)
        prefix = check_bits(ana, ben)
        check_groups(ana, ben)
        check_back(ana, ben, prefix)
        check_light(ben, place, place / "ana" / "genesis")
        check_name(ana, ben)
        check_ended(ana)


main()
