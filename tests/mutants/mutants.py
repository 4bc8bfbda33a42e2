#!/usr/bin/env python3
"""./dev soak mutants: whether the tests notice what is broken.

mutants.py [--check] [NAME...]

Each bug of planted.py is planted alone in a copy of the tree, whose suites pass without one. It is
built and tested: first the suite that should notice, then every other. At most one may get through.
--check only looks whether each can be planted: once where it belongs, in a file that has it exactly
once."""
import argparse
import os
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE))
from planted import PLANTED  # noqa: E402

MISSED_MAX = 1
UNITS = [f"{folder}_test" for folder in
         ("core", "crypto", "chain", "net", "node", "mail", "api", "storage", "cli", "fuzz")]
COPY = ROOT / "build" / "mutants"


def planted(mutant, tree):
    """The text of its file with the bug in it."""
    name, file, there, instead, _ = mutant
    text = (tree / file).read_text()
    assert text.count(there) == 1, f"'{name}': {file} has it {text.count(there)} times"
    return text.replace(there, instead)


def copied():
    """A tree of its own, of what git knows, as it is now."""
    COPY.mkdir(parents=True, exist_ok=True)
    names = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=True, text=True,
                           stdout=subprocess.PIPE).stdout
    for name in filter(None, names.split("\0")):
        there, here = ROOT / name, COPY / name
        if not here.exists() or here.read_bytes() != there.read_bytes():
            here.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(there, here)
    return COPY


def run(words, tree, log):
    return subprocess.run(words, cwd=tree, stdout=log, stderr=log, check=False).returncode == 0


def build(tree, log, *targets):
    """Those alone, or everything."""
    wanted = ["--target", *targets] if targets else []
    made = run(["cmake", "--build", "build", "-j", str(os.cpu_count()), *wanted], tree, log)
    assert made, f"the tree does not build; see {log.name}"


def needs(suite):
    """What is built for a suite: those that are scripts try the program from outside."""
    return [suite] if suite.endswith("_test") else ["bmsg", "stranger"]


def passes(tree, suites, log):
    return run(["ctest", "--test-dir", "build", "--output-on-failure", "--stop-on-failure",
                "-R", "^({})$".format("|".join(suites))], tree, log)


def notices(tree, suite, log):
    """Whether a test fails: of that suite, of the others, of the program from outside. What only
    the later ones need is built only for them."""
    build(tree, log, *needs(suite))
    if not passes(tree, [suite], log):
        return True
    build(tree, log, *UNITS)
    if not passes(tree, UNITS, log):
        return True
    build(tree, log)
    return not run(["ctest", "--test-dir", "build", "--output-on-failure", "--stop-on-failure",
                    "-j2", "-L", "cli"], tree, log)


def try_one(mutant, tree, log):
    name, file, _, _, suite = mutant
    whole = (tree / file).read_text()
    (tree / file).write_text(planted(mutant, tree))
    try:
        log.write(f"== {name}\n")
        log.flush()
        return notices(tree, suite, log)
    finally:
        (tree / file).write_text(whole)


def main():
    parser = argparse.ArgumentParser(prog="mutants.py")
    parser.add_argument("--check", action="store_true", help="only look whether they fit")
    parser.add_argument("name", nargs="*", help="the first words of some")
    options = parser.parse_args()
    chosen = [one for one in PLANTED
              if not options.name or any(one[0].startswith(name) for name in options.name)]
    assert len({one[0] for one in PLANTED}) == len(PLANTED) >= 25
    for mutant in chosen:
        assert planted(mutant, ROOT) != (ROOT / mutant[1]).read_text(), mutant[0]
    if options.check:
        print(f"{len(chosen)} bugs can be planted")
        return
    tree = copied()
    missed = []
    with open(COPY.with_suffix(".log"), "w", encoding="utf-8") as log:
        assert run(["cmake", "--preset", "release", "-G", "Ninja"], tree, log)
        suites = {mutant[4] for mutant in chosen}
        build(tree, log, *{target for suite in suites for target in needs(suite)})
        assert passes(tree, suites, log), f"tests fail without any bug; see {log.name}"
        for mutant in chosen:
            noticed = try_one(mutant, tree, log)
            print(f"{'noticed' if noticed else 'MISSED '} {mutant[0]}", flush=True)
            missed += [] if noticed else [mutant[0]]
    print(f"{len(chosen) - len(missed)} of {len(chosen)} bugs were noticed")
    sys.exit(len(missed) > MISSED_MAX)


main()
