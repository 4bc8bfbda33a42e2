#!/usr/bin/env python3
"""Endorsers change the rules of their chain: three, of whom two must sign, take in a fourth and ask
for three signatures; the file goes from one to the other. One signature is refused, a file that was
altered anywhere too; who was dropped counts no more; late clones and light stores follow, sending
keeps to the new limits, and on a chain for members the doors open and close by charters."""
import fcntl
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import council
import moved_clock
import stores
from council import AHEAD, CLOCK, INTERVAL, TURN, begin, endorsed, height, next_turn, told


def sealed(*endorsers, most=40):
    """Lets them run by turns until the chain is higher, and all of them know."""
    before = height(endorsers[0])
    for _ in range(most):
        for store in endorsers:
            endorsed(store)
        if height(endorsers[0]) > before:
            for store in endorsers:
                store.run("sync")
            return
        AHEAD[0] += INTERVAL
    raise AssertionError(f"no block from {[one.directory.name for one in endorsers]}")


def versions(store):
    return store.objects("charter", "log")


def head(store):
    """The version in force."""
    return [one for one in versions(store) if one["height"] is not None][-1]


def drafted(store, file, *words):
    file.unlink(missing_ok=True)
    store.run("charter", "draft", "-o", file, *words)
    return file


def agreed(file, *signers):
    """Signed by all of these and posted by the last; the message's id."""
    for store in signers:
        store.run("charter", "sign", file)
    return signers[-1].text("charter", "submit", file)


def check_draft(place, ana, keys, new):
    """What cannot be is refused by the option; both sides of each limit."""
    def refused(*words, exits=64):
        return told(ana, "charter", "draft", *words, exits=exits)

    key_of = {name: key for name, key in zip(("ana", "ben", "carl"), keys)}
    assert "must be more than half" in refused("--add-endorser", new)  # 2 of 4.
    assert "--endorse K" in refused("--endorse", 4)
    assert "more than half" in refused("--endorse", 1)
    assert "there already" in refused("--add-endorser", keys[0])
    assert "64 lower-case" in refused("--add-endorser", "zz")
    refused("--add-endorser", "00" * 32, "--endorse", 3)  # Weak.
    assert "no key" in refused("--rm-endorser", new)
    assert "8 digits" in refused("--rm-endorser", keys[0][:7])
    assert "open to all" in refused("--add-member", new)
    assert "cannot be set" in refused("--set", "name=other")
    assert "cannot be set" in refused("--set", "maxttl")
    assert "duration" in refused("--set", "maxttl=soon")
    assert "4096" in refused("--set", "maxmessage=4095")
    assert "later charter" not in refused("--set", "maxmessage=4096", exits=0)
    assert "from 10 to 86400" in refused("--set", "interval=9")
    file = drafted(ana, place / "draft", "--rm-endorser", key_of["carl"][:8], "--set", "maxttl=1d",
                   "--set", "interval=10")
    told(ana, "charter", "draft", "-o", file, exits=73)
    text = file.read_text()
    assert "\nversion 1\n" in text and key_of["carl"] not in text and "\nmaxttl 86400\n" in text
    assert ana.text("charter", "draft") == ana.objects("charter", "draft")[0]["text"].strip()
    said = told(ana, "charter", "sign", drafted(ana, place / "same"), exits=65)
    assert "changes nothing" in said, said
    told(ana, "charter", "sign", place / "no-such", exits=66)
    told(ana, "charter", "sign", "-", exits=64)
    mined = stores.new_chain(place / "mined", "mined")
    for verb in (["draft"], ["log"], ["sign", file], ["submit", file]):
        assert "mined" in told(mined, "charter", *verb, exits=64)
    return file


