#!/usr/bin/env python3
"""Manual pages have their sections in one order, those of commands all that a command needs, and
groff has nothing to say of them."""
import pathlib
import shutil
import subprocess
import sys

MAN = pathlib.Path(__file__).resolve().parents[1] / "man"
ORDER = ["NAME", "SYNOPSIS", "DESCRIPTION", "ENVIRONMENT", "FILES", "EXIT STATUS", "EXAMPLES",
         "SEE ALSO", "STANDARDS"]
OF_COMMANDS = {"NAME", "SYNOPSIS", "DESCRIPTION", "EXIT STATUS", "EXAMPLES", "SEE ALSO"}


def faults_of(page):
    lines = page.read_text().splitlines()
    found = [line.removeprefix(".Sh ") for line in lines if line.startswith(".Sh ")]
    faults = [f"no section {name} anywhere else" for name in found if name not in ORDER]
    if found != [name for name in ORDER if name in found]:
        faults.append(f"its sections are {', '.join(found)}")
    if page.suffix == ".1":
        faults += [f"no section {name}" for name in sorted(OF_COMMANDS - set(found))]
    if not {"NAME", "DESCRIPTION", "SEE ALSO"} <= set(found):
        faults.append("every page has a name, a description and a way on")
    # A macro takes quotes for its own and brackets for punctuation: what is typed is then another.
    faults += [f"'{line}': commands stand in .Bd -literal" for line in lines
               if line.startswith(".Dl $ ")]
    return faults


def groff_says(page):
    done = subprocess.run(["groff", "-mandoc", "-Tutf8", "-ww", "-z", page], capture_output=True,
                          check=False)
    return done.stderr.decode().splitlines()


def main():
    faults = []
    every = sorted(MAN.iterdir())
    assert len(every) > 50, f"only {len(every)} pages"
    for page in every:
        faults += [f"{page.name}: {fault}" for fault in faults_of(page)]
        if shutil.which("groff"):
            faults += groff_says(page)
    sys.exit("\n".join(faults) if faults else 0)


main()
