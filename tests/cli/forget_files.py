#!/usr/bin/env python3
"""`forget` of a message with files: its chunks go too, its own and those that were kept, unless
another message needs them, and the room comes back."""
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

CHUNK = 262144
SIZE = 2 * CHUNK
CHUNKS = 3  # With the index.


def blobs(store, shelf):
    return {file.name for file in (store.directory / "blobs" / shelf).glob("?/[!.]*")}


def du(directory):
    return sum(file.stat().st_blocks * 512 for file in directory.rglob("*") if file.is_file())


def forget(store, *words, exits=(0,)):
    """The summary, and what was told on the error stream."""
    done = subprocess.run(store.words("forget", *words, "--json"), capture_output=True,
                          env=store.environment, check=False, timeout=60)
    assert done.returncode in exits, done
    [summary] = [line for line in done.stdout.splitlines() if b'"summary"' in line]
    return stores.json.loads(summary), done.stderr.decode()


def new_file(work, name):
    file = work / name
    file.write_bytes(os.urandom(SIZE))
    return file


def bury(ana, *others):
    for _ in range(7):  # A young block wants descendants.
        ana.run("mine", exits=(0, 1))
    with ana.served() as url:
        for other in others:
            other.run("sync", url)


def copy_chunks(ana, ben):
    """What Ben's node would have kept of Ana's."""
    shutil.copytree(ana.directory / "blobs" / "own", ben.directory / "blobs" / "kept",
                    dirs_exist_ok=True)


def check_own_and_kept(work, ana, ben, cleo):
    first, second = (ana.text("send", "-m", name, "-a", new_file(work, name), "ben")
                     for name in ("one", "two"))
    plain = ana.text("send", "-m", "no file", "ben")
    bury(ana, ben, cleo)
    copy_chunks(ana, ben)
    before = blobs(ana, "own")
    assert len(before) == 2 * CHUNKS and blobs(ben, "kept") == before
    for store, shelf in ((ana, "own"), (ben, "kept")):
        planned, _ = forget(store, first, "--dry-run")
        assert planned["chunks"] == CHUNKS and blobs(store, shelf) == before, planned
        none, _ = forget(store, plain, "--yes")
        assert none["chunks"] == 0 and blobs(store, shelf) == before, none
        used = du(store.directory / "blobs")
        done, told = forget(store, first, "--yes")
        assert (done["messages"], done["chunks"]) == (1, CHUNKS), (done, told)
        left = blobs(store, shelf)
        assert len(left) == CHUNKS and left < before, left
        fell = used - du(store.directory / "blobs")
        assert fell >= SIZE and done["freed"] >= 0.8 * fell, (fell, done)
        assert store.run("cat", "--file", 0, second) == (work / "two").read_bytes()
        again, _ = forget(store, first, "--yes")
        assert (again["messages"], again["chunks"]) == (0, 0), again
    text = ben.text("forget", second, "--yes")
    assert f"1 message forgotten, " in text and f"{CHUNKS} chunks of files" in text, text
    assert blobs(ben, "kept") == set() and len(blobs(ana, "own")) == CHUNKS
    return second


def check_shared(work, ana, ben, cleo):
    """One upload, two messages, since the inboxes of the two differ: the last one takes it along."""
    cleo.run("id", "set", "--inbox-bits", 8)
    for one, other in ((ana, cleo), (cleo, ana)):
        one.run("contact", "add", other.directory.name, "-", input=other.run("id", "--card"))
    before = blobs(ana, "own")
    ids = ana.text("send", "-m", "both", "-a", new_file(work, "both"), "ben", "cleo").split()
    assert len(ids) == 2, ids
    bury(ana, ben, cleo)
    assert len(blobs(ana, "own")) == len(before) + CHUNKS
    one, _ = forget(ana, ids[0], "--yes")
    assert one["chunks"] == 0 and len(blobs(ana, "own")) == len(before) + CHUNKS, one
    other, _ = forget(ana, ids[1], "--yes")
    assert other["chunks"] == CHUNKS and blobs(ana, "own") == before, other


def check_killed(work, ana, ben):
    """Of one that was killed the index is left, and tells the next one what else there was."""
    before = blobs(ana, "own")
    message = ana.text("send", "-m", "killed", "-a", new_file(work, "killed"), "ben")
    bury(ana, ben)
    fresh = [file for file in (ana.directory / "blobs" / "own").glob("?/[!.]*")
             if file.name not in before]
    index = min(fresh, key=lambda file: file.stat().st_size)
    next(file for file in fresh if file != index).unlink()
    done, _ = forget(ana, message, "--yes")
    assert done["chunks"] == CHUNKS - 1 and blobs(ana, "own") == before, done


def check_locked(work, ana, ben):
    """Without the passphrase nobody knows which chunks: said, and the rest is done."""
    before = blobs(ana, "own")
    message = ana.text("send", "-m", "locked", "-a", new_file(work, "locked"), "ben")
    bury(ana, ben)
    store = ana.copy_to(work / "locked-ana")
    words = work / "words"
    words.write_text("a long passphrase\n")
    store.run("passwd", "--new-passphrase-file", words)
    done, told = forget(store, message, "--yes", exits=(3,))
    assert (done["messages"], done["chunks"], done["ok"]) == (1, 0, False), done
    assert "stay until they expire" in told, told
    assert len(blobs(store, "own")) == len(before) + CHUNKS
    other = ana.copy_to(work / "unlocked-ana")
    other.run("passwd", "--new-passphrase-file", words)
    done, told = forget(other, message, "--yes", "--passphrase-file", words)
    assert done["chunks"] == CHUNKS and blobs(other, "own") == before, (done, told)
    return message


def check_asked(work, ana, ben):
    """Whoever follows the author lets the kept chunks go as well."""
    ben.run("config", "set", "forget.honour", "true")
    before = blobs(ben, "kept")
    message = ana.text("send", "-m", "asked", "-a", new_file(work, "asked"), "ben")
    bury(ana, ben)
    copy_chunks(ana, ben)
    assert ben.run("cat", "--file", 0, message) == (work / "asked").read_bytes()
    mine = len(blobs(ana, "own"))
    done, _ = forget(ana, message, "--ask-peers", "--yes")
    assert (done["asked"], done["chunks"]) == (1, CHUNKS), done
    assert len(blobs(ana, "own")) == mine - CHUNKS
    with ana.served() as url:
        ben.run("sync", url)
    ben.run("inbox")
    assert ben.run("read", message, exits=(66,)) == b""
    assert blobs(ben, "kept") & (blobs(ana, "own") | before) == blobs(ben, "kept")


def main():
    with stores.workplace() as work:
        ana = stores.Store(work / "ana")
        ana.run("init", ana.directory, "--name", "ana", "--floor", 8, "--stamp", 0,
                "--no-passphrase")
        ben = stores.joined(work / "ben", "ben", work / "ana" / "genesis")
        cleo = stores.joined(work / "cleo", "cleo", work / "ana" / "genesis")
        for one, other in ((ana, ben), (ben, ana)):
            one.run("contact", "add", other.directory.name, "-", input=other.run("id", "--card"))
        check_own_and_kept(work, ana, ben, cleo)
        check_shared(work, ana, ben, cleo)
        check_killed(work, ana, ben)
        check_locked(work, ana, ben)
        check_asked(work, ana, ben)


main()
