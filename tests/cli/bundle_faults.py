#!/usr/bin/env python3
"""No cut, altered, foreign or unheard-of bundle does harm, whatever it says; an apply that is killed
goes on when it is repeated, and none takes more memory than a frame needs."""
import hashlib
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from bundles import apply, frames, height, kinds, newcomer, pack_of, standing, wait_for_height  # noqa: E402

FLIPS = 60
KILLS = 4
LONG = 60  # Blocks. Each is dated a second after the last, and mine waits for its clock.


def check_altered(file, eve, place, numbers):
    """Wherever a bit is flipped, a file brings nothing, and a pipe no more than the truth."""
    good = file.read_bytes()
    before = standing(eve)
    marks = [at for _, at, _ in frames(good)]
    places = [0, 3, len(good) - 1, *(at + step for at in numbers.sample(marks, 8) for step in (0, 1, 4)),
              *(numbers.randrange(len(good)) for _ in range(FLIPS))]
    bad_file = place / "altered"
    reasons = set()
    for at in places:
        bad = bytearray(good)
        bad[at] ^= 1 << numbers.randrange(8)
        bad_file.write_bytes(bad)
        said = apply(eve, bad_file, exits=(65,)).stderr
        assert b"frame: " in said or b"digest: " in said, (at, said)
        reasons.add(b"digest: " in said)
    assert standing(eve) == before, "an altered file changed the store"
    assert reasons == {True, False}, "only one way of being wrong was tried"
    for at in numbers.sample(places, 12):
        bad = bytearray(good)
        bad[at] ^= 1 << numbers.randrange(8)
        twin = eve.copy_to(place / "twin")
        twin.run("bundle", "apply", "-", input=bytes(bad), exits=(65,))
        twin.run("verify")
        apply(twin, file)  # What came before the fault is a part of the whole.
        assert twin.text("count").split()[1] == str(len([k for k in kinds(good) if k == "B"]) + 1)
        shutil.rmtree(twin.directory)


def check_cut(file, eve, place):
    good = file.read_bytes()
    before = standing(eve)
    parts = frames(good)
    second = [at for kind, at, _ in parts if kind == "B"][1]
    message = next(at for kind, at, _ in parts if kind == "M")
    end = parts[-1][1]
    for size, says in ((0, b"not a pack"), (2, b"not a pack"), (4, b"no end"), (6, b"cut short"),
                       (100, b"cut short"), (second, b"no end"), (second + 3, b"cut short"),
                       (second + 300, b"cut short"), (message + 50, b"cut short"),
                       (end, b"no end"), (end + 2, b"cut short"), (len(good) - 1, b"cut short")):
        (place / "cut").write_bytes(good[:size])
        for options in ((), ("--dry-run",)):
            apply(eve, place / "cut", *options, exits=(65,), says=b"frame: " + says)
    (place / "cut").write_bytes(good + b"x")
    apply(eve, place / "cut", exits=(65,), says=b"frame: bytes after the end")
    assert standing(eve) == before, "a file that was cut changed the store"
    # A pipe cannot be read twice: whole blocks before the cut are kept.
    twin = eve.copy_to(place / "cut-pipe")
    apply(twin, "-", input=good[:second + 300], exits=(65,), says=b"standard input: frame: cut short")
    assert height(twin) == 1
    apply(twin, file)


def check_foreign(file, eve, place):
    """Another chain's, and packs that nobody would write so."""
    parts = [(kind, payload) for kind, _, payload in frames(file.read_bytes())][:-1]
    other = stores.new_chain(place / "other", "other")
    other.run("mine", "--no-relay")
    other.run("send", "--public", "-m", "foreign")
    foreign = place / "foreign"
    other.run("bundle", "create", "--pool", foreign)
    before = standing(eve)
    for options in ((), ("--dry-run",)):
        apply(eve, foreign, *options, exits=(65,), says=b"of another chain: 'other'")
        apply(eve, "-", *options, exits=(65,), says=b"of another chain", input=foreign.read_bytes())
    theirs = dict((kind, payload) for kind, _, payload in frames(foreign.read_bytes()))
    genesis = parts[0]
    wrong = {b"does not begin with the rules": [parts[1]],
             b"has no place": [genesis, ("H", b"x")], b"block 1 of the bundle": [genesis, ("B", b"x")],
             b"does not follow": [genesis, parts[1], parts[3]],
             b"behind a message": [genesis, parts[-1], parts[1]],
             b"its first block, 1, follows": [genesis, ("B", theirs["B"])]}
    for says, made in wrong.items():
        (place / "wrong").write_bytes(pack_of(*made))
        apply(eve, place / "wrong", exits=(65,), says=says)
    assert standing(eve) == before, "a foreign file changed the store"
    (place / "wrong").write_bytes(pack_of(genesis, ("M", theirs["M"])))
    apply(eve, place / "wrong", exits=(3,), says=b"1 messages were refused")
    (place / "wrong").write_bytes(pack_of(genesis, ("Z", b"of the future")))
    apply(eve, place / "wrong")
    assert standing(eve) == before


