#!/usr/bin/env python3
"""./dev bench: what bmsg does, beside programs and calls that do the same work in the same minutes.

bench.py [--quick] [--json] [--keep DIR] [PART...]

Parts: hashes, commands, store, network, paper, growth; without a name, all. Each row is the median
of turns that both sides take, so that a slow moment of the machine hits both; each looks at what it
measured, and wrong work ends the bench. A ratio that misses its target is told, and is no failure:
the machine may be busy. Rows without a reference are told alone.

Chains and repositories are made once, under --keep (build/bench): of 100,000 messages and, for
growth, of a million, which takes minutes; with --quick of 10,000 and 20,000.
"""
import argparse
import importlib
import os
import pathlib
import platform
import shutil
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
from places import Places  # noqa: E402
from report import Report  # noqa: E402
import stores  # noqa: E402

PARTS = ("hashes", "commands", "store", "network", "paper", "growth")
MODULES = {"hashes": "hash_rows", "commands": "command_rows"} | {
    name: f"{name}_rows" for name in PARTS[2:]}


def facts():
    """The machine, as far as rows depend on it."""
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    model = next((line.split(": ")[1] for line in lines if line.startswith("model name")), "?")
    flags = next((line.split(": ")[1].split() for line in lines if line.startswith("flags")), [])
    vectors = [flag for flag in ("avx2", "avx512f", "avx512vl", "sha_ni") if flag in flags]
    return {"processor": model, "cores": len(os.sched_getaffinity(0)),
            "vectors": " ".join(vectors) or "none", "kernel": platform.release(),
            "load": f"{os.getloadavg()[0]:.1f}"}


def as_installed(program, keep):
    """A copy of the program, beside the same tools. What a linker has written lies in the system's
    memory in pieces of a page, what was copied or read from the disk in larger ones, and each start
    from small ones takes a sixth longer: nobody's program lies in them but who has just built it."""
    place = keep / "program"
    place.mkdir(parents=True, exist_ok=True)
    copy = place / "bmsg"
    copy.unlink(missing_ok=True)
    shutil.copy(program, copy)
    tools = place / "tests"
    tools.unlink(missing_ok=True)
    tools.symlink_to(program.parent / "tests")
    return copy


def parsed():
    parser = argparse.ArgumentParser(prog="./dev bench")
    parser.add_argument("part", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="small chains and few turns")
    parser.add_argument("--json", action="store_true", help="one JSON object a line")
    parser.add_argument("--keep", type=pathlib.Path, metavar="DIR", help="where chains are kept")
    options = parser.parse_args()
    for name in options.part:
        if name not in PARTS:
            parser.error(f"no part '{name}': {', '.join(PARTS)}")
    program = pathlib.Path(stores.PROGRAM).resolve()
    options.keep = (options.keep or program.parent / "bench").resolve()
    stores.PROGRAM = str(as_installed(program, options.keep))
    options.tools = program.parent / "tests"
    return options


def main():
    options = parsed()
    places = Places(options.keep, options.tools)
    report = Report(options.json)
    report.machine(facts())
    for name in options.part or PARTS:
        for row in importlib.import_module(MODULES[name]).rows(options, places):
            report.add(row)
    report.finish()


if __name__ == "__main__":
    main()
