#!/usr/bin/env python3
"""Counts what ./dev test ran: count.py RESULTS.

RESULTS holds `parts` (verdict, seconds and name of each part, tab-separated) and one directory for
each run of ctest, with ctest.junit and the XML files of the GoogleTest programs; NAME-again is a
second try of what failed in NAME. Prints minutes, what passed at the second try alone, failures and
skips with their reasons, and last of all one line that counts. Exits 1 if anything
failed, or was skipped that tests/README.md does not allow to be.
"""
import dataclasses
import pathlib
import re
import sys
import xml.etree.ElementTree as xml


@dataclasses.dataclass
class Count:
    passed: int = 0
    failed: list = dataclasses.field(default_factory=list)
    skipped: list = dataclasses.field(default_factory=list)  # Pairs of name and reason.


def read_xml(file):
    """The root element, or None where a program that crashed left half a file or none."""
    try:
        return xml.parse(file).getroot()
    except (OSError, xml.ParseError):
        return None


def count_cases(root, count):
    """One GoogleTest program; True if it says itself that something failed."""
    before = len(count.failed)
    for case in root.iter("testcase"):
        name = f'{case.get("classname")}.{case.get("name")}'
        skip = case.find("skipped")
        if case.find("failure") is not None:
            count.failed.append(name)
        elif skip is not None:
            words = (skip.get("message") or skip.text or "").split("\n")
            reason = " ".join(word for word in words if word and not re.search(r"\.cc:\d+$", word))
            count.skipped.append((name, reason))
        elif case.get("status") == "run":
            count.passed += 1
        else:
            count.skipped.append((name, "disabled"))
    return len(count.failed) > before


def skip_reason(case):
    output = case.findtext("system-out") or ""
    found = re.findall(r"^skip: (.*)$", output, re.MULTILINE)
    return found[-1] if found else ""


def count_run(directory, count):
    """One run of ctest: programs that left XML count by their cases, all others as one test."""
    root = read_xml(directory / "ctest.junit")
    if root is None:
        count.failed.append(f"{directory.name}: ctest left no result")
        return
    for case in root.iter("testcase"):
        name, verdict = case.get("name"), case.get("status")
        own = directory / f"{name}.xml"
        cases = read_xml(own) if own.exists() else None
        if cases is not None:
            told = count_cases(cases, count)
            if verdict != "run" and not told:
                count.failed.append(f"{name}: ended badly though no case failed")
        elif verdict == "run":
            count.passed += 1
        elif case.find("skipped") is not None and verdict == "notrun" and skip_reason(case):
            count.skipped.append((name, skip_reason(case)))
        else:
            count.failed.append(name)


def count_again(directory, count):
    """What passes at a second try has passed; returns which."""
    second = Count()
    count_run(directory, second)
    root = read_xml(directory / "ctest.junit")
    names = {case.get("name") for case in root.iter("testcase")} if root is not None else set()
    not_passed = {*second.failed, *(name for name, _ in second.skipped)}
    late = sorted(names & set(count.failed) - not_passed)
    count.failed = [name for name in count.failed if name not in late]
    count.passed += len(late)
    return late


def allowed_skips(readme):
    """The names in the table under the heading "Skips that are allowed"."""
    text = readme.read_text() if readme.exists() else ""
    section = text.partition("## Skips that are allowed")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", section, re.MULTILINE))


def main():
    results = pathlib.Path(sys.argv[1])
    allowed = allowed_skips(pathlib.Path(__file__).parent / "README.md")
    count = Count()
    late = []
    for directory in sorted(path for path in results.iterdir() if path.is_dir()):
        if directory.name.endswith("-again"):
            late += count_again(directory, count)
        else:
            count_run(directory, count)
    for line in (results / "parts").read_text().splitlines():
        verdict, seconds, name = line.split("\t")
        print(f"{int(seconds) / 60:6.1f} min  {name}")
        if verdict == "failed" and ("tests" not in name or not count.failed):
            count.failed.append(f"part: {name}")
    count.failed += [f"{name}: skipped, which tests/README.md does not allow"
                     for name, _ in count.skipped if name not in allowed]
    for name in late:
        print(f"passed at the second try alone: {name}")
    for name in count.failed:
        print(f"failed: {name}")
    for name, reason in count.skipped:
        print(f"skipped: {name}: {reason}")
    if not count.passed:
        count.failed.append("no test ran")
    print(f"bmsg: {count.passed} passed, {len(count.failed)} failed, {len(count.skipped)} skipped")
    sys.exit(1 if count.failed else 0)


if __name__ == "__main__":
    main()
