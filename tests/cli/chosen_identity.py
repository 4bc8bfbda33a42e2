#!/usr/bin/env python3
"""Which identity commands use is never one that is not there: whatever it is called, and when it is
called otherwise or goes."""
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stores


def addresses(store):
    return {one["name"]: one["address"] for one in store.objects("id", "list")}


def check_goes(ana):
    ana.run("id", "new", "two")
    ana.run("id", "use", "two")
    assert ana.text("id") == addresses(ana)["two"]
    ana.run("id", "rm", "two", "--yes")
    assert ana.text("id") == addresses(ana)["ana"], "the one that is left is used"


def check_nameless(place):
    store = stores.Store(place / "nameless")
    store.run("init", store.directory, "--floor", 8, "--stamp", 1, "--no-passphrase")
    first = store.text("id")
    store.run("id", "new", "two")
    store.run("id", exits=(64,))
    store.run("id", "use", "")
    assert store.text("id") == first


def check_renamed(ana):
    """By its name before and after; killed between, by its address."""
    ana.run("id", "new", "other")
    ana.run("id", "use", "ana")
    own = addresses(ana)["ana"]
    ana.run("id", "set", "--name", "anna")
    assert ana.text("id") == own and ana.text("config", "get", "user.identity") == "anna"
    kills = 0
    for turn in range(TURNS):
        name = f"anna{turn}"
        setting = subprocess.Popen(ana.words("id", "set", "--name", name), env=ana.environment,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = ana.directory / "keys" / "keyring"
        was = before.stat().st_ino
        while before.stat().st_ino == was and setting.poll() is None:
            pass
        setting.send_signal(signal.SIGKILL)
        kills += setting.wait() < 0
        assert ana.text("id") == own, "the chosen one is not found any more"
    assert kills > 0, "nobody was killed between"
    print(f"{kills} killed while it was called otherwise")


TURNS = 10


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        check_goes(ana)
        check_nameless(place)
        check_renamed(ana)


main()
