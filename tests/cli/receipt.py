#!/usr/bin/env python3
"""Proof for others: receipts that hold without a store, and that the short script beside the format
verifies too; notes that are signed by several; nobody signs two pasts; verify --against both."""
import base64
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stores

SHORT = pathlib.Path(__file__).resolve().parent.parent / "support" / "short_receipt.py"
TEXT = "the build of 1482 is good"


def said(store, *words, **options):
    done = subprocess.run(store.words(*words), capture_output=True, env=store.environment,
                          timeout=60, **options)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Auditor:
    """Somebody without a store."""

    def __init__(self, directory):
        directory.mkdir()
        self.directory = directory
        self.environment = stores.environment(directory)

    def words(self, *arguments):
        return [os.environ["BMSG"], *map(str, arguments)]

    def verify(self, receipt, *more):
        file = self.directory / "a.receipt"
        file.write_bytes(receipt)
        return said(self, "receipt", "verify", file, *more)


def short_check(receipt):
    return subprocess.run([sys.executable, SHORT], input=receipt, capture_output=True, timeout=20)


def make_world(place):
    ana = stores.Store(place / "ana")
    # Work enough that no altered header shows as much: on a floor of 8 bits one in 256 does.
    ana.run("init", place / "ana", "--name", "ana", "--floor", 20, "--stamp", 1, "--no-passphrase")
    ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
    ana.run("contact", "add", "ben", "-", input=ben.run("id", "--card"))
    sealed = ana.text("send", "-s", "a build", "-m", TEXT, "ben")
    public = ana.text("send", "--public", "-m", "for all")
    ana.run("mine", "--no-relay")
    ana.run("mine", "-n", "4", "--allow-empty", "--no-relay")
    with ana.served() as url:
        ben.run("sync", url)
    return ana, ben, sealed, public


def check_receipts(ana, ben, sealed, public, auditor):
    plain = ana.run("receipt", sealed)
    code, out, err = auditor.verify(plain)
    assert (code, err) == (0, ""), (code, err)
    height = 1
    assert re.fullmatch(rf"OK message {sealed}, block {height}:[0-9a-f]{{8}}, \S+Z\n", out), out
    assert TEXT not in out and b"body" not in plain and b"key" not in plain
    anchored = ana.run("receipt", sealed, "--anchor", "tip")
    assert f"anchor  {ana.objects('log', '-n', '1')[0]['height']}:" in auditor.verify(anchored)[1]
    for who in (ana, ben):  # Both ends can disclose it.
        opened = who.run("receipt", sealed, "--open", "--anchor", "tip")
        code, out, err = auditor.verify(opened)
        assert code == 0 and TEXT in out and "a build" in out, (code, out, err)
        assert f"from    {ana.text('id')}\nsigned  good\n" in out, out
    told = json.loads(auditor.verify(opened, "--json")[1])
    assert (told["type"], told["id"], told["body"], told["opened"]) == (
        "receipt", sealed, TEXT, True), told
    assert told["branch"] is None and told["signature"] == "good", told
    for receipt in (plain, anchored, opened):
        done = short_check(receipt)
        assert done.returncode == 0 and sealed[:32].encode() in done.stdout, done.stderr
    told = json.loads(ben.run("receipt", "verify", "-", "--json", input=opened))
    assert (told["branch"], told["confirmations"]) == ("main", 5), told
    shown = auditor.verify(ana.run("receipt", public, "--open"))[1]
    assert "for all" in shown, shown
    return plain, opened


def check_faults(opened, auditor):
    """Every tenth character, seeded, and each line left out."""
    chance = stores.seeded_random()
    text = opened.decode()
    chain = text.index("chain ") + 6
    tried = 0
    for at in range(chance.randrange(20), len(text), 20):
        if chain + 64 <= at < chain + 128:
            continue  # Bound to nothing without a store, as the page says.
        other = chance.choice([c for c in "A0b/\n " if c != text[at]])
        altered = text[:at] + other + text[at + 1:]
        code, out, err = auditor.verify(altered.encode())
        assert code == 65 and out == "" and "receipt" in err, (at, code, out, err)
        tried += 1
    assert tried > 80, tried
    lines = text.splitlines(keepends=True)
    for number, line in enumerate(lines):
        left = "".join(lines[:number] + lines[number + 1:])
        code, out, err = auditor.verify(left.encode())
        # Without the key the text is not shown, and the rest still holds.
        assert code == (0 if line.startswith("key") else 65) and TEXT not in out, (line, out)


