#!/usr/bin/env python3
"""What `cmake --install` puts somewhere, the target uninstall takes away, and nothing else."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import building
import stores
from building import run


def files_in(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*")
                  if not path.is_dir())


def check_destdir(place):
    variables = {"env": os.environ | {"DESTDIR": str(place)}}
    run("cmake", "--install", building.BUILD, "--prefix", "/opt/b", **variables)
    found = files_in(place)
    assert f"opt/b/share/man/man1/{building.pages()[0]}.gz" in found, found
    assert "opt/b/share/zsh/site-functions/_bmsg" in found, found
    unit = (place / "opt" / "b" / "lib" / "systemd" / "user" / "bmsg.service").read_text()
    assert "\nExecStart=/opt/b/bin/bmsg " in unit, unit
    assert str(place) not in unit and "@" not in unit.replace("@system-service", ""), unit
    listed = sorted(line.removeprefix("/") for line in
                    building.MANIFEST.read_text().splitlines())
    assert listed == found
    run("cmake", "--build", building.BUILD, "--target", "uninstall", **variables)
    assert list(place.iterdir()) == [], files_in(place)


def check_neighbours(place):
    """A prefix that others use too: their files and directories stay."""
    others = ["bin/other", "share/man/man1/other.1", "share/doc/bmsg-other/README"]
    for name in others:
        (place / name).parent.mkdir(parents=True)
        (place / name).write_text("text")
    run("cmake", "--install", building.BUILD, "--prefix", place)
    program = place / "bin" / "bmsg"
    assert run(program, "version", env={}).startswith("bmsg ")
    program.unlink()  # Somebody was faster.
    run("cmake", "--build", building.BUILD, "--target", "uninstall")
    assert files_in(place) == sorted(others)
    assert not (place / "share" / "doc" / "bmsg").exists()
    run("cmake", "--build", building.BUILD, "--target", "uninstall")  # There is nothing left.


def check_without_manifest():
    building.MANIFEST.unlink()
    try:
        run("cmake", "--build", building.BUILD, "--target", "uninstall")
    except AssertionError as error:
        assert "nothing was installed from here" in str(error), error
        return
    raise AssertionError("uninstalls what was never installed")


def main():
    with stores.workplace() as place, building.manifest_kept():
        for name in ("destdir", "prefix"):
            (place / name).mkdir()
        check_destdir(place / "destdir")
        check_neighbours(place / "prefix")
        check_without_manifest()


main()
