#!/usr/bin/env python3
"""`resend` of a message with files: they go out in chunks of their own, which last as long as the
new message, whatever becomes of the old ones; where a chunk is missing nothing is sent."""
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

CHUNK = 262144
SIZES = (0, 1, CHUNK, 2 * CHUNK + 1)
CHUNKS = 0 + 1 + 1 + 3 + len(SIZES)  # And an index for each.


def own(store):
    """Paths of the chunks of own files, by their names."""
    return {file.name: file for file in (store.directory / "blobs" / "own").glob("?/[!.]*")}


def expiry_of(name):
    return int(name.split("-")[1], 16)


def hand_over(ana, ben, names):
    """Ana's messages, and of her chunks these."""
    ana.run("outbox", "flush")
    ben.run("bundle", "apply", "-", input=ana.run("bundle", "create", "-", "--pool"))
    for name in names:
        place = ben.directory / "blobs" / "kept" / name[0]
        place.mkdir(parents=True, exist_ok=True)
        shutil.copy(own(ana)[name], place / name)


def refused(store, *words):
    done = subprocess.run(store.words(*words), capture_output=True, env=store.environment,
                          check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr.decode()


def check_again(work, ana, ben):
    """The old chunks are gone, as they are when the old message expires: the new ones are enough."""
    words = []
    for size in SIZES:
        (work / f"file{size}").write_bytes(os.urandom(size))
        words += ["-a", work / f"file{size}"]
    first = ana.text("send", "-m", "with files", "--expires", "2h", *words, "ben")
    before = own(ana)
    assert len(before) == CHUNKS, before
    second = ana.text("resend", first)
    fresh = {name: file for name, file in own(ana).items() if name not in before}
    assert len(fresh) == CHUNKS, fresh
    month = 30 * 86400
    assert min(map(expiry_of, fresh)) > max(map(expiry_of, before)) + month - 3 * 3600
    assert not list((ana.directory / "blobs").glob("upload-*")), "an upload was not ended"
    for file in before.values():
        file.unlink()
    hand_over(ana, ben, fresh)
    into = work / "into"
    into.mkdir()
    [shown] = ben.objects("read", second, "--attachments", into)
    assert [one["name"] for one in shown["attachments"]] == [f"file{size}" for size in SIZES]
    for size, one in zip(SIZES, shown["attachments"]):
        content = (work / f"file{size}").read_bytes()
        assert pathlib.Path(one["path"]).read_bytes() == content
    assert ben.text("read", second, "--body") == "with files"
    assert shown["reply_to"] == first, shown
    return second


def check_missing(ana, second):
    """Whichever chunk it is, or a chunk that is damaged: the file is named, and nothing is made."""
    queued = ana.objects("outbox")
    for name, file in sorted(own(ana).items()):
        content = file.read_bytes()
        file.unlink()
        before = own(ana)
        code, out, told = refused(ana, "resend", second)
        assert (code, out) == (66, b"") and "is not whole here any more" in told, (code, told)
        assert "'file" in told and "bmsg send -a FILE" in told, told
        assert own(ana).keys() == before.keys() and ana.objects("outbox") == queued, told
        file.write_bytes(content)
    assert ana.text("resend", second) != second


def check_whose(ben, second):
    code, out, told = refused(ben, "resend", second)
    assert (code, out) == (77, b"") and "none of ours" in told, told


def check_public(work, ana):
    before = own(ana)
    first = ana.text("send", "--public", "-m", "to all", "-a", work / "file1")
    second = ana.text("resend", first)
    assert len(own(ana)) == len(before) + 4
    assert ana.run("cat", "--file", 0, second) == (work / "file1").read_bytes()


def main():
    with stores.workplace() as work:
        ana = stores.Store(work / "ana")
        ana.run("init", ana.directory, "--name", "ana", "--floor", 8, "--stamp", 0,
                "--no-passphrase")
        ben = stores.joined(work / "ben", "ben", work / "ana" / "genesis")
        for one, other, name in ((ana, ben, "ben"), (ben, ana, "ana")):
            one.run("contact", "add", name, "-", input=other.run("id", "--card"))
        second = check_again(work, ana, ben)
        check_missing(ana, second)
        check_whose(ben, second)
        check_public(work, ana)


main()
