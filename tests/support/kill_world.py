"""Who is killed by fault/kill_points.py, and what is made for it: three people who have written to each
other, a room of them, and an endorser of a private chain."""
import shutil

import council
import moved_clock
import stores
from killing import Use
from store_kinds import carry, without_ballast

SECRET = "backup-secret"


class World:
    """Ana and Ben, who have written to each other, and Carl."""

    def __init__(self, place):
        self.place = place
        self.ana = without_ballast(stores.new_chain(place / "ana", "ana"))
        self.ben, self.carl = (
            without_ballast(stores.joined(place / name, name, place / "ana" / "genesis"))
            for name in ("ben", "carl"))
        for one in (self.ben, self.carl):
            name = one.directory.name
            self.ana.run("contact", "add", name, "-", input=one.run("id", "--card"))
            one.run("contact", "add", "ana", "-", input=self.ana.run("id", "--card"))
        self.young = self.ana.copy_to(place / "young")  # Nothing has been said yet.
        self.received = [self.ben.text("send", "-s", f"letter {n}", "-m", f"text {n}", "ana")
                         for n in range(5)]
        carry(self.ben, self.ana, place / "letters")
        self.sealed = self.ana.text("send", "-s", "a build", "-m", "it is good", "ben")
        for _ in range(9):
            self.ana.run("mine", "--allow-empty", "--no-relay")
        self.ana.run("inbox")
        self.tip = self.ana.text("rev-parse", "tip")
        (place / SECRET).write_text("correct horse\n", encoding="ascii")
        self.under = ("--backup-passphrase-file", place / SECRET)

    def fresh(self, name):
        return without_ballast(
            stores.joined(self.place / name, name, self.ana.directory / "genesis", "--no-identity"))


def endorse(world):
    """What is signed is noted before it leaves: whoever sees all of it sees nobody sign twice."""
    keys = council.make_keys(world.place)
    begins = council.begin(keys, 2)
    ana = stores.Store(world.place / "council")
    moved = {"LD_PRELOAD": str(moved_clock.FOUND[0]), "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def at(store, seconds):
        store.environment = store.environment | moved | {"FAKETIME": f"+{seconds}s"}

    ana.run("init", ana.directory, "--name", "ana", "--no-passphrase", *begins, "--endorser-key",
            world.place / "ana.key")
    without_ballast(ana)
    watcher = without_ballast(stores.joined(world.place / "watcher", "watcher",
                                            ana.directory / "genesis", "--no-identity"))

    def signs(store, since):
        """The first moment at which it signs, tried with copies."""
        for seconds in range(since, since + 2 * council.TURN, council.INTERVAL):
            copy = store.copy_to(world.place / "signer")
            at(copy, seconds)
            signed = copy.objects("endorse")
            shutil.rmtree(copy.directory)
            if signed:
                return seconds
        raise AssertionError("it never signs")

    council.post(ana, "to be sealed")
    begin = signs(ana, council.TURN)
    at(ana, begin)

    def blame(trial):
        seen = trial.outside / "watcher"
        reader = stores.Store(seen) if seen.exists() else watcher.copy_to(seen)
        at(reader, begin + 4 * council.TURN)
        carry(trial.store, reader, trial.outside / "carried")
        assert reader.run("endorsers", "evidence", exits=(1,)) == b"", "signed twice"
        return reader

    def check(trial):
        blame(trial)
        later = signs(trial.store, begin + council.TURN)
        at(trial.store, later)
        assert trial.store.objects("endorse"), "it signs nothing any more"
        shutil.rmtree(blame(trial).directory)

    return Use("endorse", ana, ("endorse", "--json"), check, early=blame,
               preloaded=moved["LD_PRELOAD"])


class Rooms:
    """What a room says holds for all, as in kill_rooms.py."""

    def __init__(self, world):
        self.world = world
        self.keeper = world.ana.copy_to(world.place / "keeper")
        self.keeper.run("room", "create", "ops", "--member", "ben")
        self.members = {"ben": world.ben, "carl": world.carl}
        for member in self.members.values():
            carry(self.keeper, member, world.place / "grant")
            member.run("inbox")

    def use(self, verb, base, words, expected, **more):
        def check(trial):
            store = trial.store
            assert set(store.text("room", "members", "ops").split()) - {"ana"} == expected
            store.run("send", "ops", "-m", "who reads this?")
            for name, member in self.members.items():
                reader = member.copy_to(trial.outside / name)
                carry(store, reader, trial.outside / "posts")
                read = [one["body"] for one in reader.objects("inbox", "--bodies", "--all")
                        if one["room"]]
                assert ("who reads this?" in read) == (name in expected), (name, read)
                shutil.rmtree(reader.directory)
        return Use(f"room {verb}", base, ("room", verb, "ops", *words), check, **more)

    def all(self):
        yield self.use("create", self.world.ana, ("--member", "ben", "--member", "carl"),
                       {"ben", "carl"}, again=(0, 73))
        yield self.use("invite", self.keeper, ("carl",), {"ben", "carl"})
        full = self.keeper.copy_to(self.world.place / "full")
        full.run("room", "invite", "ops", "carl")
        yield self.use("remove", full, ("carl",), {"ben"}, again=(0, 67))
        yield self.use("rotate", full, (), {"ben", "carl"})
