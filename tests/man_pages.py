#!/usr/bin/env python3
"""Manual pages have their sections in one order, those of commands all that a command needs, and
groff has nothing to say of them."""
import pathlib
import re
import shutil
import subprocess
import sys

TESTS = pathlib.Path(__file__).resolve().parent
MAN = TESTS.parent / "man"
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


# How many ways to break each part there are.
WAYS = {"D": 14, "C": 9, "N": 18, "P": 14, "F": 7, "K": 11, "T": 10, "W": 10, "S": 6}


def faults_of_campaign():
    """Every way has a row, and every test that a row names is there."""
    page = (MAN / "bmsg-reliability.7").read_text()
    rows = re.findall(r"^\.It Sy \\&([A-Z]\d+)\n((?:(?!\.It|\.El).*\n)+)", page, re.M)
    wanted = [f"{part}{number + 1}" for part, count in WAYS.items() for number in range(count)]
    faults = []
    if [name for name, _ in rows] != wanted:
        faults.append(f"its rows are {', '.join(name for name, _ in rows)}")
    lists = "".join(file.read_text() for file in TESTS.glob("**/CMakeLists.txt"))
    known = set(re.findall(r"bmsg_script\((\w+)", lists))
    for file in TESTS.glob("**/*_test.cc"):
        known |= set(re.findall(r"^TEST(?:_F|_P)?\((\w+)", file.read_text(), re.M))
    for name, text in rows:
        tests = re.findall(r"^\.Ic (\S+)", text, re.M)
        faults += [f"{name}: there is no test {test}" for test in tests if test not in known]
        if not tests:
            faults.append(f"{name} names no test")
    return [f"bmsg-reliability.7: {fault}" for fault in faults]


def groff_says(page):
    done = subprocess.run(["groff", "-mandoc", "-Tutf8", "-ww", "-z", page], capture_output=True,
                          check=False)
    return done.stderr.decode().splitlines()


def main():
    faults = faults_of_campaign()
    every = sorted(MAN.iterdir())
    assert len(every) > 50, f"only {len(every)} pages"
    for page in every:
        faults += [f"{page.name}: {fault}" for fault in faults_of(page)]
        if shutil.which("groff"):
            faults += groff_says(page)
    sys.exit("\n".join(faults) if faults else 0)


main()
