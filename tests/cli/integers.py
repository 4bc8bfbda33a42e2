#!/usr/bin/env python3
"""Targets and work against Python's integers: three hundred headers with any bits, heights and times
(BMSG_CASES for another number), and the work of a chain."""
import concurrent.futures
import hashlib
import os
import pathlib
import re
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

CASES = int(os.environ.get("BMSG_CASES") or 300)
EDGES_32 = (1, 2**15, 2**16, 2**31 - 1, 2**31, 2**32 - 1)
EDGES_64 = (0, 1, 2**31, 2**32 - 1, 2**32, 2**63 - 1, 2**63, 2**64 - 1)
MANTISSAS = (0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffff, 0x800000, 0xffffff)


def compact_of(number):
    """The one form of a target that is written."""
    size = (number.bit_length() + 7) // 8
    mantissa = number << 8 * (3 - size) if size <= 3 else number >> 8 * (size - 3)
    if mantissa & 0x800000:
        mantissa, size = mantissa >> 8, size + 1
    return size << 24 | mantissa


def target_of(bits):
    """None if they name none, or not in that form."""
    exponent, mantissa = bits >> 24, bits & 0x7fffff
    number = mantissa << 8 * (exponent - 3) if exponent > 3 else mantissa >> 8 * (3 - exponent)
    good = 0 < number < 2**256 and compact_of(number) == bits
    return number if good else None


def bits_of(chance):
    kind = chance.randrange(4)
    if kind == 0:
        return chance.randrange(2**32)
    if kind == 1:  # Of some number.
        return compact_of(chance.randrange(1, 2**chance.randrange(1, 257)))
    if kind == 2:  # Easy to meet.
        return compact_of(chance.randrange(2**250, 2**256))
    return chance.randrange(0x24) << 24 | chance.choice(MANTISSAS)


def header_of(chance, base):
    height = struct.pack(">I", chance.choice((*EDGES_32, chance.randrange(1, 2**32))))
    time = struct.pack(">Q", chance.choice((*EDGES_64, chance.randrange(2**64))))
    bits = struct.pack(">I", bits_of(chance))
    return base[:4] + height + time + bits + base[20:248] + chance.randbytes(8)


def judged(store, header):
    done = subprocess.run(store.words("check-header"), input=header, capture_output=True,
                          env=store.environment, timeout=60, check=False)
    return done.returncode, done.stdout.decode().strip(), done.stderr.decode()


def expected(header):
    """The code, and what is said: of the bits, of the work with its target, or the hash."""
    bits, nonce = struct.unpack(">I", header[16:20])[0], struct.unpack(">Q", header[248:])[0]
    digest = hashlib.sha512(header).digest()
    if bits == 0:
        return (0, digest.hex()) if nonce == 0 else (65, "expected 0")
    target = target_of(bits)
    if target is None:
        return 65, f"{bits:08x} names no target"
    if int.from_bytes(digest[:32], "big") <= target:
        return 0, digest.hex()
    return 65, f"hash {digest[:32].hex()}, target {target:064x}"


def check_headers(store, chance):
    base = store.run("cat", "tip")[:256]
    headers = [header_of(chance, base) for _ in range(CASES)]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda header: judged(store, header), headers))
    kinds = {"names no target": 0, ", target ": 0, "expected 0": 0, "good": 0}
    for header, (code, out, complaint) in zip(headers, answers):
        wanted, says = expected(header)
        assert code == wanted, (header.hex(), code, complaint, says)
        assert out == says if code == 0 else says in complaint, (header.hex(), complaint, says)
        kinds[next(kind for kind in kinds if code == 0 and kind == "good" or kind in says)] += 1
    assert min(kinds["names no target"], kinds[", target "], kinds["good"]) >= CASES // 50, kinds
    print(f"{CASES} headers: {kinds}")


def check_work(store):
    """The sum over all blocks, and that some bear more than the floor asks."""
    work = []
    for name in store.text("rev-list", "--reverse").split():
        header = store.run("cat", name)[:256]
        work.append(2**256 // (target_of(struct.unpack(">I", header[16:20])[0]) + 1))
    assert len(set(work)) > 3, "all bear the same"
    told = store.objects("status")[0]["total_work"]
    assert int(told) == sum(work[1:]), (told, work)  # Block 0 is computed and bears none.
    print(f"work of {len(work) - 1} blocks: {told}")


def main():
    chance = stores.seeded_random()
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        ana.run("mine", "--allow-empty", "--no-relay", "-n", 60)
        check_headers(ana, chance)
        check_work(ana)


main()
