#!/usr/bin/env python3
"""The campaigns under sanitizers take nothing for passed that did not pass: neither a report of a
program whose script was content, nor a build whose sanitizers say nothing. And what they leave out
is there to be left out."""
import contextlib
import io
import os
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import suite  # noqa: E402

PROBE = """#!/bin/sh
reports="$(dirname "$0")/../reports"
case "$1 {silent}" in
  "nothing "* | *" $1") exit 0 ;;
  *) : >"$reports/report.$1" && exit 99 ;;
esac
"""
# Has three tests; the XML is what the run of scripts leaves.
CTEST = """#!/bin/sh
left="${{GTEST_OUTPUT#xml:}}ctest.junit"
case " $* " in
  *" -N "*) printf '  Test  #1: unit\\n  Test #2: ring\\n  Test #3: limits\\n' ;;
  *" quick "*)
    printf '<testsuite><testcase name="unit" status="run"/></testsuite>' >"$left"
    ;;
  *)
    {does}
    printf '{scripts}' >"$left"
    ;;
esac
"""
SKIPPED = '<skipped message="x"/><system-out>skip: why</system-out>'
RING = '<testsuite><testcase name="ring" status="{}">{}</testcase></testsuite>'


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def outcome(silent="", does=":", scripts=RING.format("run", ""), out=("limits",)):
    """The exit code and the lines of a run whose programs are made up."""
    with tempfile.TemporaryDirectory() as directory:
        place = pathlib.Path(directory)
        build = place / "build-sanitize"
        program(build / "tests" / "sanitizer_probe", PROBE.format(silent=silent))
        program(place / "bin" / "ctest", CTEST.format(
            does=does.format(reports=build / "reports"), scripts=scripts))
        before = os.environ["PATH"], suite.ROOT, suite.NOT_HERE, sys.argv
        os.environ["PATH"] = f"{place / 'bin'}:{before[0]}"
        suite.ROOT = place
        suite.NOT_HERE = {name: (("sanitize",), "of a reason") for name in out}
        sys.argv = ["suite.py", "sanitize"]
        said = io.StringIO()
        try:
            with contextlib.redirect_stdout(said):
                code = suite.main()
        finally:
            os.environ["PATH"], suite.ROOT, suite.NOT_HERE, sys.argv = before
        assert not (build / "reports").exists(), "programs that are started by hand write there"
    return code, said.getvalue().splitlines()


def expect(code, line, **options):
    got, lines = outcome(**options)
    assert got == code and line in lines, (options, got, lines)


def check_verdicts():
    expect(0, "sanitize: 2 passed, 0 failed, 0 skipped, 1 not here, 0 reports")
    expect(0, "not here: limits: of a reason")
    expect(1, "sanitize: 2 passed, 0 failed, 0 skipped, 1 not here, 1 reports",
           does="echo ERROR >{reports}/report.7")
    expect(1, "ERROR of a child", does="echo ERROR of a child >{reports}/report.7")
    expect(1, "failed: probe past: exit 0, 0 reports", silent="past")
    expect(1, "failed: probe overflow: exit 0, 0 reports", silent="overflow")
    expect(1, "failed: ring", scripts=RING.format("fail", ""))
    expect(1, "failed: scripts: ctest left no result", does="exit 1")
    expect(1, "failed: ring: skipped, which tests/README.md does not allow",
           scripts=RING.format("notrun", SKIPPED))
    expect(1, "failed: gone is left out and no test", out=("limits", "gone"))


def check_left_out():
    """Every name is a script of the tree, and has its reason."""
    known = set(re.findall(r"bmsg_script\((\w+) ", (HERE.parent / "CMakeLists.txt").read_text()))
    for name, (where, why) in suite.NOT_HERE.items():
        assert name in known, f"there is no test {name}"
        assert where and set(where) <= set(suite.BOTH) and len(why) > 10, name
    assert len(suite.NOT_HERE) < len(known) / 4, "most of the suite runs"


def check_suppressed():
    """Nothing of ours is excused, and each line has its reason above it."""
    lines = (HERE / "thread.supp").read_text().splitlines()
    excused = [number for number, line in enumerate(lines) if line and not line.startswith("#")]
    for number in excused:
        assert re.fullmatch(r"(race|mutex):lib(?!bmsg)\w+[.]so", lines[number]), lines[number]
        assert lines[number - 1].startswith("# "), f"{lines[number]}: for what reason?"
    assert excused


def main():
    check_verdicts()
    check_left_out()
    check_suppressed()


main()
