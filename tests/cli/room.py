#!/usr/bin/env python3
"""Rooms: 40 members of one store, what each of them can read, who may change a room, and what is
left of two secrets for one epoch."""
import json
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

MEMBERS = 40
PER_STORE = 40


def posts(store, room, *options):
    """What was posted to a room, as the store reads it, in the order of the words."""
    return sorted(one["body"] for one in
                  store.objects("inbox", "--bodies", "--room", room, "--all", *options))


def error_of(store, *words, code):
    with store.start(*words) as process:
        err = process.communicate(timeout=60)[1].decode()
    assert process.returncode == code, (words, process.returncode, err)
    return err


def warnings_of(store, *words):
    with store.start(*words) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err.decode()
    return out.decode(), err.decode()


class Town:
    """One keeper, a store of 40 members, and four persons by themselves, who meet by
    bundles."""

    def __init__(self, directory):
        self.directory = directory
        self.keeper = stores.new_chain(directory / "keeper", "keeper")
        genesis = self.keeper.directory / "genesis"
        self.crowds = [stores.joined(directory / f"crowd{i}", f"c{i}.0", genesis)
                       for i in range(MEMBERS // PER_STORE)]
        for number, crowd in enumerate(self.crowds):
            for i in range(1, PER_STORE):
                crowd.run("id", "new", f"c{number}.{i}")
            crowd.run("id", "use", f"c{number}.0")
        self.out, self.late, self.old, self.stranger = (
            stores.joined(directory / name, name, genesis)
            for name in ("out", "late", "old", "stranger"))
        self.tip = 0
        self.persons = [self.out, self.late, self.old, self.stranger]
        self.stores = [self.keeper, *self.crowds, *self.persons]
        self.has = {store: 0 for store in self.stores}  # Blocks.
        self.meet(*self.stores[1:])
        self.members = []
        lines = ""
        for crowd in self.crowds:
            for one in crowd.objects("id", "list"):
                self.members.append(one["name"])
                lines += json.dumps({"v": 1, "name": one["name"], "kind": "person", "note": None,
                                     "address": one["address"], "trust": "known", "ack": "asked",
                                     "added": 1, "verified": 0}) + "\n"
        self.keeper.run("contact", "import", "-", input=lines.encode())
        for store, name in ((self.out, "out"), (self.late, "late"), (self.old, "old")):
            self.keeper.run("contact", "add", name, store.text("id"))
        for store in [*self.crowds, self.out, self.late, self.old]:
            store.run("contact", "add", "keeper", self.keeper.text("id"))

    def meet(self, *givers, to=None):
        """What the keeper and these have is mined, and comes to those, or to everybody."""
        file = self.directory / "bundle"
        for store in givers:
            file.unlink(missing_ok=True)
            store.run("bundle", "create", file, "--pool", "--since", self.has[store])
            self.keeper.run("bundle", "apply", file)
        self.keeper.run("mine", "--allow-empty")
        self.tip += 1
        takers = self.stores[1:] if to is None else to
        file.unlink(missing_ok=True)
        since = min((self.has[store] for store in takers), default=self.tip)
        self.keeper.run("bundle", "create", file, "--since", since)
        for store in takers:
            store.run("bundle", "apply", file)
            self.has[store] = self.tip


def check_forty(town):
    keeper, out = town.keeper, town.out
    members = [word for name in town.members + ["out"] for word in ("--member", name)]
    made = keeper.objects("room", "create", "ops", *members)[0]
    assert made["kind"] == "room" and made["epoch"] == 1, made
    assert len(made["members"]) == MEMBERS + 1 and made["members"] == sorted(made["members"])
    assert keeper.text("room", "members", "ops").splitlines() == made["members"]
    grants = [one for one in keeper.objects("outbox") if one["size"] > 1500]
    assert len(grants) == 1, "41 keys go in one message"
    keeper.run("send", "ops", "-m", "one")
    town.meet(to=[*town.crowds, out])
    for store in [*town.crowds, out]:
        assert posts(store, "ops") == ["one"]
    shown = out.objects("inbox", "--room", "ops")[0]
    assert shown["room"] == "ops" and shown["to"] == [] and shown["from_name"] == "keeper"
    town.crowds[0].run("--identity", "c0.7", "send", "ops", "-m", "two")
    out.run("send", "ops", "-m", "three")
    town.meet(town.crowds[0], out, to=[*town.crowds, out])
    assert posts(keeper, "ops") == ["three", "two"]
    assert posts(keeper, "ops", "--sent") == ["one"]
    assert posts(town.crowds[0], "ops") == ["one", "three"]
    town.stranger.run("inbox", "--room", "ops", exits=(67,))
    assert town.stranger.objects("inbox", "--all") == []


def check_removed(town):
    keeper = town.keeper
    assert keeper.objects("room", "remove", "ops", "out")[0]["epoch"] == 2
    assert "out" not in keeper.text("room", "members", "ops").splitlines()
    keeper.run("send", "ops", "-m", "four")
    town.meet(to=[town.crowds[0], town.out])
    assert posts(town.out, "ops") == ["one", "two"], "nothing new for who was removed"
    assert posts(town.crowds[0], "ops") == ["four", "one", "three"]
    assert town.crowds[0].objects("room", "show", "ops")[0]["epoch"] == 2
    # What was under way when it changed is read still.
    town.out.run("send", "ops", "-m", "five")
    town.meet(town.out, to=[])
    assert posts(keeper, "ops") == ["five", "three", "two"]
    keeper.run("room", "remove", "ops", "out", exits=(67,))


def check_newcomers(town):
    keeper = town.keeper
    keeper.run("room", "invite", "ops", "late", "--history", "none")
    keeper.run("room", "invite", "ops", "old", "--history", "all")
    assert keeper.objects("room", "show", "ops")[0]["epoch"] == 3
    town.meet(to=[town.late, town.old])
    assert posts(town.late, "ops") == [], "of before nothing"
    assert posts(town.old, "ops") == ["five", "four", "one", "three", "two"], "of before all"
    keeper.run("send", "ops", "-m", "six")
    town.meet(to=[town.late, town.old, town.out, town.crowds[0]])
    assert posts(town.late, "ops") == ["six"]
    assert "six" in posts(town.old, "ops") and "six" in posts(town.crowds[0], "ops")
    assert "six" not in posts(town.out, "ops")
    town.late.run("watch", "--messages", "--room", "ops", "--since", "all", "--drain")


def check_keeper(town):
    crowd, keeper = town.crowds[0], town.keeper
    for words in (["invite", "ops", "keeper"], ["remove", "ops", "keeper"], ["rotate", "ops"],
                  ["members", "ops"], ["box", "ops"]):
        assert "keeper" in error_of(crowd, "room", *words, code=77), words
    assert "members" not in crowd.objects("room", "show", "ops")[0]
    assert "room" in error_of(keeper, "send", "ops", "-m", "x", "--wait", "read", code=64)
    assert "alone" in error_of(keeper, "send", "ops", "old", "-m", "x", code=64)
    for words in (["room", "create", "old"], ["contact", "add", "ops", town.stranger.text("id")],
                  ["contact", "rename", "old", "ops"]):
        keeper.run(*words, exits=(73,))
    error_of(keeper, "contact", "rm", "ops", code=65)
    before = keeper.objects("room", "list")
    keeper.run("room", "create", "fresh", "--member", "nobody", exits=(67,))
    assert keeper.objects("room", "list") == before, "refused before anything was made"
    answer = crowd.objects("inbox", "--room", "ops", "-n", "1")[0]["id"]
    crowd.run("reply", answer, "-m", "answered")
    town.meet(crowd, to=[])
    assert "answered" in posts(keeper, "ops"), "an answer goes to the room"


def check_invitation(town):
    """Nothing is taken from somebody who is no contact, until he is."""
    keeper, stranger = town.keeper, town.stranger
    keeper.run("contact", "add", "stranger", stranger.text("id"))
    keeper.run("room", "create", "club", "--member", "stranger")
    keeper.run("send", "club", "-m", "welcome")
    town.meet(to=[stranger])
    out, err = warnings_of(stranger, "room", "list")
    address = keeper.text("id")
    assert out == "" and "'club'" in err and f"contact add NAME {address}" in err, (out, err)
    listed = stranger.objects("inbox")
    assert [(one["kind"], one["flags"]) for one in listed] == [("grant", ["invitation", "unread"])]
    reader = ("watch", "--cursor", "bot", "--since", "all", "--drain", "--messages")
    assert stranger.objects(*reader) == [], "its place passes what cannot be read"
    stranger.run("contact", "add", "keeper", address)
    assert posts(stranger, "club") == ["welcome"]
    given = [[one["body"] for one in stranger.objects(*reader)] for _ in range(2)]
    assert given == [["welcome"], []], "once its secret is here, and once"
    assert [one["kind"] for one in stranger.objects("inbox")] == ["text"]
    stranger.run("room", "leave", "club", exits=(64,))
    stranger.run("room", "leave", "club", "--yes")
    assert stranger.objects("room", "list") == []
    stranger.run("send", "club", "-m", "x", exits=(67,))


def check_box(town):
    keeper, outsider = town.keeper, town.out
    file = town.directory / "club.box"
    keeper.run("room", "box", "club", file)
    keeper.run("room", "box", "club", file, exits=(73,))
    bad = town.directory / "bad.box"
    bad.write_text(file.read_text()[:-9] + "AAAAAAAA\n")
    outsider.run("contact", "add", "drop", bad, exits=(65,))
    assert outsider.objects("contact", "add", "drop", file)[0]["kind"] == "room"
    outsider.run("send", "drop", "-m", "signed")
    outsider.run("send", "drop", "-m", "unsigned", "--no-sign")
    town.meet(outsider, to=[outsider])
    assert posts(keeper, "club") == ["signed", "unsigned"]
    assert posts(outsider, "drop") == [], "one can post and not read"
    outsider.run("room", "rotate", "drop", exits=(67,))


def check_alarm(town):
    """A copy of the keeper's store rotates as the store does: two secrets for one epoch."""
    keeper, crowd = town.keeper, town.crowds[0]
    copy = keeper.copy_to(town.directory / "copy")
    keeper.run("room", "rotate", "ops")
    town.meet(to=[crowd])
    epoch = crowd.objects("room", "show", "ops")[0]["epoch"]
    copy.run("room", "rotate", "ops")
    file = town.directory / "rival"
    copy.run("bundle", "create", file, "--pool", "--since", 1)
    keeper.run("bundle", "apply", file)
    town.meet(to=[crowd])
    out, err = warnings_of(crowd, "room", "show", "ops")
    assert "alarm" in out and f"secret for epoch {epoch}" in err, (out, err)
    shown = crowd.objects("room", "show", "ops")[0]
    assert shown["epoch"] == epoch and [one["epoch"] for one in shown["alarms"]] == [epoch]
    keeper.run("send", "ops", "-m", "seven")
    town.meet(to=[crowd])
    assert "seven" in posts(crowd, "ops"), "the first secret stays"
    shutil.rmtree(copy.directory)


def check_owed(town):
    """A grant that cannot be sealed now is sealed by a later command, and once."""
    keeper, late = town.keeper, town.late
    card, = (keeper.directory / "cards").glob(f"{late.text('id')}.0")
    kept = card.read_bytes()
    card.unlink()
    _, err = warnings_of(keeper, "room", "rotate", "ops")
    assert "1 grant waits" in err, err
    town.meet(to=[late])
    epoch = keeper.objects("room", "show", "ops")[0]["epoch"]
    assert late.objects("room", "show", "ops")[0]["epoch"] == epoch - 1
    card.write_bytes(kept)
    before = len(keeper.objects("outbox"))
    keeper.run("inbox")
    assert len(keeper.objects("outbox")) == before + 1
    keeper.run("inbox")
    assert len(keeper.objects("outbox")) == before + 1
    town.meet(to=[late])
    assert late.objects("room", "show", "ops")[0]["epoch"] == epoch


def check_invite(town):
    """Whoever has the invite has the room, under a name of his own."""
    keeper = town.keeper
    guest = stores.Store(town.directory / "guest")
    with keeper.served() as url:
        host = url.rpartition("/")[2]
        uri, err = warnings_of(keeper, "invite", "--host", host, "--room", "club")
        assert "#room=" in uri and "club" in err, (uri, err)
        guest.run("clone", uri.strip(), guest.directory, "--name", "guest", "--no-passphrase")
        listed = guest.objects("room", "list")
        assert [one["name"][:5] for one in listed] == ["room-"] and listed[0]["epoch"] == 1
        assert posts(guest, listed[0]["name"]) == ["signed", "unsigned", "welcome"]
        guest.run("contact", "rename", listed[0]["name"], "club")
        guest.run("send", "club", "-m", "from a guest")
        guest.run("sync")
    town.meet(to=[])
    assert "from a guest" in posts(keeper, "club")
    keeper.run("invite", "--host", "127.0.0.1:1", "--room", "zoe", exits=(67,))


def main():
    with stores.workplace() as directory:
        town = Town(directory)
        for check in (check_forty, check_removed, check_newcomers, check_keeper, check_invitation,
                      check_box, check_invite, check_owed, check_alarm):
            check(town)
            print(check.__name__, "ok", flush=True)


main()
