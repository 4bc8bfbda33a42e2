#!/usr/bin/env python3
"""bmsg-tutorial(7) as somebody without a terminal would follow it: every command of the page, in
its order, in a fresh directory."""
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import pages
import stores

PAGE = pages.MAN / "bmsg-tutorial.7"
# What the page promises to be seen, in this order.
TOLD = ["At noon?", "Re: Lunch", "OK 3 blocks", "there is mail", "exit code 67", "exit code 75", "mined",
        "At noon?", "sync -q", "OK ", "WARN", "exit code 65", "exit code 3", "0 messages wait again",
        "OK 4 blocks", "Re: Lunch"]


def main():
    if not shutil.which("mandoc"):
        print("skip: mandoc is not installed")
        sys.exit(77)
    lines = pages.commands(pages.shown(PAGE))
    assert len(lines) > 40, f"only {len(lines)} commands"
    if shutil.which("groff"):
        assert pages.commands(pages.shown(PAGE, "groff")) == lines, "groff shows other commands"
    with stores.workplace() as directory:
        said = pages.Typist(directory).type(lines)
    at = 0
    for text in TOLD:
        found = said.find(text, at)
        assert found >= 0, f"'{text}' was not printed where it should be: {said[at:][-2000:]}"
        at = found + len(text)


main()
