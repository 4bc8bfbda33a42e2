#!/usr/bin/env python3
"""The whole suite under sanitizers: suite.py sanitize|thread [REGEX], a campaign of ./dev soak.

Runs what ctest knows in the build directory of that preset, the unit tests and then the scripts;
with REGEX only those whose names it finds. Programs of such a build write each report into a file
there (options.cc), whatever a script makes of their exit code: one file, and the campaign has
failed.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import count  # noqa: E402

BOTH = ("sanitize", "thread")
# What cannot run here, where, and why. All else does.
NOT_HERE = {
    "bench": (BOTH, "compares the time of the optimised program with that of others"),
    "forgotten_keys": (BOTH, "reads all that the program has mapped, here terabytes of shadow"),
    "hardening": (BOTH, "is about what the compiler adds to the optimised program"),
    "limits": (BOTH, "limits the address space, of which a sanitizer takes terabytes"),
    "many_contacts": (BOTH, "counts allocations in place of malloc, where a sanitizer is"),
    "no_memory_left": (BOTH, "refuses allocations in place of malloc, where a sanitizer is"),
    "package": (BOTH, "the package is of the optimised program"),
}
# Of which a wrong word of the probe makes a report.
WRONGS = {"sanitize": ("past", "overflow"), "thread": ("race",)}
LINES_MAX = 60  # Of one report.


def kept_environment():
    """What a campaign sets to have more of one test would make all of them long."""
    kept = ("HOME", "LANG", "LC_ALL", "LOGNAME", "PATH", "TERM", "TMPDIR", "USER", "XDG_CACHE_HOME")
    return {name: os.environ[name] for name in kept if name in os.environ}


class Reports:
    """The directory in which programs of the build leave what their sanitizers say."""

    def __init__(self, build):
        self.place = build / "reports"

    def begin(self):
        shutil.rmtree(self.place, ignore_errors=True)
        self.place.mkdir()
        self.place.chmod(0o1777)  # Scripts act as other users, too.

    def found(self):
        return sorted(self.place.iterdir())

    def end(self):
        """Those that there are stay readable; programs that are started by hand write none."""
        kept = self.place.with_name("last_reports")
        shutil.rmtree(kept, ignore_errors=True)
        self.place.rename(kept)
        return kept


def faults_of_probe(build, preset, reports):
    """Whoever does wrong is noticed, and nobody else, though the environment is empty."""
    faults = []
    for wrong in ("nothing", *WRONGS[preset]):
        before = len(reports.found())
        done = subprocess.run([build / "tests" / "sanitizer_probe", wrong], env={}, check=False,
                              capture_output=True, timeout=60)
        more = len(reports.found()) - before
        if (done.returncode, more) != ((0, 0) if wrong == "nothing" else (99, 1)):
            faults.append(f"probe {wrong}: exit {done.returncode}, {more} reports")
    for file in reports.found():
        file.unlink()
    return faults


def known_tests(build):
    listed = subprocess.run(["ctest", "--test-dir", build, "-N", "-LE", "tree"], check=True,
                            capture_output=True, text=True).stdout
    return set(re.findall(r"^ +Test +#\d+: (\S+)$", listed, re.M))


def left_out(preset):
    return {name: why for name, (where, why) in NOT_HERE.items() if preset in where}


def run(build, results, labels, names):
    """One run of ctest; its count."""
    shutil.rmtree(results, ignore_errors=True)
    results.mkdir(parents=True)
    environment = kept_environment() | {"GTEST_OUTPUT": f"xml:{results}/"}
    pattern = "^(" + "|".join(map(re.escape, sorted(names))) + ")$"
    subprocess.run(["ctest", "--test-dir", build, "--output-on-failure", "-j2", "-L", labels, "-R",
                    pattern, "--output-junit", results / "ctest.junit"],
                   env=environment, check=False)
    counted = count.Count()
    count.count_run(results, counted)
    return counted


def shown(file):
    lines = file.read_text(errors="replace").splitlines()
    more = [f"... {len(lines)} lines in all"] if len(lines) > LINES_MAX else []
    return "\n".join(lines[:LINES_MAX] + more)


def main():
    preset, *wanted = sys.argv[1:]
    build = ROOT / f"build-{preset}"
    known = known_tests(build)
    out = left_out(preset)
    for name, why in sorted(out.items()):
        print(f"not here: {name}: {why}")
    faults = [f"{name} is left out and no test" for name in out if name not in known]
    names = {name for name in known - set(out) if not wanted or re.search(wanted[0], name)}
    reports = Reports(build)
    reports.begin()
    passed, skipped = 0, []
    try:
        faults += faults_of_probe(build, preset, reports)
        for kind, labels in (("units", "quick"), ("scripts", "cli|fault")):
            counted = run(build, build / "results" / kind, labels, names)
            passed += counted.passed
            skipped += counted.skipped
            faults += counted.failed
        found = [file.name for file in reports.found()]
    finally:
        kept = reports.end()
    faults += [f"{name}: skipped, which tests/README.md does not allow" for name, _ in skipped
               if name not in count.allowed_skips(ROOT / "tests" / "README.md")]
    for name in found:
        print(f"--- {kept / name}\n{shown(kept / name)}")
    for name, why in skipped:
        print(f"skipped: {name}: {why}")
    for fault in faults:
        print(f"failed: {fault}")
    print(f"{preset}: {passed} passed, {len(faults)} failed, {len(skipped)} skipped, "
          f"{len(out)} not here, {len(found)} reports", flush=True)
    return 1 if faults or found or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
