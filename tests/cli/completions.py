#!/usr/bin/env python3
"""Every command of the program, and every verb of a command, stands in the three completions, and
nothing stands there that is no command."""
import os
import pathlib
import re
import subprocess
import sys

PROGRAM = os.environ.get("BMSG") or sys.exit("set BMSG to the program to test")
FOLDER = pathlib.Path(__file__).resolve().parents[2] / "completions"
WITH_VERBS = ("id", "contact", "outbox", "peers", "config", "witness")


def words_after(heading, text):
    """First words of the indented lines below a heading."""
    below = re.split(rf"^{heading}:?\n", text, flags=re.M)[1]
    return re.findall(r"^  ([a-z-]+) ", below.split("\n\n")[0] + "\n", flags=re.M)


def help_of(*words):
    return subprocess.run([PROGRAM, *words], check=True, capture_output=True, text=True).stdout


def main():
    listed = re.findall(r"^  ([a-z-]+) ", help_of("help"), flags=re.M)
    assert len(listed) > 15, f"help lists only {listed}"
    wanted = {"commands": set(listed)}
    for command in WITH_VERBS:
        wanted[command] = set(words_after("Subcommands", help_of(command, "--help")))
        assert wanted[command], f"{command} has no verbs"
    faults = []
    for name in ("bmsg.bash", "_bmsg", "bmsg.fish"):
        words = set(re.findall(r"[a-z-]+", (FOLDER / name).read_text()))
        for place, names in wanted.items():
            faults += [f"{name}: no '{word}' of {place}" for word in sorted(names - words)]
    bash = (FOLDER / "bmsg.bash").read_text()
    offered = set(re.search(r"commands='([^']*)'", bash)[1].split())
    faults += [f"bmsg.bash: '{word}' is no command" for word in sorted(offered - wanted["commands"])]
    assert not faults, "\n".join(faults)


main()
