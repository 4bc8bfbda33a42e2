#!/usr/bin/env python3
"""A damaged store is made sound from what verifies and from a peer; what was lost is named."""
import json
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import moved_clock  # noqa: E402
import stores  # noqa: E402

BLOCKS = 6


def filled(place):
    ana = stores.new_chain(place / "ana", "ana")
    ids = []
    for number in range(BLOCKS):
        ids.append(ana.text("send", "--public", "-m", f"text {number} " + "x" * 3000))
        ana.run("mine", "--no-relay")
    ana.run("inbox")
    return ana, ids


def damaged(ana, place, name, damage):
    copy = ana.copy_to(place / name)
    damage(copy)
    return copy


def roll_back(older):
    """An older chain under a newer witness."""
    def damage(store):
        shutil.rmtree(store.directory / "chain")
        shutil.copytree(older / "chain", store.directory / "chain")
    return damage


def check_sound(ana):
    assert ana.text("repair") == ""
    assert ana.text("repair", "--dry-run") == ""
    (summary,) = ana.objects("repair", "--dry-run")
    assert summary["ok"] and (summary["damaged"], summary["kept"]) == (0, BLOCKS), summary
    assert not list(ana.directory.glob("*.damaged-*"))


def check_flipped(ana, place):
    broken = damaged(ana, place, "flipped", stores.flip_tables)
    broken.run("verify", "--full", exits=(65,))
    before = sorted(p.name for p in broken.directory.iterdir())
    broken.run("repair", "--dry-run", exits=(3,))
    *faults, summary = broken.objects("repair", "--dry-run", exits=(3,))
    assert faults and all(one["type"] == "repaired" and one["state"] == "damaged" and one["text"]
                          for one in faults), faults
    assert (summary["type"], summary["command"], summary["ok"]) == ("summary", "repair", False)
    assert summary["damaged"] == len(faults), (summary, faults)
    broken.run("repair", exits=(64,))  # Nobody there to ask.
    assert sorted(p.name for p in broken.directory.iterdir()) == before
    said = [json.loads(line) for line in
            broken.run("repair", "--yes", "--json", exits=(0, 3)).splitlines()]
    broken.run("verify", "--full")
    assert len(list(broken.directory.glob("chain.damaged-*"))) == 1
    lost = [int(one["id"]) for one in said if one["type"] == "repaired" and one["kind"] == "block"]
    tip = broken.objects("log", "-n", 1)[0]["height"]
    assert lost == list(range(tip + 1, BLOCKS + 1)), (lost, tip)
    broken.run("send", "--public", "-m", "it goes on")
    broken.run("mine", "--no-relay")


def check_clock(ana, place):
    """Blocks of a chain that is ahead of the clock are not lost: repair waits until it is set."""
    def hit(store):
        """Near the end: most blocks can be read."""
        log = max((store.directory / "chain").glob("*.log"), key=lambda file: file.stat().st_size)
        content = bytearray(log.read_bytes())
        content[-200] ^= 0x10
        log.write_bytes(content)
    broken = damaged(ana, place, "early", hit)
    before = sorted(p.name for p in broken.directory.iterdir())
    for words in (["--dry-run"], ["--yes"]):
        done = subprocess.run(moved_clock.words("FAKETIME=-1d", *map(str, broken.words("repair", *words))),
                              env=broken.environment, capture_output=True, check=False)
        assert done.returncode == 75 and b"dated in the future" in done.stderr, done
        assert sorted(p.name for p in broken.directory.iterdir()) == before
    bundle = place / "early.bundle"
    ana.run("bundle", "create", bundle)
    with ana.served() as url:
        for source in (bundle, url):
            done = subprocess.run(
                moved_clock.words("FAKETIME=-1d", *map(str, ana.words()[:1]), "clone", str(source),
                                  str(place / "clone"), "--no-identity", "--no-passphrase"),
                env=ana.environment, capture_output=True, check=False)
            assert done.returncode == 75 and b"dated in the future" in done.stderr, done
            assert not (place / "clone").exists()
    moved_clock.tidy()


