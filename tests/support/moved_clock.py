"""A clock that a test moves, by what the program `faketime` loads. That program itself is of no use
here: no signal reaches what it starts, and it fails where an earlier one with its number was
killed."""
import pathlib
import re
import sys

FOUND = sorted(pathlib.Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))


def need():
    if not FOUND:
        print("skip: no faketime: apt-get install faketime")
        sys.exit(77)


def tidy():
    """Takes away what the library leaves in memory of processes that have ended: whoever gets the number
    of one would begin with it, and some thousands of them are many megabytes."""
    for file in pathlib.Path("/dev/shm").iterdir():
        number = re.fullmatch(r"(?:sem\.)?faketime_(?:sem|shm)_(\d+)", file.name)
        if number and not pathlib.Path("/proc", number[1]).exists():
            file.unlink(missing_ok=True)


def words(setting, *arguments):
    """What runs the command with that setting of libfaketime: FAKETIME=+60s, for one."""
    return ["env", f"LD_PRELOAD={FOUND[0]}", "FAKETIME_DONT_FAKE_MONOTONIC=1", *setting.split(),
            *arguments]
