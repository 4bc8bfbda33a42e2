#!/usr/bin/env python3
"""Every command has a manual page, and page and parser name the same options and verbs."""
import json
import os
import pathlib
import re
import subprocess
import sys

PROGRAM = os.environ.get("BMSG") or sys.exit("set BMSG to the program to test")
PROGRAMS = {"discover"}  # On their own; tests/cli/discover.py looks at that page.
PAGES = pathlib.Path(__file__).resolve().parents[2] / "man"


def spec():
    done = subprocess.run([PROGRAM, "__spec", "--json"], capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def option_names(command):
    return {name for option in command["options"] for name in option["names"]}


def options_on(page):
    """What `.Fl` names anywhere on the page: `.Fl -no-sign` is --no-sign, `.Fl q , -quiet` two."""
    text = page.read_text().replace(r"\-", "-")
    names = re.findall(r"\bFl (-?[A-Za-z][\w-]*)(?: , (-[A-Za-z][\w-]*))?", text)
    return {f"-{name}" for pair in names for name in pair if name}


def faults_of(command, below, shared, overview):
    """Those of one command and its verbs, `below` it."""
    name = command["name"]
    page = PAGES / f"bmsg-{name}.1"
    if not page.exists():
        return [f"{name}: no manual page"]
    real = set().union(*(option_names(one) for one in [command, *below]))
    told = options_on(page)
    faults = [f"{name}: {word} is not in its page" for word in sorted(real - told - shared)]
    faults += [f"{name}: {word} is only in its page" for word in sorted(told - real - shared)]
    text = page.read_text()
    faults += [f"{one['name']}: its verb is not in the page of {name}" for one in below
               if not re.search(rf"\b{re.escape(one['name'].split()[-1])}\b", text)]
    if not re.search(rf"^\.It Cm (.* )?{name}( |$)", overview, re.MULTILINE):
        faults.append(f"{name}: bmsg.1 does not list it")
    return faults


def main():
    commands = {one["name"]: one for one in spec()}
    visible = [one for name, one in commands.items()
               if name and " " not in name and not one["hidden"]]
    assert len(visible) > 20, f"only {len(visible)} commands"
    overview = (PAGES / "bmsg.1").read_text()
    shared = options_on(PAGES / "bmsg.1")
    faults = [f"bmsg: {name} is not in bmsg.1"
              for name in sorted(option_names(commands[""]) - shared)]
    for command in visible:
        below = [one for name, one in commands.items() if name.startswith(command["name"] + " ")]
        faults += faults_of(command, below, shared, overview)
    for page in sorted(PAGES.glob("bmsg-*.1")):
        if page.stem.removeprefix("bmsg-") not in {*commands, *PROGRAMS}:
            faults.append(f"{page.name}: no such command")
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()