def check_broken_rule(file, eve, place):
    """The block is named, and those before it stay."""
    parts = [(kind, payload) for kind, _, payload in frames(file.read_bytes())][:-1]
    bad = bytearray(parts[2][1])
    bad[255] ^= 1  # Its nonce.
    (place / "wrong").write_bytes(pack_of(*parts[:2], ("B", bytes(bad))))
    twin = eve.copy_to(place / "ruled")
    apply(twin, place / "wrong", exits=(65,), says=b"block 2 breaks the rule work")
    assert height(twin) == 1


def check_future(ana, place):
    """A block of tomorrow is good tomorrow."""
    twin = ana.copy_to(place / "today")
    block = bytearray(twin.run("make-block"))
    moment = struct.unpack_from(">Q", block, 8)[0]
    struct.pack_into(">Q", block, 8, moment + 7200)
    solved = twin.run("pow", input=bytes(block))
    base = height(twin)
    whole = [(kind, payload) for kind, _, payload in frames(twin.run("bundle", "create", "-"))][:-1]
    (place / "tomorrow").write_bytes(pack_of(*whole, ("B", solved)))
    says = f"block {base + 1} is dated in the future".encode()
    for options in ((), ("--dry-run",)):
        apply(twin, place / "tomorrow", *options, exits=(75,), says=says)
    assert height(twin) == base
    eve = newcomer(place / "early", place / "ana" / "genesis")
    apply(eve, place / "tomorrow", exits=(75,), says=says)
    assert height(eve) == base


def check_missing_parent(ana, place):
    file = place / "late"
    ana.run("bundle", "create", "--since", 3, file)
    eve = newcomer(place / "late-eve", place / "ana" / "genesis")
    before = standing(eve)
    for options in ((), ("--dry-run",)):
        done = apply(eve, file, *options, exits=(65,), says=b"its first block, 4, follows")
        assert b"hint: make it with '--since 0'" in done.stderr, done.stderr
    assert standing(eve) == before


def check_memory(file, eve):
    """Far more bytes than may be held, and a length that is only claimed."""
    genesis = frames(file.read_bytes())[0][2]
    filling = struct.pack(">cI", b"Z", 8 << 20) + bytes(8 << 20)
    digest = hashlib.sha512()
    with eve.start("bundle", "apply", "-", stdin=subprocess.PIPE) as process:
        def give(part):
            digest.update(part)
            process.stdin.write(part)

        give(b"bmP1" + struct.pack(">cI", b"G", len(genesis)) + genesis)
        for _ in range(40):
            give(filling)
        process.stdin.write(struct.pack(">cI", b"E", 64) + digest.digest())
        process.stdin.close()
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, said
    memory = stores.peak_memory(usage)
    assert memory < 100 << 20, f"{memory} bytes of memory"
    claim = b"bmP1" + struct.pack(">cI", b"B", 64 << 20) + bytes(100)
    apply(eve, "-", exits=(65,), says=b"frame: too long", input=claim)


def kill_at(store, process, wanted):
    """True if it was at work when the kill came, and not yet at its end."""
    reached = wait_for_height(store, process, wanted)
    process.kill()
    process.communicate()
    if not reached or process.returncode != -signal.SIGKILL:
        return False
    store.run("verify")
    return wanted <= height(store) < LONG


def check_kill(place, numbers):
    """Killed at any moment, a store has a part of the chain; the same bundle again brings the rest."""
    ana = stores.new_chain(place / "long", "long")
    ana.run("mine", "--no-relay", "--allow-empty", "-n", LONG)
    file = place / "long.bundle"
    ana.run("bundle", "create", file)
    fresh = newcomer(place / "killed", place / "long" / "genesis")
    hits = []
    for turn in range(30):
        eve = fresh.copy_to(place / f"killed{turn}")
        if kill_at(eve, eve.start("bundle", "apply", file), numbers.randrange(1, LONG - 10)):
            hits.append(eve)
        if len(hits) == KILLS:
            break
    assert hits, "no kill hit while it worked"
    # Beyond doubt: the rest of the pipe is never given.
    twin = fresh.copy_to(place / "piped")
    good = file.read_bytes()
    process = twin.start("bundle", "apply", "-", stdin=subprocess.PIPE)
    process.stdin.write(good[:frames(good)[LONG // 2][1]])
    process.stdin.flush()
    assert kill_at(twin, process, LONG // 4), "it did not hit while it worked"
    for store in (*hits, twin):
        assert ana.text("rev-parse", height(store)) == store.text("rev-parse", "tip")
        apply(store, file)
        assert store.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
        store.run("verify", "--full")
    print(f"{len(hits)} kills hit an apply of a file")


def main():
    numbers = stores.seeded_random()
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        for number in range(4):
            ana.run("send", "--public", "-m", f"text {number}")
            ana.run("mine", "--no-relay")
        for number in range(2):
            ana.run("send", "--public", "-m", f"waits {number}")
        file = place / "first"
        ana.run("bundle", "create", "--pool", file)
        assert kinds(file.read_bytes()) == "GBBBBMME"
        eve = newcomer(place / "eve", place / "ana" / "genesis")
        check_missing_parent(ana, place)
        check_future(ana, place)
        check_altered(file, eve, place, numbers)
        check_cut(file, eve, place)
        check_foreign(file, eve, place)
        check_broken_rule(file, eve, place)
        check_memory(file, eve)
        check_kill(place, numbers)


main()
