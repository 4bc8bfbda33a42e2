#!/usr/bin/env python3
"""count.py counts what it is given, and takes nothing for passed that did not pass."""
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
PASSED = '<testcase name="A" status="run" result="completed" classname="S"/>'
FAILED = PASSED.replace("/>", '><failure message="x"/></testcase>')
SKIPPED = ('<testcase name="A" status="run" result="skipped" classname="S">'
           '<skipped message="a_test.cc:7&#x0A;no such thing here"/></testcase>')


def ctest_case(name, status="run", inside=""):
    return f'<testcase name="{name}" status="{status}">{inside}</testcase>'


def count(cases, programs, parts="passed\t60\tunit tests\n", again=None):
    """The closing lines and the exit code for one run of ctest and what the programs left, and for
    a second try."""
    with tempfile.TemporaryDirectory() as place:
        results = pathlib.Path(place)
        (results / "parts").write_text(parts)
        (results / "unit").mkdir()
        (results / "unit" / "ctest.junit").write_text(f"<testsuite>{''.join(cases)}</testsuite>")
        for name, text in programs.items():
            (results / "unit" / f"{name}.xml").write_text(text)
        if again is not None:
            (results / "unit-again").mkdir()
            (results / "unit-again" / "ctest.junit").write_text(
                f"<testsuite>{''.join(again)}</testsuite>")
        done = subprocess.run([sys.executable, HERE / "count.py", results], text=True,
                              capture_output=True, check=False)
        return done.stdout.splitlines(), done.returncode


def suite(*cases):
    return f"<testsuites><testsuite>{''.join(cases)}</testsuite></testsuites>"


def expect(cases, programs, last, code, **options):
    lines, got = count(cases, programs, **options)
    assert lines[-1] == last, f"{lines[-1]!r}, not {last!r}"
    assert got == code, f"{last}: exit {got}"
    return lines


def main():
    run = [ctest_case("core_test")]
    lines = expect(run, {"core_test": suite(PASSED, PASSED)},
                   "bmsg: 2 passed, 0 failed, 0 skipped", 0)
    assert lines[0] == "   1.0 min  unit tests", lines
    expect(run, {"core_test": suite(PASSED, FAILED)}, "bmsg: 1 passed, 1 failed, 0 skipped", 1)
    lines = expect(run, {"core_test": suite(PASSED, SKIPPED)},
                   "bmsg: 1 passed, 1 failed, 1 skipped", 1)
    assert "skipped: S.A: no such thing here" in lines, lines

    crashed = [ctest_case("core_test", "fail")]
    expect(crashed, {"core_test": suite(PASSED)}, "bmsg: 1 passed, 1 failed, 0 skipped", 1)
    expect(crashed, {}, "bmsg: 0 passed, 2 failed, 0 skipped", 1)
    expect(crashed, {"core_test": "<testsuites>"}, "bmsg: 0 passed, 2 failed, 0 skipped", 1)

    expect([ctest_case("ring"), ctest_case("demo")], {}, "bmsg: 2 passed, 0 failed, 0 skipped", 0)
    silent = ctest_case("ring", "notrun", '<skipped message="77"/><system-out>x</system-out>')
    expect([ctest_case("demo"), silent], {}, "bmsg: 1 passed, 1 failed, 0 skipped", 1)

    failed = [ctest_case("ring", "fail"), ctest_case("demo")]
    expect(failed, {}, "bmsg: 1 passed, 1 failed, 0 skipped", 1, again=[ctest_case("ring", "fail")])
    expect(failed, {}, "bmsg: 1 passed, 1 failed, 0 skipped", 1, again=[ctest_case("demo")])
    expect(failed, {}, "bmsg: 1 passed, 1 failed, 0 skipped", 1, again=[silent.replace("x<", "<")])
    expect(failed, {}, "bmsg: 1 passed, 1 failed, 0 skipped", 1,
           again=[silent.replace(">x<", ">skip: no<")])
    lines = expect(failed, {}, "bmsg: 2 passed, 0 failed, 0 skipped", 0, again=[ctest_case("ring")])
    assert "passed at the second try alone: ring" in lines, lines

    built = "failed\t60\tsanitizer build\n"
    lines = expect(run, {"core_test": suite(PASSED)}, "bmsg: 1 passed, 1 failed, 0 skipped", 1,
                   parts=built)
    assert "failed: part: sanitizer build" in lines, lines


if __name__ == "__main__":
    main()
