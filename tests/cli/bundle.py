#!/usr/bin/env python3
"""Two stores that never meet hold a conversation by files alone; and every way to make a bundle and
to take it in."""
import pathlib
import shlex
import struct
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import hooks  # noqa: E402
import stores  # noqa: E402
from bundles import apply, frames, height, kinds, newcomer, standing, wait_for_height  # noqa: E402

ROUNDS = 5


def texts(store):
    return [one["body"] for one in store.objects("inbox", "--bodies")]


def check_conversation(place):
    """No network, no card files: what the two know of each other came in bundles."""
    ana = stores.new_chain(place / "ana", "ana")
    ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
    for one, other in ((ana, ben), (ben, ana)):  # The cards.
        one.run("mine", "--no-relay")
        one.run("bundle", "create", place / f"hello-{other.directory.name}")
        apply(other, place / f"hello-{other.directory.name}")
    ana.run("contact", "add", "ben", ben.text("id"))
    ben.run("contact", "add", "ana", ana.text("id"))
    common = height(ana)
    assert common == height(ben) == 2
    for number in range(ROUNDS):
        for writer, reader, name in ((ana, ben, "ben"), (ben, ana, "ana")):
            said, waits = f"{name} {number} mined", f"{name} {number} waits"
            if number == 0:
                writer.run("send", "-m", said, name)
            else:
                writer.run("reply", "@", "-m", said)
            writer.run("mine", "--no-relay")
            after = writer.text("send", "-m", waits, name)
            stick = place / f"stick-{name}-{number}"
            made = writer.objects("bundle", "create", "--since", common, "--pool", stick)
            assert [one["type"] for one in made] == ["sync", "summary"], made
            assert kinds(stick.read_bytes()) == "G" + "B" * (height(writer) - common) + "ME"
            assert made[0]["pushed_blocks"] == height(writer) - common and made[0]["peer"] == str(stick)
            assert made[0]["pushed_messages"] == 1 and made[0]["pushed_bytes"] == stick.stat().st_size
            told = {one["id"]: one for one in writer.objects("outbox")}
            assert told[after]["state"] == "pooled", told[after]  # A file is no proof of arrival.
            done = apply(reader, stick)
            assert (done.stdout, done.stderr) == (b"", b""), done
            assert reader.text("ls-pool").split() == [after]
            got = texts(reader)
            assert said in got and waits in got, got
            common = height(reader)
            assert reader.text("rev-parse", "tip") == writer.text("rev-parse", "tip")
            reader.run("verify")
    assert len(texts(ana)) == len(texts(ben)) == 2 * ROUNDS
    return ana, ben


def check_repeats(ana, ben, place):
    """Twice is as good as once, and a summary says what was there already."""
    file = place / "whole"
    ana.run("bundle", "create", "--pool", file)
    before = standing(ben)
    sync, summary = ben.objects("bundle", "apply", file)
    assert sync["pulled_blocks"] == sync["pulled_messages"] == 0 and sync["error"] is None, sync
    assert sync["pulled_bytes"] == file.stat().st_size and sync["peer"] == str(file), sync
    assert summary["blocks_known"] == height(ana) and summary["command"] == "bundle", summary
    assert standing(ben) == before
    ana.run("bundle", "create", file, exits=(73,))
    ana.run("bundle", "create", place / "no" / "such", exits=(73,))
    assert not list(place.glob(".whole*")), "something was left"
    assert file.stat().st_mode & 0o777 == 0o600
    ana.run("bundle", "apply", place / "absent", exits=(66,))
    ana.run("bundle", "apply", place, exits=(66,))


def check_since(ana, place):
    """Every way to say where the other stands, by the blocks that come."""
    blocks = ana.objects("log", "--reverse")
    top = blocks[-1]["height"]

    def given(*options):
        pack = ana.run("bundle", "create", *options, "-")
        return [struct.unpack_from(">I", payload, 4)[0]
                for kind, _, payload in frames(pack) if kind == "B"]

    assert given() == list(range(1, top + 1))
    third = blocks[3]
    for since in ("3", third["hash"], f"3:{third['hash'][-8:]}", f"tip~{top - 3}",
                  f"@{third['unix'] + 1}"):
        assert given("--since", since) == list(range(4, top + 1)), since
    assert given("--since", f"@{third['unix']}") == list(range(3, top + 1))
    assert given("--since", "7d") == list(range(1, top + 1))
    for since in ("tip", top, top + 1, 10 ** 9, 10 ** 20, f"@{2 ** 40}"):
        assert given("--since", since) == [], since
    empty = place / "empty"
    ana.run("bundle", "create", "--since", "tip", empty)
    assert kinds(empty.read_bytes()) == "GE"
    apply(ana, empty)
    ana.run("bundle", "create", "--since", "0" * 128, "-", exits=(66,))
    ana.run("bundle", "create", "--since", "yesterday", place / "never", exits=(64,))
    assert not list(place.glob("*never*")), "something was left"


