#!/usr/bin/env python3
"""Forward secrecy without anybody's hand: with a clock that is moved on, the next card is queued,
the prekey before it is deleted, and a copy of the keys that is taken then opens nothing old. The
mailbox still does. A card that was dropped goes again, and a store that was put back goes above
the cards whose prekeys it lost."""
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import moved_clock
import stores

HOUR = 3600
AHEAD = [0]  # Seconds that all clocks are ahead by.


def words_ahead(store, *arguments, plain=stores.Store.words):
    """All commands of all stores live at the same moved time."""
    return moved_clock.words(f"FAKETIME=+{AHEAD[0]}s", *plain(store, *arguments))


def card_of(store):
    return store.objects("id")[0]["card"]


def bury(store):
    store.run("mine", "--no-relay", "--allow-empty", "-n", 7)


def give(store, other):
    with store.served() as url:
        other.run("sync", url)


def queued(store):
    return sorted(file.name.split(".")[-1] for place in ("new", "cur")
                  for file in (store.directory / "outbox" / place).iterdir())


def found_by_thief(ana, name):
    """Texts that a copy of Ana's keys finds in the recorded chain, with nothing else of hers."""
    thief = stores.joined(ana.directory.parent / name, "thief", ana.directory / "genesis",
                          "--no-identity")
    give(ana, thief)
    shutil.copy(ana.directory / "keys" / "keyring", thief.directory / "keys" / "keyring")
    return [one["subject"] for one in thief.objects("inbox")]


def check_bounds(ana):
    told = ana.objects("id")[0]
    assert (told["epoch"], told["grace"]) == (7 * 24 * HOUR, 7 * 24 * HOUR), told
    for words in (["--epoch", "3599s"], ["--epoch", "15d"], ["--grace", "59m"],
                  ["--grace", "91d"], ["--epoch", "x"], []):
        ana.run("id", "set", *words, exits=(64,))
    for words in (["--epoch", "1h", "--grace", "90d"], ["--epoch", "14d", "--grace", "1h"]):
        ana.run("id", "set", *words)
    ana.run("id", "set", "--epoch", "1d", "--grace", "1d")
    told = ana.objects("id")[0]
    assert (told["epoch"], told["grace"]) == (24 * HOUR, 24 * HOUR), told
    assert "epoch       1 d, and 1 d of grace\n" in ana.run("show", "ana").decode()


def check_next_card(ana):
    AHEAD[0] = 24 * HOUR - 120
    ana.run("inbox")
    assert card_of(ana)["seq"] == 1, "a card before its time"
    AHEAD[0] = 25 * HOUR
    ana.run("inbox")
    assert (card_of(ana)["seq"], card_of(ana)["state"]) == (2, "queued"), card_of(ana)
    ana.run("inbox")
    assert card_of(ana)["seq"] == 2, "one card too many"
    before = queued(ana)
    for file in (ana.directory / "outbox" / "new").iterdir():
        file.unlink()
    assert queued(ana) != before, "nothing was lost"
    ana.run("inbox")
    assert queued(ana) == before, "not the same bytes"


def check_send_is_enough(ben):
    """Ben, who only ever sends, gets his next card too."""
    AHEAD[0] = 8 * 24 * HOUR
    assert card_of(ben)["seq"] == 1
    ben.run("send", "-m", "hello", "ana")
    assert card_of(ben)["seq"] == 2, card_of(ben)


def check_statement_goes_again(ben):
    """A revocation is posted again as its post has a twelfth of its year left, and once."""
    day = 24 * HOUR
    ben.run("id", "revoke", "--yes")
    ben.run("inbox")  # Takes out of the outbox what is buried.
    before = queued(ben)
    AHEAD[0] += 334 * day
    ben.run("inbox")
    assert queued(ben) == before, "before its time, or a card of a key that has ended"
    AHEAD[0] += day
    ben.run("inbox")
    ben.run("inbox")
    assert len(queued(ben)) == len(before) + 1, (before, queued(ben))


def main():
    moved_clock.need()
    stores.Store.words = words_ahead
    with stores.workplace() as directory:
        ana = stores.new_chain(directory / "ana", "ana")
        ben = stores.joined(directory / "ben", "ben", directory / "ana" / "genesis")
        for one, other in ((ana, ben), (ben, ana)):
            (directory / "card").write_bytes(other.run("id", "--card"))
            one.run("contact", "add", other.directory.name, directory / "card")
        check_bounds(ana)
        old = ben.text("send", "-s", "old", "-m", "of the first epoch", "ana")
        give(ana, ben)
        bury(ana)
        assert card_of(ana)["state"] == "buried"
        assert ana.text("read", "--raw", old) == "of the first epoch"
        assert found_by_thief(ana, "early") == ["old"], "the thief of the same day reads nothing"

        copy = ana.copy_to(directory / "copy")
        check_next_card(ana)
        bury(ana)
        ana.run("inbox")
        give(ana, ben)
        ben.run("send", "-s", "new", "-m", "of the second epoch", "ana")
        give(ana, ben)
        assert "old" in found_by_thief(ana, "within"), "deleted within the grace"
        AHEAD[0] = 25 * HOUR + 25 * HOUR - 600
        ana.run("mine", "--no-relay")
        ana.run("inbox")
        AHEAD[0] += 1200
        assert found_by_thief(ana, "later") == ["new"]
        assert ana.text("read", "--raw", old) == "of the first epoch", "the mailbox has lost it"
        assert ana.run("verify", "--full", "--signatures")

        seen = card_of(ana)["seq"]
        give(ana, copy)
        copy.run("inbox")
        assert card_of(copy)["seq"] == seen + 1, "mail goes to a card whose prekey is lost"
        check_send_is_enough(ben)
        check_statement_goes_again(ben)


main()