def check_refusals(place, ana, ben, sealed, auditor, opened):
    waiting = ana.text("send", "-m", "not yet", "ben")
    code, _, err = said(ana, "receipt", waiting)
    assert code == 66 and "no block yet" in err, err
    assert said(ana, "receipt", sealed, "--anchor", "0")[0] == 64
    eve = stores.joined(place / "eve", "eve", place / "ana" / "genesis")
    with ana.served() as url:
        eve.run("sync", url)
    assert eve.run("receipt", sealed), "needs no key"
    code, out, err = said(eve, "receipt", sealed, "--open")
    assert code == 77 and not out and "no key here" in err, (code, err)
    other = stores.new_chain(place / "other", "zoe")
    code, _, err = said(other, "receipt", "verify", "-", input=opened)
    assert code == 65 and "another chain" in err, (code, err)
    # With a store of the chain every byte of its id is looked at.
    text = opened.decode()
    at = text.index("chain ") + 6 + 100
    altered = text[:at] + ("0" if text[at] != "0" else "1") + text[at + 1:]
    code, _, err = said(ben, "receipt", "verify", "-", input=altered.encode())
    assert code == 65, (code, err)
    # A chain of the same genesis where the block never was.
    rival = stores.joined(place / "rival", "rival", place / "ana" / "genesis")
    code, out, _ = said(rival, "receipt", "verify", "-", input=opened)
    assert code == 0 and "no such block yet" in out, out
    rival.run("mine", "-n", "6", "--allow-empty", "--no-relay")
    code, _, err = said(rival, "receipt", "verify", "-", input=opened)
    assert code == 65 and "not on the best chain here" in err, (code, err)
    return rival


def key_id_of(line):
    """As C2SP says."""
    _, name, value = line.split(" ")
    return name, base64.b64decode(value)[:4]


def check_notes(place, ana, ben, rival, auditor, sealed):
    tip = ana.objects("log", "-n", "1")[0]["height"]
    note = ana.run("checkpoint", tip)
    lines = note.decode().splitlines()
    assert lines[0] == "bmsg/" + ana.objects("status")[0]["chain_id"][:16] and lines[1] == str(tip + 1)
    assert len(base64.b64decode(lines[2])) == 64 and lines[3] == "", lines
    assert key_id_of(lines[4])[0] == ana.text("id"), lines
    file = place / "note"
    file.write_bytes(note)
    both = ben.run("cosign", file)
    assert both.startswith(note) and ben.text("id") in both.decode(), both
    file.write_bytes(both)
    assert ben.run("cosign", file) == both, "signing again is signing the same"
    code, out, err = said(rival, "cosign", file)
    assert code == 65 and not out and "another past" in err, (code, err)
    # A note takes a hundred signatures; one that is full is no reason to sign nothing any more.
    foreign = "— witness.example " + base64.b64encode(b"x" * 68).decode() + "\n"
    crowd = place / "crowd"
    crowd.write_text(note.decode() + foreign * 98)
    assert ben.run("cosign", crowd).decode().count("— ") == 100
    crowd.write_text(note.decode() + foreign * 99)
    code, out, err = said(ben, "cosign", crowd)
    assert code == 65 and not out and "no room" in err, (code, err)
    assert ben.run("checkpoint", tip)
    # Nobody signs what does not continue what was signed: a lower note, and after a reorg, any.
    low = place / "low"
    low.write_bytes(ana.run("checkpoint", "1"))
    code, _, err = said(ben, "cosign", low)
    assert code == 65 and "last one signed here" in err, (code, err)
    rival.run("checkpoint")
    with ana.served() as url:
        rival.run("mine", "-n", "3", "--allow-empty", "--no-relay")
    signed = rival.objects("log", "-n", "1")[0]["height"]
    rival.run("checkpoint", signed)
    ana.run("mine", "-n", "9", "--allow-empty", "--no-relay")
    with ana.served() as url:
        assert said(rival, "sync", url)[0] in (0, 3)
    assert rival.objects("log", "-n", "1")[0]["hash"] == ana.objects("log", "-n", "1")[0]["hash"]
    code, out, err = said(rival, "checkpoint")
    assert code == 65 and not out and "two pasts" in err, (code, out, err)
    # A receipt that reaches the note's block, and one that does not.
    reaching = ana.run("receipt", sealed, "--anchor", tip + 1)
    code, out, err = auditor.verify(reaching, "--checkpoint", file)
    assert code == 0 and f"signed by {ben.text('id')}" in out, (code, out, err)
    code, _, err = auditor.verify(ana.run("receipt", sealed), "--checkpoint", file)
    assert code == 65 and f"--anchor {tip + 1}" in err, err
    return file, reaching