def check_side_branch(ana, place):
    """--since a block that lost: from where the branches part."""
    left, right = ana.copy_to(place / "left"), ana.copy_to(place / "right")
    base = height(ana)
    left.run("mine", "--no-relay", "--allow-empty", "-n", "2")
    lost = left.text("rev-parse", "tip")
    right.run("mine", "--no-relay", "--allow-empty", "-n", "4")
    right.run("bundle", "create", "--since", base, place / "right.bundle")
    firm = left.copy_to(place / "firm")
    recorders = [hooks.Recorder(left, name).enable() for name in ("post-reorg", "post-sync")]
    done = subprocess.run(firm.words("-c", "max_reorg=1", "bundle", "apply", place / "right.bundle"),
                          capture_output=True, env=firm.environment, check=False)
    assert done.returncode == 3 and b"kept and not followed" in done.stderr, done
    assert firm.text("rev-parse", "tip") == lost
    dry = left.text("bundle", "apply", "--dry-run", place / "right.bundle")
    assert "beside the best chain" in dry and left.text("rev-parse", "tip") == lost, dry
    apply(left, place / "right.bundle", says=b"switched to a heavier branch 2 blocks deep")
    assert left.text("rev-parse", "tip") == right.text("rev-parse", "tip")
    (reorg, _), = recorders[0].take()
    assert reorg[0]["type"] == "reorg" and reorg[0]["from"] == lost, reorg
    (told, _), = recorders[1].take()
    assert [one["type"] for one in told] == ["sync", "summary"] and told[0]["reorg_depth"] == 2, told
    pack = left.run("bundle", "create", "--since", lost, "-")
    assert kinds(pack) == "GBBBBE", kinds(pack)


def bundle_and_newcomer(ana, place):
    file = place / "first"
    ana.run("send", "--public", "-m", "waits too")
    ana.run("bundle", "create", "--pool", file)
    assert kinds(file.read_bytes()).endswith("BMME")
    return file, newcomer(place / "eve", place / "ana" / "genesis")


def check_dry_run(file, ana, eve):
    before = standing(eve)
    top = height(ana)
    lines = eve.text("bundle", "apply", "--dry-run", file).splitlines()
    genesis = eve.text("rev-parse", "0")
    assert lines == [f"bundle {file}: blocks 1 to {top}", f"blocks {top} new, 0 known",
                     f"after 0:{genesis[-8:]}", "messages 2 new, 0 known"], lines
    sync, summary = eve.objects("bundle", "apply", "--dry-run", file)
    assert sync["pulled_blocks"] == summary["blocks"] == top and sync["pulled_messages"] == 2
    assert standing(eve) == before
    lines = ana.text("bundle", "apply", "--dry-run", file).splitlines()
    assert lines[1:] == [f"blocks 0 new, {top} known", "messages 0 new, 2 known"], lines


def check_pipe(ana, eve, place):
    """The form that goes through ssh, also into a store that a node is running on."""
    for number, serves in enumerate((False, True)):
        twin = eve.copy_to(place / f"pipe{number}")
        line = " | ".join(" ".join(map(shlex.quote, words)) for words in (
            ana.words("bundle", "create", "--since", "7d", "--pool", "-"),
            twin.words("bundle", "apply", "-")))

        def run():
            done = subprocess.run(["bash", "-o", "pipefail", "-c", line], capture_output=True,
                                  env=ana.environment, timeout=60, check=False)
            assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), done

        if serves:
            with twin.served():
                run()
        else:
            run()
        assert twin.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
        waiting = ana.text("ls-pool").split()
        assert len(waiting) == 2 and set(waiting) <= set(twin.text("ls-pool").split())


def check_lock(file, ana, eve):
    """A slow giver keeps nobody from writing: the lock is free while a pipe is waited for."""
    good = file.read_bytes()
    second = [at for kind, at, _ in frames(good) if kind == "B"][1]
    twin = eve.copy_to(eve.directory.parent / "slow")
    process = twin.start("bundle", "apply", "-", stdin=subprocess.PIPE)
    process.stdin.write(good[:second])
    process.stdin.flush()
    assert wait_for_height(twin, process, 1), "it did not wait for the rest"
    twin.run("--lock-timeout", 5, "mine", "--no-relay", "--allow-empty")
    process.stdin.write(good[second:])
    _, said = process.communicate(timeout=30)
    assert process.returncode == 0, said  # What was mined meanwhile had less work.
    assert twin.text("rev-parse", "tip") == ana.text("rev-parse", "tip")


def main():
    with stores.workplace() as place:
        ana, ben = check_conversation(place)
        check_repeats(ana, ben, place)
        check_since(ana, place)
        check_side_branch(ana, place)
        file, eve = bundle_and_newcomer(ana, place)
        check_dry_run(file, ana, eve)
        check_lock(file, ana, eve)
        check_pipe(ana, eve, place)


main()
