#!/usr/bin/env python3
"""A store that has lost its keyring, or was restored from a backup without keys, gets a fresh one
from whatever brings an identity: from paper, from a backup of identities, from another device, or a
new one. After that mail is read and sent again, whatever the lost keyring had opened."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402


def error_of(store, *words, code, **options):
    done = subprocess.run(store.words(*words), env=store.environment, capture_output=True,
                          check=False, timeout=120, **options)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stderr.decode()


def keys_check(store, code):
    """What the doctor says of the keys."""
    told = store.objects("doctor", exits=(code,))
    return next(one for one in told if one["name"] == "keys")


class Place:
    """Ana has mail and flags; her identity is on paper, in a backup and in a pair file; the archive
    of her store is without keys."""

    def __init__(self, directory):
        self.directory = directory
        self.secret = directory / "secret"
        self.secret.write_text("correct horse\n")
        self.ana = stores.new_chain(directory / "ana", "ana")
        self.ben = stores.joined(directory / "ben", "ben", self.ana.directory / "genesis")
        self.ana.run("contact", "add", "ben", "-", input=self.ben.run("id", "--card"))
        self.ben.run("contact", "add", "ana", "-", input=self.ana.run("id", "--card"))
        self.ben.run("send", "-s", "before the loss", "-m", "x", "ana")
        with self.ana.served() as url:
            self.ben.run("sync", url)
        self.ana.run("mine", "--no-relay")
        assert [one["subject"] for one in self.ana.objects("inbox")] == ["before the loss"]
        self.ana.run("mark", "+flagged", "@")
        self.address = self.ana.text("id")
        self.paper = self.ana.run("id", "backup", "--paper")
        self.backup = directory / "ana.ids"
        self.under = ("--backup-passphrase-file", self.secret)
        self.ana.run("id", "backup", "--with-prekeys", self.backup, *self.under)
        self.pair, self.code = directory / "ana.pair", directory / "ana.code"
        self.ana.run("pair", "export", self.pair, "--code-file", self.code)
        self.archive = directory / "ana.tar"
        self.ana.run("backup", "--no-keys", self.archive)

    def lost(self, name):
        store = stores.Store(self.directory / name)
        subprocess.run([stores.PROGRAM, "restore", str(self.archive), str(store.directory)],
                       check=True, env=store.environment, capture_output=True)
        (store.directory / "ballast").write_bytes(b"x")
        assert not (store.directory / "keys" / "keyring").exists()
        return store

    def check_works(self, store, name):
        """Whoever came back reads what comes and what can be opened, and sends."""
        assert store.text("id") == self.address
        assert keys_check(store, 0)["state"] != "fail"
        with store.served() as url:
            self.ben.run("sync", url)
            self.ben.run("send", "-s", "after the loss", "-m", "x", "ana")
            self.ben.run("sync", url)
            store.run("send", "-s", f"from {name}", "-m", "x", "ben")
            self.ben.run("sync", url)
        assert f"from {name}" in [one["subject"] for one in self.ben.objects("inbox")]
        subjects = [one["subject"] for one in store.objects("inbox")]
        assert "after the loss" in subjects, subjects
        assert store.objects("read", "@")[0]["body"] == "x"
        assert store.run("outbox") and store.run("search", "loss")
        store.run("mark", "+flagged", "@")
        assert list(store.directory.glob("mail.damaged-*")), "the old index went"
        return subjects


def check_ways(place):
    """Each of the four, and what the store looks like before."""
    ways = {
        "paper": (["id", "restore", "--paper", "--name", "ana", "--no-passphrase"], place.paper),
        "backup": (["id", "restore", place.backup, *place.under, "--no-passphrase"], None),
        "pair": (["pair", "import", place.pair, "--code-file", place.code, "--no-passphrase"],
                 None)}
    for name, (words, given) in ways.items():
        store = place.lost(name)
        told = keys_check(store, 1)
        assert told["state"] == "fail" and "id restore" in told["next"], told
        assert "keyring is lost" in error_of(store, "inbox", code=66)
        # Without a word about a passphrase, and nobody to ask for one, nothing is begun.
        said = error_of(store, *words[:-1], code=77, **({"input": given} if given else {}))
        assert "--no-passphrase" in said, said
        assert not (store.directory / "keys" / "keyring").exists()
        assert (store.directory / "mail").exists()
        assert store.text(*words, **({"input": given} if given else {})) == place.address
        subjects = place.check_works(store, name)
        # A backup with prekeys opens what was read before the loss, too.
        assert ("before the loss" in subjects) == (name == "backup"), (name, subjects)
        said = error_of(store, "id", "new", "other", "--no-passphrase", code=64)
        assert "has a keyring" in said, said


def check_new(place):
    """Behind a passphrase, as with a store that is made; and another is no key to it."""
    store = place.lost("new")
    named = ("--passphrase-file", place.secret)
    empty = place.directory / "empty"
    empty.write_text("\n")
    assert "empty" in error_of(store, "id", "new", "ana", "--passphrase-file", empty, code=64)
    address = store.text("id", "new", "ana", *named)
    assert address != place.address and store.text("id", *named) == address
    error_of(store, "id", code=77)
    assert keys_check(store, 0)["text"] == "behind a passphrase"
    assert store.objects("inbox", *named) == []
    store.run("send", *named, "-m", "x", "ben")


def check_relays(place):
    """A store that only relays has a keyring with nothing in it; without keys it is no loss."""
    relay = stores.joined(place.directory / "relay", "relay", place.ana.directory / "genesis",
                          "--no-identity")
    assert keys_check(relay, 0)["state"] == "warn"
    (relay.directory / "keys" / "keyring").unlink()
    told = keys_check(relay, 0)
    assert told["state"] == "warn" and "no keyring" in told["text"], told


def main():
    with stores.workplace() as directory:
        place = Place(directory)
        check_ways(place)
        check_new(place)
        check_relays(place)


main()
