#!/usr/bin/env python3
"""A keeper whose backup is older than the secret in use: one rotation, and all read each other."""
import pathlib
import subprocess
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
        ben = stores.joined(place / "ben", "ben", ana.directory / "genesis")
        for store, name, other in ((ana, "ben", ben), (ben, "ana", ana)):
            store.run("contact", "add", name, "-", input=other.run("id", "--card"))
        ana.run("room", "create", "ops", "--member", "ben")
        ana.run("mine", "--no-relay")
        give(ana, ben)
        ben.run("room", "create", "bens")
        ana.run("backup", place / "old.tar")
        ben.run("backup", place / "ben.tar")
        ana.run("room", "rotate", "ops")
        ana.run("mine", "--no-relay")
        give(ana, ben)
        assert ben.objects("room", "show", "ops")[0]["epoch"] == 2
        new = stores.Store(place / "new")
        done = subprocess.run(new.words("restore", place / "old.tar", new.directory),
                              env=new.environment, capture_output=True, check=True)
        assert b"rooms that you keep are as they were at the backup: ops;" in done.stderr, done
        give(ben, new)
        assert new.objects("room", "rotate", "ops")[0]["epoch"] == 1042
        new.run("send", "ops", "-m", "from the keeper")
        new.run("mine", "--no-relay")
        give(new, ben)
        assert posts(ben) == ["from the keeper"]
        assert ben.objects("room", "show", "ops")[0]["alarms"] == []
        ben.run("send", "ops", "-m", "from a member")
        give(ben, new)
        new.run("mine", "--no-relay")
        assert posts(new) == ["from a member"]
        assert new.objects("room", "rotate", "ops")[0]["epoch"] == 1043
        # Of a room that another keeps nothing is said.
        member = stores.Store(place / "member")
        done = subprocess.run(member.words("restore", place / "ben.tar", member.directory),
                              env=member.environment, capture_output=True, check=True)
        assert b"bens" in done.stderr and b"ops" not in done.stderr, done


main()
