#!/usr/bin/env python3
"""Two programs that share nothing but the manual judge the same chains, and agree.

Ours, and the slow one of tests/opinion, get blocks, messages, rules texts, bundles and mirrors:
good ones, and such as are broken in one place and made plausible again. Each must be taken by both
or refused by both by the same rule, and both must have the same tip and the same work in the end.

--rounds N, or ROUNDS=N, tries N times as much.
"""
import argparse
import contextlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import time

sys.path[:0] = [str(pathlib.Path(__file__).resolve().parents[1] / name)
                for name in ("support", "opinion")]
import arithmetic  # noqa: E402
import breaking  # noqa: E402
import coding  # noqa: E402
import ed25519  # noqa: E402
import fetching  # noqa: E402
import opine  # noqa: E402
import stores  # noqa: E402
from judge import Chain  # noqa: E402
from worlds import (  # noqa: E402
    COUNTS, FAULTS, Ours, World, agree, applied, count_of, on_the_wire, standing_of)

LONG_CHAIN = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "long_chain"
SOURCE = pathlib.Path(__file__).resolve().parents[2]
AT_ONCE = 8  # Blocks in one put.
DAY = 86400
RULES = """bmsg 1
version 0
name {name}
mode {mode}
access open
time {time}
interval 600
{pace}maxblock {maxblock}
maxmessage 4096
maxttl 8000000
stamp 1
blobstamp {blobstamp}
{council}"""
# What each part must have come to for one round; what is not tried is agreed upon for nothing.
LEAST = (("work B", "ok", 100), ("council B", "ok", 60), ("work M", "ok", 30),
         ("work bundle", None, 8), ("council bundle", None, 3), ("rules text", "bad chain", 10),
         ("rules text", "bad frame", 60), ("mutant of", None, 1), ("mutant of", "bad frame", 15),
         ("signatures", "ok", 10), ("signatures", "have", 5), ("signatures", "bad seal", 2),
         ("mirror", "accept", 1), ("mirror", "refuse", 8), ("work fetch", "accept", 1),
         ("work fetch", "refuse", 4))
TRIED = (("", """height rules past time bits work seal order root size duplicate suite charter body
              layout chain ttl early expired stamp frame digest"""),
         ("council", "height rules past bits seal charter layout"))


def now():
    return int(time.time())


def manual_block():
    """The rules text and block 1 of the worked example of bmsg-format(5)."""
    page = (SOURCE / "man" / "bmsg-format.5").read_text().partition(".Ss Worked example")[2]

    def value(name, after=""):
        found = re.search(rf"\n{name}\n((?:[0-9a-f]+\n)+)", page[page.index(after):])
        return bytes.fromhex(found[1].replace("\n", ""))

    text = re.search(r"\nbmsg 1\n.*?(?=\.Ed)", page, re.DOTALL)[0][1:].encode()
    heads = [value("head", after) for after in ("A sealed one", "Bob's card", "A public message")]
    messages = b"".join(head + nonce.to_bytes(8, "big") + b"\0"
                        for head, nonce in zip(heads, (131272, 30015, 43943)))
    chain_id = coding.sha(text)
    header = coding.Header(1, 1767225700, 0x2000f3fc, 3, chain_id[:32], value("hash of block 0"),
                           value("root"), value("past"), 322)
    assert value("chain id") == chain_id
    assert value("hash", "Block 1 holds") == header.hash()
    return text, header.encoded() + b"\0" + messages


def check_manual(place):
    """What the manual works out is so for both; its messages have expired."""
    text, block = manual_block()
    chain = Chain(text)
    assert chain.take(block, now()) == "ok", "the manual's own block"
    assert coding.encoded_block(coding.decode_block(block)) == block
    (place / "manual.genesis").write_bytes(text)
    store = stores.joined(place / "manual", "ana", place / "manual.genesis")
    assert applied(store, coding.encoded_pack([("G", text), ("B", block)])) == (None, 0)
    assert standing_of(store) == opine.standing(chain.tip) and chain.tip.work == 268
    leaves = [bytes([number]) for number in range(70)]
    peaks = ()
    for count, leaf in enumerate(leaves):
        assert arithmetic.root_of(peaks) == arithmetic.tree(leaves[:count]), count
        peaks = arithmetic.grown(peaks, leaf)


