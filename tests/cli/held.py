#!/usr/bin/env python3
"""A message that waits for a card: named by one id from the first line to the last, sent once, and
by whatever command has the key when the card is there."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from stores import Store, joined, new_chain, read_line, workplace  # noqa: E402


def stranger(place, name, ana):
    """A member whose card nobody has yet, whom ana knows by address."""
    other = joined(place / name, name, ana.directory / "genesis")
    ana.run("contact", "add", name, other.text("id"))
    return other


def bring_card(ana, other):
    """By a message of theirs that needs no card: their pool goes over."""
    with ana.served() as url:
        other.run("sync", url)


def state_of(ana, message, exits=(0,)):
    return ana.objects("outbox", "show", message, exits=exits)[0]


def waits_and_goes(place, ana):
    ben = stranger(place, "ben", ana)
    ana.run("send", "-m", "x", "ben", exits=(67,))
    message = ana.text("send", "--hold", "-m", "welcome", "ben")
    told = state_of(ana, message)
    assert (told["state"], told["to"]) == ("held", [ben.text("id")]), told
    assert "card" in told["reason"], told
    ana.run("outbox", "retry", message, exits=(75,))
    out = ana.objects("send", "--hold", "--wait", "mined", "--timeout", "1s", "-m", "y", "ben",
                      exits=(75,))
    assert [one["state"] for one in out] == ["held", "held"], out
    bring_card(ana, ben)
    ana.run("inbox")  # Has the key, and finds the card.
    told = state_of(ana, message)
    assert told["state"] in ("queued", "pooled") and told["id"] != message, told
    assert not [one for one in ana.objects("outbox") if one["state"] == "held"]
    ana.run("mine", "--no-relay")
    assert state_of(ana, message)["state"] == "mined"
    with ana.served() as url:
        ben.run("sync", url)
    texts = sorted(one["subject"] or one["body"] for one in ben.objects("inbox", "--bodies"))
    assert texts == ["welcome", "y"], texts


def wait_releases(place, ana):
    """Who waits has the key: the wait itself seals the message when the card comes."""
    cleo = stranger(place, "cleo", ana)
    waiting = ana.start("send", "--hold", "--key", "k", "--wait", "pooled", "-m", "z", "cleo")
    message = read_line(waiting.stdout, 20)
    with ana.served() as url:
        cleo.run("sync", url)
        out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, (out, err)
    assert out.decode().split("\t")[0] == message, out
    assert ana.text("send", "--hold", "--key", "k", "-m", "z", "cleo") == message
    assert len([one for one in ana.objects("outbox") if one["to"] == [cleo.text("id")]]) == 1


def is_taken_back(place, ana):
    dora = stranger(place, "dora", ana)
    message = ana.text("send", "--hold", "-m", "x", "dora")
    [told] = ana.objects("outbox", "cancel", message[:12])
    assert (told["state"], told["id"]) == ("cancelled", message), told
    ana.run("outbox", "show", message, exits=(66,))
    bring_card(ana, dora)
    ana.run("outbox", "flush")
    assert not [one for one in ana.objects("outbox") if one["to"] == [dora.text("id")]]


def locked_store_tells(place):
    """Without the key held messages are listed without names, and flush does not pass over them."""
    secret = place / "secret"
    secret.write_text("correct horse")
    wrong = place / "wrong"
    wrong.write_text("battery staple")
    eve = Store(place / "eve")
    key = ("--passphrase-file", secret)
    eve.run("init", eve.directory, "--floor", 8, "--stamp", 1, *key)
    finn = joined(place / "finn", "finn", eve.directory / "genesis")
    message = eve.text("send", "--hold", "-m", "x", finn.text("id"), *key)
    [held] = [one for one in eve.objects("outbox") if one["state"] == "held"]
    assert (held["id"], held["to"]) == (message, []), held
    eve.run("outbox", "flush", exits=(77,))
    eve.run("outbox", "--passphrase-file", wrong, exits=(77,))
    eve.run("outbox", "--passphrase-file", place / "none", exits=(66,))
    [held] = [one for one in eve.objects("outbox", *key) if one["state"] == "held"]
    assert held["to"] == [finn.text("id")], held


def main():
    with workplace() as place:
        ana = new_chain(place / "ana", "ana")
        waits_and_goes(place, ana)
        wait_releases(place, ana)
        is_taken_back(place, ana)
        locked_store_tells(place)


main()
