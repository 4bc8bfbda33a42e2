"""Packages of npm for the scripts: fetched once into the build directory, nothing of them run on
the way."""
import fcntl
import os
import pathlib
import shutil
import subprocess

PLACE = pathlib.Path(__file__).resolve().parents[2] / "build" / "npm"


class Unavailable(Exception):
    """The package is not here and cannot be fetched, and why."""


def package(name, version):
    """The directory with this version of a package in its node_modules."""
    npm = shutil.which("npm")
    PLACE.mkdir(parents=True, exist_ok=True)
    there = PLACE / f"{name}-{version}"
    with (PLACE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if there.exists():
            return there
        if not npm:
            raise Unavailable("no npm: apt-get install nodejs npm")
        fresh = PLACE / f"{name}-{version}.part"
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        try:
            done = subprocess.run([npm, "install", "--prefix", fresh, "--ignore-scripts", "--no-audit",
                                   "--no-fund", "--no-save", f"{name}@{version}"], timeout=300,
                                  capture_output=True, cwd=fresh, check=False)
        except subprocess.TimeoutExpired as late:
            raise Unavailable(f"no {name}@{version} from npm: it waits for its registry") from late
        if done.returncode != 0:
            said = done.stderr.decode().strip().splitlines() or ["npm says nothing"]
            raise Unavailable(f"no {name}@{version} from npm: {said[0]}")
        os.replace(fresh, there)
    return there
