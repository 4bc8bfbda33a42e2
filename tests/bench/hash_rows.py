"""Hashing: the search for nonces, stamps and headers, beside OpenSSL's calls (hashes.cc)."""
import json
import pathlib
import subprocess

from report import Row

# Name of a line, what it is, unit, reference, at least so many times as fast.
FULL = "OpenSSL SHA-512 of all 256 bytes"
TABLE = {
    "search avx512": ("nonce search, AVX-512, one thread", "hashes/s", FULL, 12),
    "search avx2": ("nonce search, AVX2, one thread", "hashes/s", FULL, 3.5),
    "search x86-64": ("nonce search, plain x86-64, one thread", "hashes/s", FULL, 1.5),
    "search two threads": ("nonce search, two threads", "hashes/s", "one thread", 1.8),
    "stamps": ("stamps of 500 bytes for 30 days, one thread", "stamps/s",
               "the same by OpenSSL", 8),
    "headers one by one": ("headers judged, one thread", "headers/s", FULL, 0.9),
    "headers batched": ("headers judged, hashed together", "headers/s", FULL, 5),
}


def rows(options, _):
    program = pathlib.Path(options.tools) / "bench_hashes"
    turns = ("3", "30") if options.quick else ("9", "200")
    printed = subprocess.run([program, *turns], check=True, stdout=subprocess.PIPE).stdout
    lines = {line["name"]: line for line in map(json.loads, printed.splitlines())}
    for name, (what, unit, reference, target) in TABLE.items():
        line = lines.pop(name, None)
        if line is None:
            assert name in ("search avx512", "search avx2"), f"{name} was not measured"
            yield Row(what, unit, 0, reference, None, None, True, "this machine cannot run it")
        else:
            yield Row(what, unit, line["ours"], reference, line["reference"], target, True)
    assert not lines, f"nobody asks for {list(lines)}"
