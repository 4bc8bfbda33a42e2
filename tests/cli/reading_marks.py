#!/usr/bin/env python3
"""What the inbox says of a message that came into a block long after it was written, and of one
whose sender's message before it comes later: `late` and `out-of-order`, on the line and as JSON;
both sides of a day; and what is missing before it has come."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import bundles
import moved_clock
import stores

DAY = 24 * 3600
MARKS = {"late", "gap", "out-of-order"}
AHEAD = [0]  # Seconds that all clocks are ahead by.


def words_ahead(store, *arguments, plain=stores.Store.words):
    return moved_clock.words(f"FAKETIME=+{AHEAD[0]}s", *plain(store, *arguments))


def carry(giver, taker, file, *options):
    file.unlink(missing_ok=True)
    giver.run("bundle", "create", *options, file)
    taker.run("bundle", "apply", file)


def marks(store):
    """By subject, as the line of a pipe and as JSON say them; both must say the same."""
    by_line = {}
    for line in store.text("inbox", "--all").splitlines():
        fields = line.split("\t")
        by_line[fields[4]] = set(fields[5].split(",")) & MARKS
    by_json = {one["subject"]: set(one["marks"]) & MARKS
               for one in store.objects("inbox", "--all")}
    assert by_line == by_json, (by_line, by_json)
    return by_json


def main():
    moved_clock.need()
    stores.Store.words = words_ahead
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
        ana.run("contact", "add", "ben", "-", input=ben.run("id", "--card"))
        ben.run("contact", "add", "ana", "-", input=ana.run("id", "--card"))
        file = place / "bundle"

        # A day is late, a minute less is not: time and block are of the same clock.
        for name, wait in (("soon", DAY - 60), ("late", DAY + 60)):
            began = AHEAD[0]
            ana.run("send", "-s", name, "-m", name, "ben")
            AHEAD[0] = began + wait
            ana.run("mine", "--no-relay")
        carry(ana, ben, file)
        assert marks(ben) == {"soon": set(), "late": {"late"}}, marks(ben)

        # The miner has the second first.
        ids = [ana.text("send", "-s", name, "-m", name, "ben") for name in ("first", "second")]
        ana.run("make-block")  # Takes them from the outbox into the pool.
        miner = stores.joined(place / "miner", "miner", place / "ana" / "genesis")
        carry(ana, miner, file)
        genesis = (place / "ana" / "genesis").read_bytes()
        for one, expected in ((ids[1], {"gap"}), (ids[0], {"out-of-order"})):
            part = bundles.pack_of(("G", genesis), ("M", ana.run("cat", one)))
            miner.run("bundle", "apply", "-", input=part)
            miner.run("mine", "--no-relay")
            carry(miner, ben, file)
            assert marks(ben)["second"] == expected, marks(ben)
        assert marks(ben)["first"] == set()
        # What comes in one block is in order, whatever its place there.
        for name in ("third", "fourth"):
            ana.run("send", "-s", name, "-m", name, "ben")
        carry(miner, ana, file)
        ana.run("mine", "--no-relay")
        carry(ana, ben, file)
        assert marks(ben)["third"] == marks(ben)["fourth"] == set(), marks(ben)


main()