def check_pins(place, ana, note):
    assert ana.run("checkpoint", "list") == b""
    ana.run("checkpoint", "set", note)
    block = ana.objects("log", "--all", "-n", "99")
    pinned = ana.text("checkpoint", "list")
    assert pinned in {f"{one['height']}:{one['hash']}" for one in block}, pinned
    height = pinned.split(":")[0]
    code, _, err = said(ana, "checkpoint", "set", f"{height}:{'0' * 128}")
    assert code == 65 and "another block" in err, err
    assert said(ana, "checkpoint", "rm", "1")[0] == 66
    # A chain without the pinned block is not followed, whatever its work.
    rival = stores.joined(place / "heavy", "heavy", place / "ana" / "genesis")
    rival.run("mine", "-n", "40", "--allow-empty", "--no-relay")
    before = ana.text("rev-parse", "tip")
    with rival.served() as url:
        said(ana, "sync", url)
    assert ana.text("rev-parse", "tip") == before, "the pin was passed"
    ana.run("checkpoint", "rm", height)
    assert ana.run("checkpoint", "list") == b""


def check_against(place, ana, ben, note, reaching):
    file = place / "reaching"
    file.write_bytes(reaching)
    for paper in (note, file):
        assert "ahead of" in ana.text("verify", "--against", paper), paper
    tip = ana.objects("log", "-n", "1")[0]
    assert "same as" in ana.text("verify", "--against", f"{tip['height']}:{tip['hash']}")
    code, _, err = said(ben, "verify", "--against", f"{tip['height']}:{tip['hash']}")
    assert code == 75 and "bmsg sync" in err, (code, err)
    wrong = f"{tip['height']}:{'1' * 128}"
    assert said(ana, "verify", "--against", wrong)[0] == 65
    altered = place / "altered"
    altered.write_bytes(note.read_bytes().replace(b"bmsg/", b"bmsg/", 1)[:-10] + b"AAAAAAAA==")
    assert said(ana, "verify", "--against", altered)[0] == 65
    assert said(ana, "verify", "--against", place / "none")[0] == 66


def check_light(place, ana, ben, sealed, auditor):
    """A light store has all heads: it makes receipts of any message."""
    light = stores.Store(place / "light")
    with ana.served() as url:
        light.run("clone", "--light", "--no-identity", "--no-passphrase", url, light.directory)
        light.run("sync", url, exits=(0, 3))
    receipt = light.run("receipt", sealed, "--anchor", "tip")
    assert auditor.verify(receipt)[0] == 0 and short_check(receipt).returncode == 0


def main():
    with stores.workplace() as place:
        ana, ben, sealed, public = make_world(place)
        auditor = Auditor(place / "auditor")
        _, opened = check_receipts(ana, ben, sealed, public, auditor)
        check_faults(opened, auditor)
        rival = check_refusals(place, ana, ben, sealed, auditor, opened)
        note, reaching = check_notes(place, ana, ben, rival, auditor, sealed)
        check_against(place, ana, ben, note, reaching)
        check_pins(place, ana, note)
        check_light(place, ana, ben, sealed, auditor)


main()