def check_sign(place, ana, ben, stranger, file, new):
    """A file that goes round; one signature is too few, a stranger's none."""
    file = drafted(ana, place / "charter", "--add-endorser", new, "--endorse", 3)
    unsigned = file.read_bytes()
    said = ana.text("charter", "sign", "--dry-run", file)
    assert f"endorser + {new}" in said and "endorse 2 -> 3" in said and "0 of 2" in said, said
    assert file.read_bytes() == unsigned
    assert stranger.text("charter", "sign", "-n", file) == said
    assert "no endorser key" in told(stranger, "charter", "sign", file, exits=77)
    stranger.run("endorsers", "key", "--new")
    assert "not among the endorsers" in told(stranger, "charter", "sign", file, exits=77)
    assert not (stranger.directory / "signed-charters").exists()
    assert "0 of 2 signatures" in told(ana, "charter", "submit", file, exits=65)
    shown = ana.objects("charter", "sign", file)[0]
    assert shown["signers"] == [ana.text("endorsers", "key")] and shown["needed"] == 2, shown
    assert shown["text"] == file.read_text() and shown["version"] == 1 and shown["id"] is None
    assert "1 of 2 signatures: too few" in told(ana, "charter", "submit", file, exits=65)
    once = file.read_bytes()
    assert "signed it already" in told(ana, "charter", "sign", file, exits=0)
    assert file.read_bytes() == once
    file.write_bytes(unsigned)  # As if a copy had been kept.
    assert "signed here" in told(ana, "charter", "sign", file, exits=0)
    assert file.read_bytes() == once
    rival = drafted(ana, place / "rival", "--set", "maxttl=2d")
    assert "another charter" in told(ana, "charter", "sign", rival, exits=0)
    # Carried to another store, into another file; from a pipe, too.
    both = place / "both"
    assert "2 of 2" in ben.text("charter", "sign", file, "-o", both)
    assert file.read_bytes() == once
    told(ben, "charter", "sign", file, "-o", both, exits=73)
    both.unlink()
    ben.run("charter", "sign", "-", "-o", both, input=once)
    return both, rival


