"""Hooks for the scripts that test them: programs that put down how they were called."""
import json

import stores

RECORDER = """#!/bin/sh
at={directory}/{name}.$(date +%s%N)
env | grep '^BMSG_' >"$at.env"
cat >"$at.new"
mv "$at.new" "$at.input"
{then}
"""


class Recorder:
    """A hook of a store that keeps each call, then does what `then` says."""

    def __init__(self, store, name, then="exit 0"):
        self.store = store
        self.name = name
        self.directory = store.directory.parent / f"calls.{store.directory.name}"
        self.directory.mkdir(exist_ok=True)
        self.path = put(store, name, RECORDER.format(directory=self.directory, name=name,
                                                     then=then))

    def enable(self):
        self.store.run("hooks", "enable", self.name, "--yes")
        return self

    def then(self, words):
        """Another end of the same program."""
        self.path.write_text(RECORDER.format(directory=self.directory, name=self.name, then=words))

    def take(self):
        """Calls since the last time: objects of the input and variables, in order."""
        calls = []
        for path in sorted(self.directory.glob(f"{self.name}.*.input")):
            objects = [json.loads(line) for line in path.read_text().splitlines()]
            lines = path.with_suffix(".env").read_text().splitlines()
            calls.append((objects, dict(line.split("=", 1) for line in lines if "=" in line)))
            path.unlink()
            path.with_suffix(".env").unlink()
        return calls


def put(store, name, text, mode=0o700):
    """A program in the store's directory of hooks."""
    directory = store.directory / "hooks"
    directory.mkdir(mode=0o700, exist_ok=True)
    path = directory / name
    path.write_text(text)
    path.chmod(mode)
    return path


def state(store, name):
    """What `hooks list` says of one."""
    return {one["name"]: one for one in store.objects("hooks")}[name]["state"]


def people(place):
    ana = stores.new_chain(place / "ana", "ana")
    ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
    ben.run("contact", "add", "ana", "-", input=ana.run("id", "--card"))
    ana.run("contact", "add", "ben", "-", input=ben.run("id", "--card"))
    return ana, ben
