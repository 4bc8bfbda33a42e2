#!/usr/bin/env python3
"""systemd has nothing to say to any unit: not to those that are installed, nor to those that
`schedule` prints, however the store is called."""
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import building
import stores
from building import run

NAMES = ["ana", "100% \"quoted\" $HOME ${HOME} it's @STORE@ back\\slash\\"]


def verify(units, place):
    """Units of a user's manager, as if that had just started."""
    environment = {"PATH": "/usr/bin:/bin", "HOME": str(place), "XDG_RUNTIME_DIR": str(place)}
    done = subprocess.run(["systemd-analyze", "--user", "--man=no", "verify", *map(str, units)],
                          capture_output=True, env=environment, check=False, timeout=120)
    assert done.returncode == 0, done.stderr.decode()
    assert not done.stderr, done.stderr.decode()


def main():
    if not shutil.which("systemd-analyze"):
        print("skip: systemd-analyze is not installed")
        sys.exit(77)
    with stores.workplace() as place:
        # By component, which leaves the list of what uninstall removes alone.
        run("cmake", "--install", building.BUILD, "--component", "Unspecified", "--prefix",
            place / "usr")
        installed = sorted((place / "usr" / "lib" / "systemd" / "user").iterdir())
        assert len(installed) == 7, installed
        verify(installed, place)
        for index, name in enumerate(NAMES):
            store = stores.new_chain(place / name, f"name{index}")
            folder = place / f"units{index}"
            folder.mkdir()
            for one in store.objects("schedule", "--systemd", "--backup", place / name):
                (folder / os.path.basename(one["file"])).write_text(one["text"])
            assert len(list(folder.iterdir())) == 7
            verify(sorted(folder.iterdir()), place)


main()
