"""Bundles for the scripts that test them: taken apart, put together, applied."""
import hashlib
import struct
import subprocess
import time

import stores


def frames(pack):
    """Type, offset and payload of each frame."""
    assert pack[:4] == b"bmP1"
    found, at = [], 4
    while at < len(pack):
        kind, length = struct.unpack_from(">cI", pack, at)
        found.append((kind.decode(), at, pack[at + 5:at + 5 + length]))
        at += 5 + length
    return found


def pack_of(*parts):
    pack = b"bmP1"
    for kind, payload in parts:
        pack += struct.pack(">cI", kind.encode(), len(payload)) + payload
    return pack + struct.pack(">cI", b"E", 64) + hashlib.sha512(pack).digest()


def kinds(pack):
    return "".join(kind for kind, _, _ in frames(pack))


def standing(store):
    """What must not change where nothing was taken in."""
    return store.text("rev-parse", "tip"), store.text("count")


def newcomer(directory, genesis):
    """A store that has only genesis, and its own card in the pool."""
    store = stores.joined(directory, directory.name, genesis)
    store.run("make-block")  # Takes in the outbox, as everything does that opens a node.
    return store


def height(store):
    return store.objects("status")[0]["height"]


def apply(store, file, *options, says=b"", exits=(0,), **more):
    """Applies a bundle; what it complains of must hold `says`."""
    done = subprocess.run(store.words("bundle", "apply", file, *options), capture_output=True,
                          env=store.environment, check=False, **({"timeout": 60} | more))
    assert done.returncode in exits, (options, done.returncode, done.stderr)
    assert says in done.stderr, (says, done.stderr)
    return done


def wait_for_height(store, process, wanted):
    """Until the witness tells of a block, which is durable then; False if the process ends before."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            return False
        try:
            lines = (store.directory / "witness").read_text().splitlines()
            if max(int(line.split()[0]) for line in lines) >= wanted:
                return True
        except (FileNotFoundError, IndexError, ValueError):
            pass
    raise AssertionError(f"no block {wanted} within 30 s")
