#!/usr/bin/env python3
"""How much of lib and storage the unit tests come to: coverage.py, a campaign of ./dev soak.

Runs the unit tests of build-coverage and has gcovr count. Too few lines or branches of all, or a
line of what decodes that no test comes to, and it fails. Branches that only an exception takes do
not count: nothing here catches one. Of the others many are the compiler's: each BMSG_TRY has those
of a variant and of what it holds, so that a function of which every line is run may have half.
"""
import json
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = ROOT / "build-coverage"
LINES_MIN = 90.0  # Percent.
BRANCHES_MIN = 70.0
# What reads bytes of others before anything else does.
DECODERS = ("lib/core/byte_reader.h", "lib/core/codec.cc", "lib/core/hex.cc", "lib/core/base64.cc",
            "lib/core/address.cc", "lib/core/tar.cc", "lib/chain/pack.cc", "lib/chain/pack_stream.cc",
            "lib/mail/records.cc", "lib/mail/summary.cc", "lib/mail/outbox_file.cc",
            "lib/mail/outbox_pack.cc", "storage/schema.cc", "storage/mail_schema.cc")


def run_tests():
    for old in BUILD.rglob("*.gcda"):
        old.unlink()
    subprocess.run(["ctest", "--test-dir", BUILD, "--output-on-failure", "-j2", "-L", "quick",
                    "-LE", "tree", "-E", "_sims$"],
                   check=True)


def count():
    """A summary of each file."""
    told = BUILD / "coverage.json"
    subprocess.run(["gcovr", "--root", ROOT, "--object-directory", BUILD, "-j", "2",
                    "--filter", "lib/", "--filter", "storage/", "--exclude-throw-branches",
                    "--exclude-unreachable-branches", "--json-summary", told, BUILD],
                   check=True, cwd=ROOT)
    return json.loads(told.read_text(encoding="ascii"))["files"]


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


class Sum:
    def __init__(self, files):
        def add(name):
            return sum(file[name] for file in files)
        self.lines = percent(add("line_covered"), add("line_total"))
        self.branches = percent(add("branch_covered"), add("branch_total"))

    def __str__(self):
        return f"{self.lines:.1f} % of the lines, {self.branches:.1f} % of the branches"


def folder_of(name):
    return name[:name.rindex("/")]


def main():
    if shutil.which("gcovr") is None:
        print("skip: there is no gcovr")
        return 77
    run_tests()
    files = count()
    for folder in sorted({folder_of(file["filename"]) for file in files}):
        print(f"{folder}: {Sum([one for one in files if folder_of(one['filename']) == folder])}")
    whole = Sum(files)
    print(f"all: {whole}")
    known = {file["filename"]: file for file in files}
    faults = [f"{name}: {known[name]['line_percent']} % of the lines" for name in DECODERS
              if known[name]["line_covered"] < known[name]["line_total"]]
    if whole.lines < LINES_MIN or whole.branches < BRANCHES_MIN:
        faults.append(f"below {LINES_MIN} % of the lines or {BRANCHES_MIN} % of the branches")
    for fault in faults:
        print(f"failed: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
