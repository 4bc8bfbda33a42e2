#!/usr/bin/env python3
"""The paper that ends an identity gets its name when the key is kept: at whatever call a command is
killed it leaves no paper of a key that is nowhere, and can be repeated, or the paper written anew. And
"-" is standard output, not a file of that name."""
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import killing  # noqa: E402
import stores  # noqa: E402

TRIALS = killing.most_trials(24)


def paper_of(store, place, name):
    """Written anew, by whoever has the key."""
    file = place / "anew"
    file.unlink(missing_ok=True)
    store.run("--identity", name, "id", "revoke", "--revocation", file)
    assert store.text("--identity", name, "id", "revoke", "--revocation", "-") \
        == file.read_text().strip()
    return file.read_text()


class Trial:
    def __init__(self, place, counter, make, words):
        self.place, self.counter = place, counter
        self.place.mkdir()
        self.store = make(place)
        self.paper = place / "paper"
        self.words = (*words(self.store), "--revocation", self.paper)

    def run(self, at=None, half=False):
        variables = self.counter.variables(at=at, half=half)
        return killing.Run(self.counter, self.store, self.words, variables)

    def check(self, made):
        """After a kill, and after the same command again."""
        if not made():
            assert not self.paper.exists(), "a paper for no key"
            again = self.run()
            assert again.code == 0, again.complaint
        if self.paper.exists():
            assert self.paper.read_text() == paper_of(self.store, self.place, "eva")
        else:
            assert paper_of(self.store, self.place, "eva").startswith("bmsg-revocation ")


def try_kills(directory, name, make, words, made, random):
    counter = killing.Counter(directory)
    whole = Trial(directory / f"{name}.whole", counter, make, words)
    calls = whole.run().calls
    whole.check(lambda: made(whole.store))
    struck = 0
    for number, (at, half) in enumerate(killing.points_of(calls, TRIALS, random)):
        trial = Trial(directory / f"{name}.{number}", counter, make, words)
        struck += trial.run(at, half).struck
        trial.check(lambda trial=trial: made(trial.store))
        shutil.rmtree(trial.place)
    print(f"{name}: {struck} kills struck, at {calls} calls")
    assert struck, "none was killed"


def is_made(store):
    return (store.directory / "format").exists()


def check_output(directory):
    """A line ahead of the rest; with --json there is no place for it."""
    (directory / "here").mkdir()
    store = stores.Store(directory / "here" / "out")
    cheap = ("--floor", 8, "--no-passphrase")
    store.run("init", store.directory, "--name", "a", "--revocation", "-", "--json", *cheap,
              exits=(64,), cwd=directory / "here")
    assert not store.directory.exists()
    lines = store.text("init", store.directory, "--name", "a", "--revocation", "-", *cheap,
                       cwd=directory / "here").splitlines()
    assert [line.split()[0] for line in lines] == ["bmsg-revocation", "store", "chain", "address"]
    store.run("id", "new", "b", "--revocation", "-", "--json", exits=(64,), cwd=directory / "here")
    lines = store.text("id", "new", "b", "--revocation", "-", cwd=directory / "here").splitlines()
    assert lines[0].startswith("bmsg-revocation ") and len(lines) == 2, lines
    assert not (directory / "here" / "-").exists()
    # What is there is not ours, and nothing is made beside it.
    taken = directory / "here" / "taken"
    taken.write_text("mine")
    store.run("id", "new", "c", "--revocation", taken, exits=(73,))
    store.run("id", "new", "c", "--revocation", directory / "no" / "paper", exits=(73,))
    assert taken.read_text() == "mine"
    assert [one["name"] for one in store.objects("id", "list")] == ["a", "b"]


def main():
    killing.need()
    random = stores.seeded_random()
    with stores.workplace() as directory:
        check_output(directory)
        base = stores.new_chain(directory / "base", "ana")
        (base.directory / "ballast").unlink()
        try_kills(directory, "id new", lambda place: base.copy_to(place / "store"),
                  lambda store: ("id", "new", "eva"),
                  lambda store: "eva" in [one["name"] for one in store.objects("id", "list")], random)
        cheap = ("--name", "eva", "--no-passphrase")
        try_kills(directory, "init", lambda place: stores.Store(place / "store"),
                  lambda store: ("init", "--floor", 8, *cheap), is_made, random)
        with base.served() as url:
            try_kills(directory, "clone", lambda place: stores.Store(place / "store"),
                      lambda store: ("clone", url, store.directory, *cheap), is_made, random)


main()
