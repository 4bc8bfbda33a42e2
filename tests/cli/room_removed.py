#!/usr/bin/env python3
"""Who was put out of a room reads nothing that is posted by whoever has the new secret, opened or
not: by send, by send --stdin, by reply and by resend."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402


def give(giver, *takers):
    pack = giver.run("bundle", "create", "--pool", "-")
    for taker in takers:
        taker.run("bundle", "apply", "-", input=pack)


def posts(store):
    return sorted(one["body"] for one in
                  store.objects("inbox", "--bodies", "--room", "ops", "--all"))


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        genesis = ana.directory / "genesis"
        ben, eve = (stores.joined(place / name, name, genesis) for name in ("ben", "eve"))
        for store, name in ((ben, "ben"), (eve, "eve")):
            ana.run("contact", "add", name, "-", input=store.run("id", "--card"))
            store.run("contact", "add", "ana", "-", input=ana.run("id", "--card"))
        ana.run("room", "create", "ops", "--member", "ben", "--member", "eve")
        ana.run("send", "ops", "-m", "to all three")
        ana.run("mine", "--no-relay")
        give(ana, ben, eve)
        assert posts(ben) == posts(eve) == ["to all three"]
        sent = ben.text("send", "ops", "-m", "before")
        give(ben, ana)
        ana.run("mine", "--no-relay")
        ana.run("room", "remove", "ops", "eve")
        ana.run("mine", "--no-relay")
        give(ana, ben, eve)
        line = json.dumps({"to": ["ops"], "body": "by a line"}).encode() + b"\n"
        ways = (("send", "ops", "-m", "by send"), ("send", "--stdin"),
                ("reply", "@", "-m", "by reply"), ("resend", sent))
        for number, words in enumerate(ways):
            one = ben.copy_to(place / f"ben{number}")
            one.run(*words, input=line if "--stdin" in words else b"")
            assert one.objects("room", "show", "ops")[0]["epoch"] == 2
            give(one, ana)
        ana.run("mine", "--no-relay")
        give(ana, eve)
        # What was sent before the removal she may have; and once only.
        assert posts(ana) == ["before", "before", "by a line", "by reply", "by send"], posts(ana)
        assert posts(eve) == ["before", "to all three"], posts(eve)


main()
