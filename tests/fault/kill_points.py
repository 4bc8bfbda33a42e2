#!/usr/bin/env python3
"""Each command that writes is killed at its first, second, third ... call that changes a file, before
it or half through; whoever comes next is killed as well, up to three times. Afterwards what was printed
is there, the store verifies, the same command ends well, and no file is left that only a command at
work needs. BMSG_POINTS says at how many calls each is killed (1000000: at all), USES which."""
import json
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import killing
import moved_clock
import stores
from kill_world import Rooms, World, endorse
from killing import Use
from store_kinds import carry

TRIALS = killing.most_trials(2)
DAY = 24 * 3600


def trees(directory):
    return {str(file.relative_to(directory)): file.read_bytes() for file in directory.rglob("*")
            if file.is_file()}


WATCH = ("watch", "--cursor", "bot", "--since", "all", "--drain", "--messages")


def watch(world):
    """A line for each message, and none is left out."""
    def check(trial):
        given = {json.loads(line)["id"] for line in trial.lines}
        assert given == set(world.received), f"never given out: {set(world.received) - given}"

    return Use("watch", world.ana, (*WATCH, "--json"), check)


def watch_exec(world):
    """Each message once, but for the one that was in hands at a kill."""
    program = world.place / "note"
    program.write_text('#!/bin/sh\necho "$BMSG_ID" >> "$1"\n')
    program.chmod(0o755)

    def check(trial):
        given = (trial.outside / "given").read_text().split()
        assert set(given) == set(world.received), given
        kills = sum(run.struck for run in trial.runs)
        assert len(given) <= len(world.received) + kills, f"{kills} kills, {given}"

    return Use("watch --exec", world.ana,
               lambda trial: (*WATCH, "--exec", program, trial.outside / "given"), check)


def receipt(world):
    def check(trial):
        assert trial.runs[-1].output == world.ana.run("receipt", world.sealed, "--open")
    return Use("receipt", world.ana, ("receipt", world.sealed, "--open"), check)


def checkpoint(world):
    """What was signed is known as signed: nothing below it is signed any more."""
    def check(trial):
        note = trial.runs[-1].output.decode()
        heights = {run.output.decode().split("\n")[1] for run in trial.runs if len(run.lines) > 2}
        assert len(heights) == 1 and note.count("\n") == 5, (heights, note)
        kept = (trial.store.directory / "signed-checkpoint").read_text()
        assert kept.split("\n")[:3] == note.split("\n")[:3], (kept, note)
    return Use("checkpoint", world.ana, ("checkpoint",), check)


def forget(world):
    """Gone if it was printed; listed if it is gone."""
    gone = world.received[0]

    def early(trial):
        if gone in trial.lines:
            trial.store.run("read", gone, exits=(66,))

    def check(trial):
        trial.store.run("read", gone, exits=(66,))
        listed = [one["id"] for one in trial.store.objects("verify") if one["type"] == "forgotten"]
        assert listed == [gone], listed
        assert "text 1" in trial.store.text("read", world.received[1])

    return Use("forget", world.ana, ("forget", gone, "--yes"), check, early=early)


def id_backup(world):
    """The file is whole or not there."""
    def early(trial):
        made = trial.outside / "file"
        if made.exists():
            back = world.place / "back"
            world.empty.copy_to(back)
            stores.Store(back).run("id", "restore", made, *world.under)
            shutil.rmtree(back)

    def check(trial):
        assert (trial.outside / "file").exists()
        early(trial)

    return Use("id backup", world.ana,
               lambda trial: ("id", "backup", trial.outside / "file", "--with-prekeys", *world.under),
               check, again=(0, 73), early=early)


def id_restore(world):
    """Once it is printed the identity is there and reads; and it is never there by half."""
    file = world.place / "identity"
    world.ana.run("id", "backup", file, "--with-prekeys", *world.under)
    carry(world.ana, world.empty, world.place / "whole")

    def early(trial):
        if trial.lines:
            assert trial.store.text("id") == world.ana.text("id")

    def check(trial):
        assert trial.store.text("id") == world.ana.text("id")
        assert len(trial.store.objects("inbox")) == len(world.received)
        trial.store.run("send", "-m", "I am back", "ben")

    return Use("id restore", world.empty, ("id", "restore", file, *world.under), check,
               again=(0, 73), early=early)


