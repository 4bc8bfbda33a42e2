"""A clock that a test moves, by what the program `faketime` loads. That program itself is of no use
here: no signal reaches what it starts, and it fails where an earlier one with its number was
killed."""
import pathlib
import sys

FOUND = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


def need():
    if not FOUND:
        print("skip: no faketime: apt-get install faketime")
        sys.exit(77)


def words(setting, *arguments):
    """What runs the command with that setting of libfaketime: FAKETIME=+60s, for one."""
    return ["env", f"LD_PRELOAD={FOUND[0]}", "FAKETIME_DONT_FAKE_MONOTONIC=1", *setting.split(),
            *arguments]
