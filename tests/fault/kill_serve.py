#!/usr/bin/env python3
"""A node under load is killed at a chosen call that changes a file: while it takes messages from the
outbox, mines, and others sync with it. Whoever comes next is killed too, while it opens. What was
printed to anybody is there, the store verifies, and the node begins again at once. BMSG_POINTS says
how often, from the first call to the last (1000000: at each)."""
import pathlib
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import killing
import stores

TRIALS = killing.most_trials(10)
ROUNDS = 3


class Load:
    """What others do with a node, until it is no more."""

    def __init__(self, server, store, friend, url):
        self.server = server
        self.store = store
        self.friend = friend
        self.url = url
        self.ids, self.blocks = set(), set()

    def ask(self, store, *words, **options):
        """Lines that were printed; a node that died meanwhile is no fault of whoever asked."""
        done = subprocess.run(store.words(*words), env=store.environment, capture_output=True,
                              check=False, timeout=60, **options)
        if done.returncode not in (0, 1) and self.server.poll() is None:
            try:
                self.server.wait(2)
            except subprocess.TimeoutExpired as alive:
                raise AssertionError(f"{words}: {done.returncode}: {done.stderr.decode()}") from alive
        return done.stdout.decode().split("\n")[:-1]

    def run(self, number):
        for turn in range(ROUNDS):
            if self.server.poll() is not None:
                return
            self.ids.update(self.ask(self.store, "send", "--public", "-m", f"{number} {turn}"))
            self.ids.update(self.ask(self.store, "send", "--stdin",
                                     input=b'{"public":true,"body":"line"}\n' * 5))
            self.ask(self.friend, "send", "--public", "-m", f"from elsewhere {number} {turn}")
            self.ask(self.friend, "sync", self.url)
            self.blocks.update(self.ask(self.store, "mine", "--allow-empty"))
            self.ask(self.friend, "sync", self.url)


def killed_node(counter, store, friend, number, at=None, half=False):
    """Runs a node under load until it dies, or is stopped after all rounds."""
    counter.zero()
    server = subprocess.Popen(
        store.words("serve", "--listen", "127.0.0.1:0", "--sync-every", "0"),
        env=store.environment | counter.variables("", at, half), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE)
    try:
        url = stores.read_line(server.stdout, 20).removeprefix("listening ")
    except AssertionError:
        url = None  # It was killed before it listened.
    load = Load(server, store, friend, url)
    if url is not None:
        load.run(number)
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
    complaint = server.communicate(timeout=30)[1].decode()
    assert server.returncode in (0, -signal.SIGKILL), (server.returncode, complaint)
    return load, server.returncode == -signal.SIGKILL


def check(store, loads):
    assert killing.leftovers(store.directory) == [], killing.leftovers(store.directory)
    store.run("verify", "--full")
    for load in loads:
        for block in load.blocks:
            assert store.run("cat", block).startswith(b"bmH1"), f"block {block} was lost"
    store.run("mine", "--allow-empty", "--no-relay", "--lock-timeout", 0)
    buried = [one for block in store.text("rev-list").split()
              for one in store.text("ls-messages", block).split()]
    for load in loads:
        for message in load.ids:
            assert buried.count(message) == 1, f"{message} is {buried.count(message)} times there"


def main():
    killing.need()
    random = stores.seeded_random()
    with stores.workplace() as place:
        counter = killing.Counter(place)
        base = stores.new_chain(place / "base", "base")
        base.run("send", "--public", "-m", "the first")
        base.run("mine", "--no-relay")
        friend = stores.joined(place / "friend", "friend", base.directory / "genesis")
        for store in (base, friend):
            (store.directory / "ballast").unlink()
        whole, struck = killed_node(counter, base.copy_to(place / "whole"),
                                    friend.copy_to(place / "whole-friend"), "whole")
        calls = counter.value()
        assert not struck and len(whole.ids) == 6 * ROUNDS and len(whole.blocks) == ROUNDS
        hits = again = told = 0
        points = killing.points_of(calls, TRIALS, random)
        for number, (at, half) in enumerate(points):
            store = base.copy_to(place / f"store.{number}")
            other = friend.copy_to(place / f"friend.{number}")
            try:
                loads = []
                load, struck = killed_node(counter, store, other, number, at, half)
                loads.append(load)
                hits += struck
                told += bool(load.ids)
                for _ in range(random.choice((0, 1, 2))):
                    load, struck = killed_node(counter, store, other, number,
                                               random.randint(1, 20), random.random() < 0.5)
                    loads.append(load)
                    again += struck
                with store.served() as url:
                    other.run("sync", url)
                check(store, loads)
                other.run("verify", "--full")
            except AssertionError as failed:
                raise AssertionError(f"killed at call {at} of {calls}: {failed}") from failed
            shutil.rmtree(store.directory)
            shutil.rmtree(other.directory)
        print(f"serve: {hits} of {len(points)} kills struck, at {calls} calls; {told} after something was "
              f"printed; {again} struck again while it recovered")
        assert hits >= len(points) * 0.6, "too few kills struck"
        assert told > 0 and again > 0, "no kill came late, or none struck a recovery"


main()
