#!/usr/bin/env python3
"""A mirror is the very bytes that serve answers; only what is new is written and only what does not
belong there removed; a store that trusts nothing syncs from it, and is hurt by no altered file."""
import contextlib
import fcntl
import os
import pathlib
import shutil
import struct
import subprocess
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
import web  # noqa: E402

FLIPS = 30
DEPTH = 4  # max_reorg


def mine(store, count):
    store.run("mine", "--allow-empty", "--no-relay", "-n", count)


def files_of(tree):
    root = tree / "bmsg" / "1"
    return {str(path.relative_to(root)): path.read_bytes() for path in root.rglob("*")
            if path.is_file() and not path.is_symlink()}


def mirrored(store, tree, *options):
    """Runs mirror; files and bytes written, as it says."""
    lines = store.text("mirror", tree, *options).split("\n")
    words = lines[0].split()
    assert words[1::2] == ["files,", "bytes"], lines
    return int(words[0]), int(words[2])


def get(url, path, **fields):
    request = urllib.request.Request(f"{url}/bmsg/1/{path}", headers=fields)
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read(), answer.headers


@contextlib.contextmanager
def held(directory):
    """What another mirror does while it writes there."""
    descriptor = os.open(directory, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    yield
    os.close(descriptor)


def height(store):
    return store.objects("status")[0]["height"]


def check_young(ana, place):
    """Before anything is settled there is genesis, and an info that names no more than that."""
    mine(ana, 16 + DEPTH - 1)  # Block 15 is not yet deeper than max_reorg.
    assert mirrored(ana, place / "young")[0] == 2
    assert sorted(files_of(place / "young")) == ["genesis", "info"]
    fresh = stores.joined(place / "young-client", "y", ana.directory / "genesis")
    with web.files(place) as (port, _):
        fresh.run("sync", f"http://127.0.0.1:{port}/young")
    assert height(fresh) == 0
    mine(ana, 1)
    assert mirrored(ana, place / "young")[0] == 2  # The first blocks, and info.
    assert "blocks/0/16" in files_of(place / "young")


def check_bytes(ana, tree):
    """Beside a running node: what it answers is what lies there."""
    mine(ana, 20)
    with ana.served() as url:
        written = mirrored(ana, tree)
        files = files_of(tree)
        assert sorted(files) == ["blocks/0/16", "blocks/16/16", "genesis", "info"], sorted(files)
        assert written == (4, sum(map(len, files.values())))
        for path, content in files.items():
            if path == "info":
                continue
            answer, fields = get(url, path)
            assert answer == content, path
            assert fields["Cache-Control"] == "public, max-age=31536000, immutable", path
            try:
                get(url, path, **{"If-None-Match": fields["ETag"]})
                raise AssertionError("sent again")
            except urllib.error.HTTPError as same:
                assert same.code == 304 and same.read() == b"" and same.headers["ETag"]
        for path in ("info", "feed", "blocks/32/16", "blocks/1/15", "headers/0/2000", "blocks/0/8"):
            assert get(url, path)[1]["Cache-Control"] == "no-store", path
    before = {path: path.stat().st_mtime_ns for path in tree.rglob("*")}
    assert mirrored(ana, tree) == (0, 0)
    assert before == {path: path.stat().st_mtime_ns for path in tree.rglob("*")}
    for path in tree.rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


def check_growth(ana, tree):
    before = files_of(tree)
    mine(ana, 16)
    assert mirrored(ana, tree)[0] == 2
    after = files_of(tree)
    assert set(after) - set(before) == {"blocks/32/16"}
    assert {path for path in before if before[path] != after[path]} == {"info"}
    # What a run that was killed may have left is mended by the next.
    block = tree / "bmsg/1/blocks/16/16"
    for damage in (before["blocks/16/16"][:-1], before["blocks/16/16"] + b"x", b"",
                   before["blocks/0/16"]):
        block.write_bytes(damage)
        (block.parent / ".new").write_bytes(b"half")
        assert mirrored(ana, tree) == (1, len(before["blocks/16/16"]))
        assert files_of(tree) == after


def check_delete(ana, tree, place):
    """Only what is below DIR/bmsg/1 and does not belong there; links go, their targets stay."""
    before = files_of(tree)
    root = tree / "bmsg/1"
    outside = place / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    (tree / "index.html").write_text("kept")
    (tree / "bmsg/readme").write_text("kept")
    for path in ("junk", "blocks/junk", "blocks/0/17", "blocks/64/16", "headers/0/2000",
                 "some/where/deep", "blocks/16/.new"):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text("junk")
    (root / "link").symlink_to(outside / "kept")
    (root / "blocks/32/link").symlink_to(outside)
    (root / "blocks/80").symlink_to(outside)
    (root / "dangling").symlink_to(place / "nowhere")
    planted = len(files_of(tree)) - len(before) + 4
    assert mirrored(ana, tree) == (0, 0)
    assert len(files_of(tree)) == len(before) + planted - 4, "removed without being told"
    assert ana.text("mirror", tree, "--delete").split("\n") == ["0 files, 0 bytes",
                                                               f"{planted} removed"]
    assert files_of(tree) == before
    assert not list(root.rglob("*ink")) and not (root / "some").exists()
    assert [(outside / "kept").read_text(), (tree / "index.html").read_text(),
            (tree / "bmsg/readme").read_text()] == ["kept"] * 3
    assert ana.objects("mirror", tree, "--delete")[0]["removed"] == 0


def check_links(ana, tree, place):
    """Nothing is written through a link."""
    before = files_of(tree)
    outside = place / "outside"
    block = tree / "bmsg/1/blocks/16/16"
    block.unlink()
    block.symlink_to(outside / "kept")
    assert mirrored(ana, tree)[0] == 1
    assert files_of(tree) == before and (outside / "kept").read_text() == "kept"
    shutil.rmtree(block.parent)
    block.parent.symlink_to(outside)
    for options in ((), ("--delete",)):
        ana.run("mirror", tree, *options, exits=(73,))
        assert [path.name for path in outside.iterdir()] == ["kept"]
    block.parent.unlink()
    assert mirrored(ana, tree)[0] == 1
    with held(tree / "bmsg/1"):
        ana.run("--lock-timeout", 0, "mirror", tree, exits=(75,))
    assert mirrored(ana, tree) == (0, 0)
    (outside / "file").write_text("")
    ana.run("mirror", outside / "file", exits=(73,))
    ana.run("mirror", outside / "missing/tree", exits=(73,))


def check_other_chain(ana, tree, place):
    other = stores.new_chain(place / "other", "other")
    before = files_of(tree)
    other.run("mirror", tree, "--delete", exits=(65,))
    assert files_of(tree) == before


def check_less(ana, tree):
    """With a larger max_reorg less is settled: info says so, and --delete takes the rest away."""
    before = files_of(tree)
    with_more = ("-c", "max_reorg=30")
    assert mirrored(ana, tree, *with_more)[0] == 1
    assert set(files_of(tree)) == set(before)
    ana.run("mirror", tree, "--delete", *with_more)
    assert sorted(files_of(tree)) == ["blocks/0/16", "genesis", "info"]
    assert mirrored(ana, tree)[0] == 3
    assert files_of(tree) == before


def check_sync(ana, tree, fresh):
    """A store that has only the rules text takes it all, pushes nothing, and says what it is."""
    ben = fresh.copy_to(fresh.directory.parent / "ben")
    with web.files(tree.parent) as (port, asked):
        url = f"http://127.0.0.1:{port}/{tree.name}"
        said = ben.objects("sync", url)[0]
        assert (said["pulled_blocks"], said["pushed_blocks"]) == (47, 0), said
        assert sorted(asked) == [f"/{tree.name}/bmsg/1/{path}" for path in
                                 ("blocks/0/16", "blocks/16/16", "blocks/32/16", "info")], asked
        assert ben.text("rev-parse", "tip") == ana.text("rev-parse", "47")
        assert ben.text("verify", "--full").startswith("OK ")
        ben.run("peers", "add", url)
        assert "mirror: pulled from, given nothing" in ben.text("peers", "show", url)
        assert ben.objects("peers", "show", url)[0]["kind"] == "mirror"
        ben.run("peers", "add", url, "--node", "0" * 64, exits=(64,))
        ben.run("peers", "probe", url)
        mine(ben, 1)
        ben.run("send", "--public", "-m", "not for files")
        asked.clear()
        for options in ((), ("--pull",), ("--push",)):
            said = ben.objects("sync", *options)[0]
            assert said["pushed_messages"] + said["pushed_blocks"] == 0, said
            assert said["pulled_blocks"] == 0, said
        assert set(asked) == {f"/{tree.name}/bmsg/1/info"}, asked
        young = stores.joined(tree.parent / "cleo", "cleo", url + "/")
        assert height(young) in (0, 47)


def refused(fresh, url, hashes, tag, exits=(65, 76), says=()):
    """A fresh store is hurt by nothing: what it took is the beginning of the chain."""
    victim = fresh.copy_to(fresh.directory.parent / "victim")
    done = subprocess.run(victim.words("sync", url), capture_output=True, timeout=60, check=False,
                          env=victim.environment)
    assert done.returncode in exits, (tag, done)
    assert all(text.encode() in done.stderr for text in says), (tag, done.stderr)
    got = victim.text("rev-list", "--reverse").split("\n")
    assert got == hashes[:len(got)], tag
    assert victim.text("verify", "--full").startswith("OK "), tag
    shutil.rmtree(victim.directory)
    return len(got)


def check_damage(ana, tree, fresh, random):
    hashes = ana.text("rev-list", "--reverse").split("\n")
    root = tree / "bmsg/1"
    good = files_of(tree)
    blocks = sorted(path for path in good if path.startswith("blocks/"))
    with web.files(tree.parent) as (port, _):
        url = f"http://127.0.0.1:{port}/{tree.name}"
        for _ in range(FLIPS):
            path = random.choice(blocks)
            at, bit = random.randrange(len(good[path])), 1 << random.randrange(8)
            bad = bytearray(good[path])
            bad[at] ^= bit
            (root / path).write_bytes(bad)
            # Genesis is never taken from there: of its bytes those alone matter that part frames.
            unused = path == blocks[0] and at < 9 + struct.unpack_from(">I", good[path], 5)[0]
            refused(fresh, url, hashes, f"{path} {at} ^{bit}", (0, 65, 76) if unused else (65, 76))
            (root / path).write_bytes(good[path])
        for path in blocks:
            for size in (0, 3, 4, 9, len(good[path]) // 2, len(good[path]) - 1):
                (root / path).write_bytes(good[path][:size])
                refused(fresh, url, hashes, f"{path} cut to {size}")
            (root / path).unlink()
            refused(fresh, url, hashes, f"{path} missing", (76,), (f"404 to /bmsg/1/{path}",))
            (root / path).write_bytes(good[path])
        for _ in range(FLIPS // 3):  # What info claims does not hold, or nothing depends on it.
            bad = bytearray(good["info"])
            bad[random.randrange(len(bad))] ^= 1 << random.randrange(7)
            (root / "info").write_bytes(bad)
            refused(fresh, url, hashes, f"info {bytes(bad)}", (0, 3, 65, 76, 78))
        huge = good["info"].replace(b'"height":47', b'"height":4294967295')
        for bad in (huge, good["info"].replace(b'"height":47', b'"height":63'), b"", b"x" * 20000):
            (root / "info").write_bytes(bad)
            assert refused(fresh, url, hashes, "info", (76,)) == 1
        (root / "info").write_bytes(good["info"])
        (root / "info").rename(root / "away")
        refused(fresh, url, hashes, "no info", (76,), ("404 to /bmsg/1/info",))
        (root / "away").rename(root / "info")
        assert refused(fresh, url, hashes, "whole again", (0,)) == 48


def check_rewritten(tree, fresh):
    """A tree whose later part is of another branch: the client keeps to what the headers say."""
    rival = tree.parent / "rival-tree"
    shutil.copytree(tree, rival)
    third = fresh.copy_to(tree.parent / "third")
    mine(third, 60)  # No ancestor but genesis in common.
    third.run("config", "set", "max_reorg", DEPTH)
    third.run("mirror", rival)
    hashes = third.text("rev-list", "--reverse").split("\n")
    shutil.copy(tree / "bmsg/1/blocks/16/16", rival / "bmsg/1/blocks/16/16")
    with web.files(tree.parent) as (port, _):
        url = f"http://127.0.0.1:{port}/{rival.name}"
        assert refused(fresh, url, hashes, "two branches", (76,), ("continue each other",)) == 1
        assert mirrored(third, rival)[0] == 1
        assert refused(fresh, url, hashes, "one branch", (0,)) == 48


def main():
    random = stores.seeded_random()
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        ana.run("config", "set", "max_reorg", DEPTH)
        fresh = stores.joined(place / "fresh", "fresh", ana.directory / "genesis")
        tree = place / "tree"
        check_young(ana, place)
        check_bytes(ana, tree)
        check_growth(ana, tree)
        check_delete(ana, tree, place)
        check_links(ana, tree, place)
        check_other_chain(ana, tree, place)
        check_less(ana, tree)
        check_sync(ana, tree, fresh)
        check_damage(ana, tree, fresh, random)
        check_rewritten(tree, fresh)


main()
