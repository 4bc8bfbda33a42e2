#!/usr/bin/env python3
"""A room keeps 64 secrets: one more is not made while the oldest may still be needed to read what was
posted, but to put somebody out, which is told."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import moved_clock  # noqa: E402
import stores  # noqa: E402

KEPT = 64


def error_of(store, *words, code, clock=""):
    words = store.words(*words)
    if clock:
        words = moved_clock.words(clock, *words)
    done = subprocess.run(words, env=store.environment, capture_output=True, check=False,
                          timeout=60)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stderr.decode()


def epoch_of(store):
    return store.objects("room", "show", "turning")[0]["epoch"]


def posts(store):
    return [one["subject"] for one in store.objects("inbox", "--room", "turning", "--sent", "--all")]


def main():
    moved_clock.need()
    with stores.workplace() as directory:
        keeper = stores.new_chain(directory / "keeper", "keeper")
        ben = stores.joined(directory / "ben", "ben", directory / "keeper" / "genesis")
        keeper.run("contact", "add", "ben", "-", input=ben.run("id", "--card"))
        keeper.run("room", "create", "turning")
        keeper.run("send", "turning", "-s", "under the first", "-m", "x")
        keeper.run("mine", "--no-relay")
        for _ in range(KEPT - 2):
            keeper.run("room", "rotate", "turning")
        keeper.run("room", "invite", "turning", "ben", "--history", "none")
        assert epoch_of(keeper) == KEPT
        before = (keeper.directory / "keys" / "keyring").read_bytes()
        for words in (("rotate", "turning"), ("invite", "turning", "ben", "--history", "none")):
            said = error_of(keeper, "room", *words, code=73)
            assert f"'turning' has {KEPT} secrets" in said and "may live until" in said, said
        assert (keeper.directory / "keys" / "keyring").read_bytes() == before
        assert epoch_of(keeper) == KEPT and "under the first" in posts(keeper)
        keeper.run("room", "invite", "turning", "ben", "--history", "all")

        later = stores.Store(keeper.copy_to(directory / "later").directory)
        error_of(later, "room", "rotate", "turning", code=0, clock=f"FAKETIME=+{366 * 86400}s")
        assert epoch_of(later) == KEPT + 1

        said = error_of(keeper, "room", "remove", "turning", "ben", code=0)
        assert f"{KEPT} secrets" in said and "nobody who has not read that" in said, said
        assert epoch_of(keeper) == KEPT + 1
        assert keeper.objects("room", "show", "turning")[0]["members"] == []


main()