def check_from_peer(ana, place):
    broken = damaged(ana, place, "fetched", stores.flip_tables)
    before = sorted(p.name for p in broken.directory.iterdir())
    broken.run("repair", "--yes", "--from-peer", "http://127.0.0.1:1", exits=(69,))
    assert sorted(p.name for p in broken.directory.iterdir()) == before, "put aside for nothing"
    broken.run("verify", "--full", exits=(65,))
    with ana.served() as url:
        assert "lost" not in broken.text("repair", "--yes", "--from-peer", url)
    assert broken.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
    broken.run("verify", "--full")


def check_from_peer_later(ana, place):
    """What no repair could save here comes when a peer has it."""
    broken = damaged(ana, place, "alone", stores.flip_tables)
    broken.run("repair", "--yes", exits=(0, 3))
    with ana.served() as url:
        broken.run("repair", "--yes", "--from-peer", url)
    assert broken.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
    broken.run("verify", "--full")


def check_rolled_back(ana, older, ids, place):
    broken = damaged(ana, place, "rolled", roll_back(older))
    broken.run("log", exits=(65,))
    with broken.start("verify") as verify:
        hint = verify.communicate(timeout=60)[1].decode().partition("hint: ")[2]
    assert "repair" in hint and "verify" not in hint, hint
    said = broken.text("repair", "--yes", exits=(3,)).split("\n")
    assert [line for line in said if line.startswith("lost block")] == \
        [f"lost block {height}" for height in range(3, BLOCKS + 1)], said
    broken.run("verify", "--full")
    # What was sent from here waits again, since the outbox had kept it.
    broken.run("mine", "--no-relay")
    broken.run("cat", ids[-1])


def check_index(ana, place):
    def cut(store):
        for file in (store.directory / "mail").iterdir():
            if file.name == "CURRENT":
                file.write_bytes(b"MANIFEST-999999\n")
    broken = damaged(ana, place, "index", cut)
    fault, summary = broken.objects("repair", "--dry-run", exits=(3,))
    assert (fault["type"], fault["state"], fault["kind"]) == ("repaired", "damaged", "index"), fault
    assert fault["text"] and fault["id"] is None, fault
    assert (summary["kept"], summary["height"], summary["ok"]) == (BLOCKS, BLOCKS, False), summary
    said = broken.text("repair", "--yes", exits=(3,))
    assert "lost the private index" in said and "makes the index anew" in said, said
    assert f"{BLOCKS} blocks, {BLOCKS} of them from here" in said, said
    assert list(broken.directory.glob("mail.damaged-*"))
    broken.run("inbox")
    broken.run("verify", "--full")


def check_killed_between(ana, place):
    """Killed when the old chain was put aside and the new one not yet in its place."""
    def halfway(store):
        shutil.copytree(store.directory / "chain", store.directory / "chain.repaired")
        (store.directory / "chain").rename(store.directory / "chain.damaged-x")
    broken = damaged(ana, place, "halfway", halfway)
    broken.run("repair", "--yes")
    assert broken.text("rev-parse", "tip") == ana.text("rev-parse", "tip")


def main():
    with stores.workplace() as place:
        ana, ids = filled(place)
        older = place / "older"
        young = stores.joined(older, "older", ana.directory / "genesis", "--no-identity")
        for height in (1, 2):
            young.run("submit-block", "-", input=ana.run("cat", str(height)))
        check_sound(ana)
        check_flipped(ana, place)
        if moved_clock.FOUND:
            check_clock(ana, place)
        check_from_peer(ana, place)
        check_from_peer_later(ana, place)
        check_rolled_back(ana, older, ids, place)
        check_index(ana, place)
        check_killed_between(ana, place)


main()
