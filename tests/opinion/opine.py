#!/usr/bin/env python3
"""Judges a chain a second time, with nothing of the program that made it but what its manual says.

    opine.py [--now TIME] GENESIS SOURCE

GENESIS is the file with the rules text; SOURCE a bundle, - for standard input, or the directory of
a mirror. Prints "accept HEIGHT HASH WORK", or "refuse HEIGHT RULE" with the cause and exits 65.

What it does not judge: what is in bodies, those of charters excepted; receipts, evidence and notes;
and the policy of a node, of which it has only the clock and that no body may be missing.
"""
import argparse
import json
import pathlib
import sys
import time

from coding import Bad, decode_block, decode_pack
from judge import Chain, read_bundle


def blocks_of(source, chain):
    """The blocks of a bundle, its bytes, or of a mirror, its directory, in their order."""
    if isinstance(source, bytes):
        yield from read_bundle(source, chain.id)[0]
        return
    base = source / "bmsg" / "1"
    if (base / "genesis").read_bytes() != chain.tip.text:
        raise Bad("chain", "a mirror of another chain")
    for first in sorted(int(place.name) for place in (base / "blocks").glob("*")):
        frames = decode_pack((base / "blocks" / str(first) / "16").read_bytes(), needs_end=False)
        if len(frames) != 16 or any(kind != "B" for kind, _ in frames):
            raise Bad("frame", f"no whole range from {first} on")
        yield from (decode_block(payload) for _, payload in frames)


def check_claim(source, tip):
    """A mirror says where its chain ends."""
    info = json.loads((source / "bmsg" / "1" / "info").read_bytes())
    if (info["height"], info["tip"], int(info["work"], 16)) != standing(tip):
        raise Bad("claim", "its chain ends elsewhere than its info says")


def standing(tip):
    return tip.header.height, tip.hash.hex(), tip.work


def check_place(header, last):
    """Each follows the one before; block 0 may be there, too."""
    if header.hash() == last.hash:
        return
    if header.height != last.header.height + 1:
        raise Bad("height")
    if header.prev != last.hash:
        raise Bad("prev")


def opinion(genesis, source, now):
    """The line to print, and whether the chain is good."""
    try:
        chain = Chain(genesis)
    except Bad as fault:
        return f"refuse 0 {fault}", False
    chain.takes_proposals, height = False, 0
    try:
        for block in blocks_of(source, chain):
            height = block.header.height
            check_place(block.header, chain.tip)
            verdict = chain.take_block(block, now)
            if verdict not in ("ok", "have"):
                return f"refuse {height} {verdict}", False
        if not isinstance(source, bytes):
            check_claim(source, chain.tip)
    except Bad as fault:
        return f"refuse {height} {fault}", False
    return "accept {} {} {}".format(*standing(chain.tip)), True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--now", type=int, default=int(time.time()))
    parser.add_argument("genesis")
    parser.add_argument("source")
    options = parser.parse_args()
    source = pathlib.Path(options.source)
    if not source.is_dir():
        source = sys.stdin.buffer.read() if options.source == "-" else source.read_bytes()
    line, is_good = opinion(pathlib.Path(options.genesis).read_bytes(), source, options.now)
    print(line)
    return 0 if is_good else 65


if __name__ == "__main__":
    sys.exit(main())