def check_signatures(place, numbers):
    """The Ed25519 of the judge against the one of the openssl command."""
    for turn in range(6):
        seed, text = numbers.randbytes(32), numbers.randbytes(100)
        key, signature = ed25519.public_key(seed), ed25519.sign(seed, text)
        if turn % 2:
            signature = breaking.flipped(signature, numbers)
        der = bytes.fromhex("302a300506032b6570032100") + key
        for name, data in (("key", der), ("text", text), ("signature", signature)):
            (place / name).write_bytes(data)
        words = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", "key",
                 "-rawin", "-in", "text", "-sigfile", "signature"]
        done = subprocess.run(words, cwd=place, capture_output=True, check=False)
        assert (done.returncode == 0) == ed25519.verify(key, text, signature) == (turn % 2 == 0)


def is_bare(data):
    return len(data) > 256 and len(data) == 257 + 65 * data[256]


def check_codec(kind, data):
    """What can be read is written in no other way."""
    with contextlib.suppress(coding.Bad):
        if kind == "M":
            assert coding.encoded_message(coding.decode_message(data)) == data
        else:
            assert coding.encoded_block(coding.decode_block(data)) == data


def check_puts(world, ours, rounds):
    """Blocks and messages, each judged by itself."""
    while rounds > 0:
        frames, expected = [], []
        for _ in range(AT_ONCE):
            if world.numbers.random() < 0.2:
                data, how = world.message()
                expected.append((world.chain.take_message(data, now()), how))
                frames.append(("M", data))
                continue
            data, names = world.block(world.chain)
            expected.append((world.chain.take(data, now()), ", ".join(names)))
            # Without messages a compact block has the same bytes.
            frames.append(("C" if is_bare(data) and world.numbers.random() < 0.5 else "B", data))
            if expected[-1][0] == "ok":
                world.took(data)
        for (kind, data), line, (theirs, how) in zip(frames, ours.put(frames), expected):
            if theirs == "proposal" and line in ("ok", "hold", "have"):
                line = theirs  # Which ones are kept is a node's policy.
            if kind == "M" and data[4:5] == b"\3" and line == "bad full" and "bad" in theirs:
                line = on_the_wire(theirs)  # Without room for it nobody looks at a piece of a file.
            agree(f"{world.name} {kind}", line, on_the_wire(theirs), data, how)
            check_codec(kind, data)
        assert ours.standing() == world.standing(), (ours.standing(), world.standing())
        rounds -= AT_ONCE


def check_proposals(world, ours, rounds):
    """Signatures that come one after the other, some of them false. Each block is dated after all
    that came before: a node that has no room for two proposals keeps the later one."""
    for turn in range(rounds):
        count = len(world.chain.tip.rules["endorser"])
        draft = world.maker.draft(world.chain.tip, 1801 + turn)
        for _ in range(6):
            signers = min(world.numbers.randrange(1, 3), count)
            draft.signers = world.numbers.sample(range(count), signers)
            data = world.maker.finished(draft)
            if world.numbers.random() < 0.4:
                data = breaking.spoiled_signature(data, world.numbers)
            theirs = world.chain.take(data, now())
            [line] = ours.put([("B", data)])
            agree("signatures", line, "ok" if theirs == "proposal" else theirs, data)
        assert ours.standing() == world.standing()


def check_bundles(world, rounds):
    for _ in range(rounds):
        data = world.bundle()
        ours = applied(world.store, data)
        verdict, refused = world.chain.take_bundle(data, now())
        world.recent = [one for one in world.recent if one.hash in world.chain.blocks]
        agree(f"{world.name} bundle", ours[0], verdict, data)
        if verdict is None:
            agree(f"{world.name} refused messages", ours[1], refused, data)
    assert standing_of(world.store) == world.standing()


