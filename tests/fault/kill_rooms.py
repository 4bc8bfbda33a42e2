#!/usr/bin/env python3
"""Kills `room create`, `rotate` and `remove` with SIGKILL at random moments (TRIALS=N times each).

After each the next command works, and what the room says holds for all: whoever is a member reads
what is posted then, whoever was put out does not, and nobody is left with a secret of which the
others know nothing."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
sys.path.insert(0, str(pathlib.Path(__file__).parent))
from kill_nine import Tally, killed, usual_seconds
from stores import joined, new_chain, seeded_random, workplace

TRIALS = int(os.environ.get("TRIALS", "12"))
ROOM = "ops"


def carry(giver, taker, file):
    file.unlink(missing_ok=True)
    giver.run("bundle", "create", "--pool", file)
    taker.run("bundle", "apply", file)


def posts(store):
    """What it reads in rooms."""
    return {one["body"] for one in store.objects("inbox", "--bodies", "--all") if one["room"]}


class Town:
    def __init__(self, place):
        self.place = place
        self.keeper = new_chain(place / "keeper", "keeper")
        self.members = [joined(place / name, name, place / "keeper" / "genesis")
                        for name in ("ben", "carl")]
        for member in self.members:
            name = member.directory.name
            self.keeper.run("contact", "add", name, "-", input=member.run("id", "--card"))
            member.run("contact", "add", "keeper", "-", input=self.keeper.run("id", "--card"))

    def with_room(self):
        """The keeper once a room of three is there and all have its secret."""
        made = self.keeper.copy_to(self.place / "roomy")
        made.run("room", "create", ROOM, "--member", "ben", "--member", "carl")
        for member in self.members:
            carry(made, member, self.place / "grant")
            member.run("inbox")
        return made

    def read_by(self, keeper, text, trial):
        """Who reads what the keeper posts now; each begins where it stood before."""
        keeper.run("send", ROOM, "-m", text)
        readers = set()
        for member in self.members:
            name = member.directory.name
            reader = member.copy_to(self.place / f"{name}.{trial}")
            carry(keeper, reader, self.place / "posts")
            if text in posts(reader):
                readers.add(name)
        return readers


def members_of(keeper):
    return set(keeper.text("room", "members", ROOM).split()) - {"keeper"}


def try_verb(town, base, words, random, tally, check):
    name = words[1]
    whole = base.copy_to(town.place / f"{name}.whole")
    seconds = usual_seconds(lambda: whole.start(*words, "--json"))
    for trial in range(TRIALS):
        keeper = base.copy_to(town.place / f"{name}.{trial}")
        lines, alive = killed(keeper.start(*words, "--json"), random, seconds, 1)
        tally.add(lines, 1, alive)
        check(keeper, bool(lines), f"{name}.{trial}")
        keeper.run("verify", "--full")


def main():
    random = seeded_random()
    with workplace() as place:
        town = Town(place)

        def created(keeper, printed, trial):
            rooms = {one["name"] for one in keeper.objects("room", "list")}
            assert ROOM in rooms or not printed, "a room that was printed is gone"
            if not rooms:
                keeper.run("room", "create", ROOM, "--member", "ben", "--member", "carl")
            expected = members_of(keeper)
            assert expected == {"ben", "carl"}, expected
            assert town.read_by(keeper, f"hello {trial}", trial) == expected

        def removed(keeper, printed, trial):
            left = members_of(keeper)
            assert left == {"ben"} or not printed, "a removal that was printed is undone"
            if "carl" in left:
                keeper.run("room", "remove", ROOM, "carl")
            assert town.read_by(keeper, f"without you {trial}", trial) == {"ben"}

        def rotated(keeper, printed, trial):
            epoch = keeper.objects("room", "show", ROOM)[0]["epoch"]
            assert epoch == 2 or (epoch == 1 and not printed), epoch
            assert town.read_by(keeper, f"all of you {trial}", trial) == {"ben", "carl"}

        create = ("room", "create", ROOM, "--member", "ben", "--member", "carl")
        trials = [(town.keeper, create, created)]
        for base, words, check in trials:
            tally = Tally()
            try_verb(town, base, words, random, tally, check)
            report(" ".join(words[:2]), tally)
        roomy = town.with_room()
        for words, check in ((("room", "remove", ROOM, "carl"), removed),
                             (("room", "rotate", ROOM), rotated)):
            tally = Tally()
            try_verb(town, roomy, words, random, tally, check)
            report(" ".join(words[:2]), tally)


def report(name, tally):
    print(f"{name}: {tally.before_first} before the line, {tally.after_last} after it, "
          f"{tally.too_late} too late", flush=True)
    hit = tally.before_first + tally.after_last
    assert hit >= TRIALS // 3, f"{name}: only {hit} of {TRIALS} kills hit a living process"
    assert tally.before_first > 0, f"{name}: no kill came before the line"


main()