def contact_import(world):
    """All of it or nothing, whenever somebody looks."""
    other = world.place / "contacts"
    other.write_bytes(b"".join(json.dumps(
        {"name": f"group{number}", "kind": "group", "trust": "known", "ack": "asked",
         "note": "x" * 200}).encode() + b"\n" for number in range(40)))
    before = len(world.ana.objects("contact", "list"))

    def early(trial):
        seen = len(trial.store.objects("contact", "list"))
        assert seen in ((before + 40,) if trial.lines else (before, before + 40)), seen

    def check(trial):
        assert len(trial.store.objects("contact", "list")) == before + 40
    return Use("contact import", world.ana, ("contact", "import", other), check, early=early)


def bundle_apply(world):
    file = world.place / "chain.bundle"
    world.ana.run("bundle", "create", "--pool", file)
    joining = world.fresh("joining")

    def early(trial):
        if trial.lines:
            assert trial.store.text("rev-parse", "tip") == world.tip

    def check(trial):
        assert trial.store.text("rev-parse", "tip") == world.tip
    return Use("bundle apply", joining, ("bundle", "apply", file), check, early=early)


def bundle_create(world):
    joining = world.fresh("reader")

    def early(trial):
        made = trial.outside / "file"
        if made.exists():
            reader = joining.copy_to(trial.outside / "reader")
            reader.run("bundle", "apply", made)
            assert reader.text("rev-parse", "tip") == world.tip
            shutil.rmtree(reader.directory)

    def check(trial):
        assert (trial.outside / "file").exists()
        early(trial)

    return Use("bundle create", world.ana,
               lambda trial: ("bundle", "create", trial.outside / "file"), check,
               again=(0, 73), early=early)


def mirror(world):
    long = world.ana.copy_to(world.place / "long")
    long.run("config", "set", "max_reorg", 4)
    long.run("mine", "--allow-empty", "--no-relay", "-n", 30)
    long.run("mirror", world.place / "mirror")
    whole = trees(world.place / "mirror")

    def early(trial):
        tree = trial.outside / "tree"
        if (tree / "bmsg/1/info").exists():
            assert trees(tree).items() >= whole.items(), "info names what is not there"

    def check(trial):
        assert trees(trial.outside / "tree") == whole
    return Use("mirror", long, lambda trial: ("mirror", trial.outside / "tree"), check, early=early)


def send_file(world):
    """Its id is printed: then it is queued, and every piece of the file is there."""
    file = world.place / "attached"
    file.write_bytes(bytes(range(256)) * 1200)
    carry(world.ana, world.ben, world.place / "all")

    def early(trial):
        queued = {one["id"] for one in trial.store.objects("outbox")}
        assert queued.issuperset(trial.lines), (queued, trial.lines)

    def check(trial):
        early(trial)
        assert len(set(trial.lines)) == 1, f"one key, and {trial.lines}"
        reader = world.ben.copy_to(trial.outside / "ben")
        with trial.store.served() as url:
            trial.store.run("mine")
            reader.run("peers", "add", url)
            reader.run("sync")
            saved = trial.outside / "saved"
            saved.mkdir()
            reader.run("read", trial.lines[0], "--attachments", saved)
            assert [one.read_bytes() for one in saved.iterdir()] == [file.read_bytes()]
            shutil.rmtree(reader.directory)

    return Use("send -a", world.ana, ("send", "--key", "k", "-m", "see file", "-a", file, "ben"),
               check, early=early)


