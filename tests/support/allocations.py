"""How often a command asks for memory, which grows as its work does and not with the load of the machine,
and how it fares where it gets none."""
import pathlib
import struct
import subprocess

import stores

LIBRARY = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "libno_memory.so"


class Allocations:
    """Commands whose allocations are counted in a file in `place`."""

    def __init__(self, place):
        self.file = place / "allocations"

    def run(self, store, *words, at=0, **options):
        """What it did, how often it asked, and how often it got nothing from the `at`-th time on."""
        self.file.write_bytes(bytes(16))
        variables = {"LD_PRELOAD": str(LIBRARY), "BMSG_NO_MEMORY_COUNT": str(self.file),
                     "BMSG_NO_MEMORY_AT": str(at)}
        done = subprocess.run(store.words(*words), env=store.environment | variables,
                              capture_output=True, check=False, **({"timeout": 120} | options))
        return done, *struct.unpack("=QQ", self.file.read_bytes())

    def of(self, store, *words, exits=(0,), **options):
        """How often it asked, and what it printed."""
        done, calls, _ = self.run(store, *words, **options)
        assert done.returncode in exits, (words[:4], done.returncode, done.stderr[-500:])
        return calls, done.stdout
