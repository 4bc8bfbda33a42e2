"""What a build directory makes: packages and installations. BMSG lies in it."""
import contextlib
import os
import pathlib
import subprocess

import stores

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(stores.PROGRAM).resolve().parent
MANIFEST = BUILD / "install_manifest.txt"


def run(*words, **options):
    """A program to its end; its output. What it complained of is in the error."""
    done = subprocess.run([str(word) for word in words], capture_output=True, check=False,
                          text=True, **({"timeout": 300} | options))
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, words))} exited {done.returncode}: "
                             f"{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def package(directory, epoch):
    """Makes the Debian package in `directory`; its path."""
    run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", directory,
        env=os.environ | {"SOURCE_DATE_EPOCH": str(epoch)})
    found = list(directory.glob("*.deb"))
    assert len(found) == 1, found
    return found[0]


@contextlib.contextmanager
def manifest_kept():
    """Whoever installed from this build directory can still uninstall afterwards."""
    before = MANIFEST.read_bytes() if MANIFEST.exists() else None
    try:
        yield
    finally:
        MANIFEST.unlink(missing_ok=True)
        if before is not None:
            MANIFEST.write_bytes(before)


def pages():
    """The names of all manual pages but the one that comes with a program of its own."""
    return sorted(page.name for page in (SOURCE / "man").iterdir()
                  if page.name != "bmsg-discover.1")