def send_lines(world):
    """As many as one queues together, each under its key."""
    text = b"".join(b'{"to":["ben"],"body":"line %d","key":"line %d"}\n' % (n, n) for n in range(5))

    def early(trial):
        queued = {one["id"] for one in trial.store.objects("outbox")}
        assert queued.issuperset(trial.lines), (queued, trial.lines)

    def check(trial):
        early(trial)
        assert len(set(trial.lines)) == 5, trial.lines
    return Use("send --stdin", world.ana, ("send", "--stdin"), check, stdin=text, early=early)


def mine(world):
    queued = world.ana.copy_to(world.place / "queued")
    wanted = [queued.text("send", "-m", f"to be mined {n}", "ben") for n in range(4)]

    def check(trial):
        for block in trial.lines:
            trial.store.run("cat", block)
        for message in wanted:
            assert trial.store.run("cat", message).startswith(b"bmM1")
        buried = [one for block in trial.store.text("rev-list").split()
                  for one in trial.store.text("ls-messages", block).split()]
        assert sorted(one for one in buried if one in wanted) == sorted(wanted), "not each once"
    return Use("mine", queued, ("mine", "--allow-empty", "--no-relay"), check)


def epochs(world):
    """The next card is one card, and what was sealed to either prekey is read."""
    def check(trial):
        trial.store.environment = ahead(trial.store.environment)
        card = trial.store.objects("id")[0]["card"]
        assert card["seq"] == 2, card
        assert len(trial.store.objects("inbox")) == len(world.received)
        trial.store.run("mine", "--no-relay")
        reader = world.ben.copy_to(trial.outside / "ben")
        reader.environment = ahead(reader.environment)
        carry(trial.store, reader, trial.outside / "card")
        late = reader.text("send", "-m", "to the second prekey", "ana")
        carry(reader, trial.store, trial.outside / "late")
        assert "second prekey" in trial.store.text("read", late)
        shutil.rmtree(reader.directory)

    moved = {"FAKETIME": f"+{8 * DAY}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}

    def ahead(environment):
        return environment | moved | {"LD_PRELOAD": str(moved_clock.FOUND[0])}
    return Use("epochs", world.ana, ("inbox", "--json"), check,
               preloaded=str(moved_clock.FOUND[0]), settings=moved)


def repair(world):
    """Killed and killed again, it comes to the same end, and nothing that was put aside is lost."""
    broken = world.ana.copy_to(world.place / "broken")
    stores.flip_tables(broken)
    broken.run("verify", "--full", exits=(65,))
    whole = broken.copy_to(world.place / "repaired")
    whole.run("repair", "--yes", exits=(0, 3))
    kept = whole.objects("log", "-n", 1)[0]["height"]

    def check(trial):
        assert trial.store.objects("log", "-n", 1)[0]["height"] == kept
        assert list(trial.store.directory.glob("chain.damaged-*")), "the damaged chain is gone"
        trial.store.run("mine", "--allow-empty", "--no-relay")
    return Use("repair", broken, ("repair", "--yes"), check, again=(0, 3))


def all_uses(world):
    for make in (watch, watch_exec, receipt, checkpoint, forget, id_backup, id_restore, contact_import,
                 bundle_apply, bundle_create, mirror, send_file, send_lines, mine, repair):
        yield make(world)
    if moved_clock.FOUND:
        yield epochs(world)
        yield endorse(world)
    else:
        print("epochs, endorse: left out for want of faketime")
    yield from Rooms(world).all()


def main():
    killing.need()
    wanted = os.environ.get("USES", "").split(",")
    random = stores.seeded_random()
    with stores.workplace() as place:
        world = World(place)
        world.empty = world.fresh("empty")
        tallies = [killing.try_use(use, place, random, TRIALS) for use in all_uses(world)
                   if wanted == [""] or use.name in wanted]
        struck = sum(tally.struck for tally in tallies)
        trials = sum(tally.trials for tally in tallies)
        again = sum(tally.recovering for tally in tallies)
        print(f"{struck} of {trials} kills struck, "
              f"{again} more while a command recovered")
        assert struck >= trials * 0.9, "too few kills struck"
        assert wanted != [""] or again >= struck // 4, "too few kills struck a recovery"


main()
