#!/usr/bin/env python3
"""Every command has a manual page, and page and program name the same options."""
import os
import pathlib
import re
import subprocess
import sys

PROGRAM = os.environ.get("BMSG") or sys.exit("set BMSG to the program to test")
PAGES = pathlib.Path(__file__).parent.parent.parent / "man"
SHARED = {"--help", "--help-all", "-h"}


def help_of(*words):
    done = subprocess.run([PROGRAM, *words, "--help"], capture_output=True, text=True, check=True)
    return done.stdout


def options_in(text):
    """The options that a help text begins its lines with: "  -m TEXT", "  -C,--store DIR"."""
    lines = re.findall(r"^\s+(-[^\s]*(?:,\s*-[^\s]*)*)", text, re.MULTILINE)
    return {name for line in lines for name in re.findall(r"--?[A-Za-z][\w-]*", line)}


def subcommands(text):
    section = text.partition("Subcommands:")[2]
    return re.findall(r"^  ([a-z-]+)", section, re.MULTILINE)


def options_of(*words):
    text = help_of(*words)
    return options_in(text).union(*(options_of(*words, name) for name in subcommands(text)))


def options_on(page):
    """What `.Fl` names anywhere on the page: `.Fl -no-sign` is --no-sign, `.Fl m` is -m."""
    names = re.findall(r"\bFl (-?[A-Za-z][\w-]*)", page.read_text().replace(r"\-", "-"))
    return {f"-{name}" for name in names}


def main():
    listed = subprocess.run([PROGRAM, "help"], capture_output=True, text=True, check=True).stdout
    commands = re.findall(r"^  ([a-z][a-z-]+) ", listed, re.MULTILINE)
    assert len(commands) > 20, f"help lists {commands}"
    overview = (PAGES / "bmsg.1").read_text()
    shared = options_on(PAGES / "bmsg.1") | SHARED
    faults = []
    for command in commands:
        page = PAGES / f"bmsg-{command}.1"
        if not page.exists():
            faults.append(f"{command}: no manual page")
            continue
        real, told = options_of(command) - SHARED, options_on(page)
        faults += [f"{command}: {name} is not in its page" for name in sorted(real - told - shared)]
        faults += [f"{command}: {name} is only in its page"
                   for name in sorted(told - real - shared)]
        if not re.search(rf"^\.It Cm (.* )?{command}( |$)", overview, re.MULTILINE):
            faults.append(f"{command}: bmsg.1 does not list it")
    sys.exit("\n".join(faults) if faults else 0)


if __name__ == "__main__":
    main()
