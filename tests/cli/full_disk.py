#!/usr/bin/env python3
"""When the disk is full the ballast goes, told, and work goes on; reading never touches it."""
import contextlib
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

MIB = 1 << 20


@contextlib.contextmanager
def small_disk(place):
    """A file system of 40 MiB; only root may have one."""
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=40m", "none", str(place)],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        print("skip: no file system may be mounted here")
        sys.exit(77)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place, left):
    """Leaves so many bytes."""
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    with open(place / "filler", "ab") as file:
        file.write(bytes(free - left))


def main():
    with stores.workplace() as place, small_disk(place / "disk") as disk:
        ana = stores.new_chain(disk / "ana", "ana")
        ballast = ana.directory / "ballast"
        ana.run("mine", "--no-relay")
        assert ballast.stat().st_size == 16 * MIB
        fill(disk, 6 * MIB)
        ana.run("log")
        ana.run("inbox")
        assert ballast.exists(), "reading gave up the ballast"
        done = subprocess.run(ana.words("mine", "--allow-empty", "--no-relay"), check=False,
                              env=ana.environment, capture_output=True)
        assert done.returncode == 0 and b"ballast' was removed" in done.stderr, done
        assert not ballast.exists()
        fill(disk, 2 * MIB)
        ana.run("mine", "--allow-empty", "--no-relay", exits=(74,))
        assert "FAIL space" in ana.text("doctor", exits=(1,))
        ana.run("verify")


main()