def check_texts(world, rounds):
    """Rules texts: one that is good makes another chain, any other is none."""
    for _ in range(rounds):
        text = breaking.text_mutant(world.text, world.numbers)
        if world.numbers.random() < 0.1:
            text = breaking.flipped(text, world.numbers)
        data = coding.encoded_pack([("G", text)])
        agree("rules text", applied(world.store, data)[0],
              world.chain.take_bundle(data, now())[0], data)


def check_world(world, rounds):
    """By put, by bundle, and at last as one who joins takes it."""
    with world.store.served() as url:
        check_puts(world, Ours(url), rounds)
        if not world.chain.is_pow:
            check_proposals(world, Ours(url), 20)
        for kind in ("full", "light"):
            joiner = stores.Store(world.store.directory.with_name(f"{world.name}-{kind}"))
            joiner.run("clone", url, joiner.directory, "--no-passphrase", "--no-identity",
                       *(["--light"] if kind == "light" else []))
            assert standing_of(joiner) == world.standing(), kind
    check_bundles(world, rounds // 8)
    check_texts(world, rounds // 8)
    check_accepted(world.store, world.text)
    fetching.check_fetches(world, rounds // 80)
    world.store.run("verify", "--full")


def check_accepted(store, text):
    """The command of the second opinion on what our store gives; the bundle."""
    pack = store.run("bundle", "create", "-")
    genesis = store.directory / "genesis"
    assert genesis.read_bytes() == text
    done = subprocess.run([sys.executable, opine.__file__, genesis, "-"], input=pack, check=False,
                          capture_output=True)
    height, tip, work = standing_of(store)
    assert done.stdout.decode() == f"accept {height} {tip} {work}\n", (done, height, tip)
    return pack


def mutant_of(pack, numbers):
    """A bundle with something else in it."""
    frames = coding.decode_pack(pack)
    kind = numbers.choice(("bytes", "block", "block", "last", "last", "swap", "gone", "twice",
                           "end", "none"))
    at, to = numbers.randrange(1, len(frames)), numbers.randrange(1, len(frames))
    if kind in ("last", "end"):
        frames = frames[:at + 1]
    if kind in ("block", "last"):
        frames[at] = (frames[at][0], breaking.spoil_bytes(frames[at][1], numbers))
    if kind == "swap":
        frames[at], frames[to] = frames[to], frames[at]
    if kind == "gone":
        del frames[at]
    if kind == "twice":
        frames.insert(to, frames[at])
    made = coding.encoded_pack(frames)
    return breaking.spoil_bytes(made, numbers) if kind == "bytes" else made


def check_mutants(place, name, text, pack, numbers, rounds):
    """A store that knows nothing yet gets a bundle that somebody altered."""
    (place / f"{name}.genesis").write_bytes(text)
    fresh = stores.joined(place / f"{name}-fresh", "eve", place / f"{name}.genesis")
    for _ in range(rounds):
        data = mutant_of(pack, numbers)
        store, chain = fresh.copy_to(place / "mutant"), Chain(text)
        ours, theirs = applied(store, data), chain.take_bundle(data, now())
        agree(f"mutant of {name}", ours[0], theirs[0], data)
        agree("mutants' tips", standing_of(store) == opine.standing(chain.tip), True, data)
        shutil.rmtree(store.directory)


def endorse_until(store, height):
    """Two blocks are never of the same second."""
    deadline = time.monotonic() + 30
    while standing_of(store)[0] < height:
        assert time.monotonic() < deadline, "no block"
        store.run("endorse")


def real_stores(place):
    """One with letters, posts, a room, a revocation and two branches; one of a council."""
    ana = stores.new_chain(place / "ana", "ana")
    ben = stores.joined(place / "ben", "ben", ana.directory / "genesis")
    for one, other, name in ((ana, ben, "ben"), (ben, ana, "ana")):
        one.run("contact", "add", name, "-", input=other.run("id", "--card"))
    (place / "file").write_bytes(bytes(100000))
    ana.run("send", "-m", "a letter", "-a", place / "file", "ben")
    ana.run("send", "--public", "--topic", "news", "-m", "a post")
    ana.run("mine", "--no-relay")
    ana.run("room", "create", "ops", "--member", "ben")
    ana.run("send", "-m", "to the room", "ops")
    ana.run("mine", "--no-relay")
    ben.run("bundle", "apply", "-", input=ana.run("bundle", "create", "-"))
    ben.run("send", "-m", "on a branch that is left", "ana")
    ben.run("mine", "--no-relay")
    ana.run("id", "revoke", "--yes")
    ana.run("mine", "--no-relay", "--allow-empty", "-n", 3)
    ben.run("bundle", "apply", "-", input=ana.run("bundle", "create", "--pool", "-"))
    assert standing_of(ben) == standing_of(ana), "no reorganisation"
    ben.run("mine", "--no-relay")
    keeper = stores.Store(place / "keeper")
    key = keeper.text("endorsers", "key", "--new", place / "endorser.key")
    keeper.run("init", keeper.directory, "--name", "keeper", "--no-passphrase", "--private",
               "--endorse", 1, "--endorser", key, "--endorser-key", place / "endorser.key")
    for turn in range(3):
        keeper.run("send", "--public", "-m", f"text {turn}")
        if turn == 1:
            keeper.run("charter", "draft", "-o", place / "charter", "--set", "maxmessage=5000")
            keeper.run("charter", "sign", place / "charter")
            keeper.run("charter", "submit", place / "charter")
        endorse_until(keeper, turn + 1)
    return [ben, keeper]


def check_counts():
    for (what, verdict), count in sorted(COUNTS.items(), key=str):
        print(f"{count:6} {what}: {verdict}")
    assert not FAULTS, "\n".join(FAULTS[:5])
    for what, verdict, least in LEAST:
        assert count_of(what, verdict) >= least, (what, verdict, count_of(what, verdict))
    for name, expected in TRIED:
        for rule in expected.split():
            assert count_of(name, f"bad {rule}"), f"{name}: nothing broke the rule {rule}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=int(os.environ.get("ROUNDS", "1")))
    rounds = parser.parse_args().rounds
    numbers = stores.seeded_random()
    began = now() - 60 * DAY
    with stores.workplace() as place:
        check_manual(place)
        check_signatures(place, numbers)
        for store in real_stores(place):
            text = (store.directory / "genesis").read_bytes()
            pack = check_accepted(store, text)
            check_mutants(place, store.directory.name, text, pack, numbers, 20 * rounds)
        pack = subprocess.run([LONG_CHAIN, "40", "2", "2"], capture_output=True, check=True).stdout
        text = coding.decode_pack(pack)[0][1]
        check_mutants(place, "long", text, pack, numbers, 20 * rounds)
        long = stores.joined(place / "long", "ana", place / "long.genesis")
        long.run("bundle", "apply", "-", input=pack)
        check_accepted(long, text)
        fetching.check_mirrors(place, long, numbers, 16 * rounds)
        floor = numbers.choice(("2000ffff", "207fffff", "20123456", "1f7fffff"))
        pace = f"halflife {numbers.choice((600, 6007, 7200, 614400))}\nfloor {floor}\n"
        text = RULES.format(name="work", mode="pow", time=began, pace=pace, council="",
                            maxblock=9000, blobstamp=2).encode()
        check_world(World(place, "work", text, numbers), 1200 * rounds)
        seeds = [numbers.randbytes(32) for _ in range(4)]
        council = "endorse 3\n" + "".join(
            f"endorser {ed25519.public_key(seed).hex()}\n" for seed in seeds)
        text = RULES.format(name="council", mode="endorse", time=began, pace="", council=council,
                            maxblock=300000, blobstamp=0).encode()
        check_world(World(place, "council", text, numbers, seeds), 600 * rounds)
    check_counts()


main()