def check_printing(ana, file):
    """Nothing is signed while somebody else writes; what cannot be printed is a failure."""
    with open(ana.directory / "mail.lock", "a", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        told(ana, "--lock-timeout", "0", "charter", "sign", file, exits=75)
    for words in (["draft"], ["log"]):
        with open("/dev/full", "wb") as full:
            code = subprocess.run(ana.words("charter", *words), env=ana.environment, stdout=full,
                                  stderr=subprocess.DEVNULL, check=False).returncode
        assert code == 74, (words, code)
    assert set(versions(ana)[0]) == {
        "v", "type", "chain_id", "version", "rules", "needed", "signers", "changes", "height",
        "hash", "time", "id", "text"}


def check_altered(place, ana, signed):
    """Every line of it, in every way, is refused, and with the line's name where it has one."""
    lines = signed.read_text().splitlines(keepends=True)
    altered = place / "altered"
    for at, line in enumerate(lines):
        middle = (line.rfind(" ") + 1 + len(line)) // 2
        letter = "0" if line[middle:middle + 1] != "0" else "1"
        changed = [line[:middle] + letter + line[middle + 1:], "x" + line, line + line]
        if not line.startswith("vote"):
            changed.append("")
        for other in changed:
            altered.write_text("".join([*lines[:at], other, *lines[at + 1:]]))
            said = told(ana, "charter", "submit", altered, exits=65)
            said += told(ana, "charter", "sign", altered, exits=65)
            assert "charter" in said or "rules text" in said, (other, said)
            if line.startswith(("vote", "chain", "follows")) and other == changed[0]:
                assert f"'{line.split()[0]}'" in said, said
    altered.write_text("".join(lines[:-1]) + lines[-1].rstrip("\n"))
    told(ana, "charter", "submit", altered, exits=65)
    altered.write_text("".join(line for line in lines if line not in lines[3:4]))  # A vote less.
    assert "1 of 2" in told(ana, "charter", "submit", altered, exits=65)
    altered.write_bytes(b"x" * (200 << 10))
    told(ana, "charter", "submit", altered, exits=65)


def check_in_force(place, ana, ben, dora, url, signed, rival):
    """From the next block on: who signs, and how many must."""
    before = head(ana)
    assert before["version"] == 0 and before["needed"] is None and before["signers"] == []
    message = ana.text("charter", "submit", signed)
    assert re.fullmatch("[0-9a-f]{128}", message)
    assert ben.text("charter", "submit", signed) != "" and ana.text("charter", "submit",
                                                                    signed) == message
    waiting = versions(ana)[-1]
    assert waiting["height"] is None and waiting["id"] == message and waiting["version"] == 1
    assert f"waits for a block: message {message}" in ana.text("charter", "log")
    assert head(ana)["version"] == 0, "it is in force before any block has it"
    assert "not among the endorsers" in told(dora, "endorse", exits=77)
    ben.run("charter", "sign", rival)  # Enough for that one, too; the others never see it.
    alone = ana.copy_to(place / "alone")
    for one in alone.objects("peers"):
        alone.run("peers", "rm", one["url"])
    said = told(alone, "charter", "submit", rival, exits=0)
    assert "another charter after the same rules waits" in said, said
    assert [one["height"] for one in versions(alone)] == [0, None, None]
    while head(ana)["version"] == 0:
        sealed(ana, ben)
    alone.run("sync", url)
    assert versions(alone) == versions(ana), "a charter that comes too late still waits"
    assert alone.objects("status")[0]["pool"]["messages"] == 0
    assert head(ana)["signers"] == [ana.text("endorsers", "key"), ben.text("endorsers", "key")]
    assert head(ana)["needed"] == 2 and head(ana)["height"] >= 1


def check_three(ana, ben, carl, dora):
    """Two signatures seal nothing any more; the fourth's counts."""
    for store in (carl, dora):
        store.run("sync")
    council.post(ana, "under the new rules")
    at = height(ana)
    for _ in range(3):
        for store in (ana, ben):
            endorsed(store)
        next_turn()
    assert height(ana) == at, "two of four have sealed a block"
    sealed(ana, ben, dora)
    assert height(ana) > at and ana.objects("log", "-n", "1")[0]["seals"] >= 3
    assert ana.objects("status")[0]["endorsers"]["needed"] == 3
    assert len(ana.objects("endorsers")) == 4


def check_over(place, ana, ben, dora, signed, rival):
    """What is in force, or comes too late, is refused; so is what another past has."""
    for words in (["submit"], ["sign"]):
        said = told(ana, "charter", *words, signed, exits=65)
        said += told(ana, "charter", *words, rival, exits=65)
        assert "in force already" in said or "too late" in said, said
    later = drafted(ana, place / "later", "--set", "maxttl=3d")
    text = later.read_text().replace("\nversion 2\n", "\nversion 3\n")
    (place / "jump").write_text(text)
    assert "version 3 after version 1" in told(ana, "charter", "sign", place / "jump", exits=65)
    (place / "renamed").write_text(re.sub("\nname .*\n", "\nname other\n", later.read_text()))
    assert "name" in told(ana, "charter", "sign", place / "renamed", exits=65)
    # The rules of a draft may be edited as long as nobody has signed.
    later.write_text(later.read_text().replace("\nmaxttl 259200\n", "\nmaxttl 172800\n"))
    assert "maxttl 31536000 -> 172800" in ana.text("charter", "sign", later)
    later.write_text(later.read_text().replace("\nmaxttl 172800\n", "\nmaxttl 172801\n"))
    assert "endorser 0 does not hold" in told(ben, "charter", "sign", later, exits=65)


def check_dropped(place, ana, ben, carl, dora):
    """Whoever is dropped signs no block and no charter; their signatures count no more."""
    key = carl.text("endorsers", "key")
    carl.run("sync")
    old = drafted(carl, place / "old", "--set", "maxttl=5d")
    for store in (carl, ben):
        store.run("charter", "sign", old)
    file = drafted(ana, place / "drop", "--rm-endorser", key[:8], "--endorse", 2, "--set",
                   "maxttl=2d", "--set", "stamp=1", "--set", "maxmessage=8K")
    agreed(file, ana, ben, dora)
    waits = council.post(carl, "good for thirty days, which nobody may by then")
    while head(ana)["version"] < 2:
        sealed(ana, ben, dora)
    assert "comes too late" in told(ben, "charter", "sign", old, exits=65)
    for _ in range(2):  # It is dropped when the rules are others, and then taken back.
        carl.run("sync")
    failed = [one for one in carl.objects("outbox") if one["id"] == waits]
    assert [one["state"] for one in failed] == ["failed"] and "ttl" in failed[0]["reason"], failed
    assert key not in [one["key"] for one in carl.objects("endorsers")]
    told(carl, "endorse", exits=77)
    next_one = drafted(carl, place / "next", "--set", "maxttl=6d")
    told(carl, "charter", "sign", next_one, exits=77)
    # A signature under an index that is somebody else's now, or nobody's.
    ana.run("charter", "sign", next_one)
    votes = [line for line in old.read_text().splitlines(keepends=True) if line.startswith("vote")]
    for at in (2, 3):
        forged = next_one.read_text().replace("\n\n", f"\nvote {at} {votes[-1].split()[2]}\n\n", 1)
        (place / "forged").write_text(forged)
        told(ana, "charter", "submit", place / "forged", exits=65)
    council.post(ana, "two are enough again")
    sealed(ana, ben)


def check_limits(ana, ben):
    """Sending keeps to the rules in force: time, size and stamp."""
    assert "8192" in told(ana, "send", "-m", "x" * 8000, ana.text("id"), exits=65)
    message = council.post(ana, "short-lived")
    waits = [one for one in ana.objects("outbox") if one["id"] == message]
    sealed(ana, ben)
    block = ana.objects("show", message)[0]
    assert ana.objects("outbox", exits=(0, 1)) == [] or waits, "it was refused"
    assert not [one for one in ana.objects("outbox", exits=(0, 1)) if one["state"] == "failed"]
    assert block["ttl"] <= 2 * 86400, block


def check_followers(place, ana, light, url):
    """A light store that was there before, and stores that come late."""
    wanted = versions(ana)
    light.run("sync", url)
    late, thin = stores.Store(place / "late"), stores.Store(place / "thin")
    late.run("clone", "--no-passphrase", url, late.directory)
    thin.run("clone", "--no-passphrase", "--light", url, thin.directory)
    by_file = stores.joined(place / "by-file", "by-file", ana.directory / "genesis")
    ana.run("bundle", "create", place / "bundle")
    by_file.run("bundle", "apply", place / "bundle")
    for store in (light, late, thin, by_file):
        assert versions(store) == wanted, store.directory.name
        assert store.text("charter", "log") == ana.text("charter", "log")
        store.run("verify", "--full")
        store.run("verify")
    ana.run("verify", "--full")
    archive = place / "ana.tar"
    ana.run("backup", archive)
    again = stores.Store(place / "again")
    again.run("restore", archive, again.directory)
    assert versions(again) == wanted
    kept = "signed-charters"
    assert (again.directory / kept).read_bytes() == (ana.directory / kept).read_bytes()
    check_receipt(place, ana, late)
    damaged = ana.copy_to(place / "damaged")
    shutil.rmtree(damaged.directory / "chain")
    damaged.run("repair", "--yes", "--from-peer", url, exits=(0, 3))
    assert versions(damaged) == wanted
    late.run("send", "-m", "a", late.text("id"))


def check_receipt(place, ana, late):
    """Seals are judged by the rules that held for the block."""
    checked = 0
    for block in ana.objects("log", "--messages", "-n", "100"):
        for message in block.get("ids", []):
            receipt = place / "receipt"
            receipt.write_bytes(ana.run("receipt", message))
            assert "on the best chain" in late.text("receipt", "verify", receipt)
            lines = receipt.read_text().splitlines(keepends=True)
            at = next(at for at, line in enumerate(lines) if line.startswith("seal "))
            seal = lines[at]
            lines[at] = seal[:30] + ("A" if seal[30] != "A" else "B") + seal[31:]
            receipt.write_text("".join(lines))
            assert "seal" in told(late, "receipt", "verify", receipt, exits=65)
            checked += 1
    assert checked >= 3, checked


def check_members(place, keys):
    """A charter lets a node in, and another one out, while `serve` runs."""
    ana = stores.Store(place / "club")
    first = stores.Store(place / "first")
    first.run("init", first.directory, "--no-identity", "--no-passphrase", "--floor", 0)
    ana.run("init", ana.directory, "--name", "club", "--no-passphrase", *begin(keys[:1], 1),
            "--member", first.text("id", "--node"), "--node-key",
            first.directory / "keys" / "node.key", "--endorser-key", place / "ana.key")
    emil = stores.joined(place / "emil", "emil", ana.directory / "genesis")
    key = emil.text("id", "--node")
    told(ana, "charter", "draft", "--rm-member", key, exits=64)
    council.post(ana, "before")
    sealed(ana)
    with ana.served() as url:
        assert "members only" in told(emil, "sync", url, exits=77)
        for words, exits in (("--add-member", 0), ("--rm-member", 77), ("--add-member", 0)):
            agreed(drafted(ana, place / "member", words, key), ana)
            sealed(ana)
            told(emil, "sync", url, exits=exits)
    assert versions(ana)[1]["changes"] == [{"key": "member", "from": None, "to": key}]
    assert len(versions(emil)) == 4 and versions(emil) == versions(ana)


def main():
    moved_clock.need()
    stores.Store.words = council.words_ahead
    with stores.workplace() as place:
        CLOCK[0] = place / "clock"
        keys = council.make_keys(place)
        ana, ben, carl = council.council(place, keys)
        dora = stores.joined(place / "dora", "dora", ana.directory / "genesis")
        new = dora.text("endorsers", "key", "--new")
        hub = stores.joined(place / "hub", "hub", ana.directory / "genesis", "--no-identity")
        light = stores.joined(place / "light", "light", ana.directory / "genesis", "--light")
        stranger = stores.joined(place / "stranger", "stranger", ana.directory / "genesis")
        AHEAD[0] += TURN
        file = check_draft(place, ana, keys, new)
        signed, rival = check_sign(place, ana, ben, stranger, file, new)
        check_printing(ana, signed)
        check_altered(place, ana, signed)
        with hub.served() as url:
            for store in (ana, ben, carl, dora):
                store.run("peers", "add", url)
            light.run("sync", url)
            check_in_force(place, ana, ben, dora, url, signed, rival)
            check_three(ana, ben, carl, dora)
            check_over(place, ana, ben, dora, signed, rival)
            check_dropped(place, ana, ben, carl, dora)
            check_limits(ana, ben)
            check_followers(place, ana, light, url)
        check_members(place, keys)


main()
