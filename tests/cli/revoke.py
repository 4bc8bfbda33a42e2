#!/usr/bin/env python3
"""The end of keys: two devices of one person both read, one is retired and gets nothing any more;
an identity is revoked by its owner, or by whoever has the paper; nobody seals to it from the moment
in which the statement is seen, what stands after it in the chain is marked, a successor is proposed
and never adopted. And identities that come back from a backup or from paper."""
import json
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stores


def error_of(store, *words, code, **options):
    done = subprocess.run(store.words(*words), env=store.environment, capture_output=True,
                          check=False, timeout=120, **options)
    assert done.returncode == code, (words, done.returncode, done.stdout, done.stderr)
    return done.stderr.decode()


def card_of(store, file):
    file.write_bytes(store.run("id", "--card"))
    return file


class Place:
    def __init__(self, directory):
        self.directory = directory
        self.paper = directory / "paper"
        self.ana = stores.new_chain(directory / "ana", "ana", "--revocation", self.paper)
        self.ben = self.joined("ben")
        self.two = self.joined("two", "--no-identity")
        self.ben.run("contact", "add", "ana", card_of(self.ana, directory / "card"))
        self.ana.run("contact", "add", "ben", card_of(self.ben, directory / "card"))

    def joined(self, name, *options):
        return stores.joined(self.directory / name, name, self.ana.directory / "genesis", *options)

    def meet(self, *others):
        """All have what all have."""
        with self.ana.served() as url:
            for store in [*others, *others[:-1]]:
                store.run("sync", url)

    def mine(self):
        self.ana.run("mine", "--no-relay")


def texts(store):
    return [one["subject"] for one in store.objects("inbox")]


def check_devices(place):
    """Both read; the retired one gets nothing and its number stays dead."""
    ana, ben, two = place.ana, place.ben, place.two
    ana.run("pair", "export", place.directory / "p", "--code-file", place.directory / "code")
    two.run("pair", "import", place.directory / "p", "--code-file", place.directory / "code")
    number = two.objects("id")[0]["device"]
    place.meet(two, ben)
    place.mine()  # Files the cards away, which a node does in its own time.
    listed = {one["device"]: one for one in ana.objects("id", "device", "list")}
    assert sorted(listed) == [0, number] and listed[0]["here"], listed
    ben.run("send", "-s", "to both", "-m", "x", "ana")
    place.meet(ben, two)
    assert texts(ana) == ["to both"] and texts(two) == ["to both"]

    error_of(ana, "id", "device", "rm", number, code=64)  # Nobody is there to say yes.
    for words in (["id", "device", "rm", "-1"], ["id", "revoke", "--device", "-1"],
                  ["id", "revoke", "--device", "255"]):
        error_of(ana, *words, "--yes", code=64)  # Not the whole identity.
    ana.run("id", "device", "rm", number, "--yes")
    place.mine()
    place.meet(ben, two)
    assert ben.objects("contact", "show", "ana")[0]["devices"] == 1
    ben.run("send", "-s", "to one", "-m", "x", "ana")
    place.meet(ben, two)
    assert sorted(texts(ana)) == ["to both", "to one"] and texts(two) == ["to both"]
    told = {one["device"]: one["revoked"] for one in ana.objects("id", "device", "list")}
    assert told == {0: False, number: True}, told
    assert "retired" in error_of(two, "send", "-s", "late", "-m", "x", "ben", code=0)
    two.run("id", "rm", "ana", "--yes")
    return number


def check_backup(place):
    """As a new device, from a file under a passphrase and from paper. Each has what the others have
    before it draws its number: two that draw blindly draw the same one time in 254."""
    ana, ben = place.ana, place.ben
    secret, file = place.directory / "secret", place.directory / "ana.backup"
    secret.write_text("correct horse\n")
    under = ("--backup-passphrase-file", secret)
    assert "passphrase" in error_of(ana, "id", "backup", file, code=77)
    ana.run("id", "backup", file, *under)
    error_of(ana, "id", "backup", file, *under, code=73)
    piped = ana.run("id", "backup", "-", "--with-prekeys", *under)
    back = place.joined("back", "--no-identity")
    place.meet(back)
    error_of(back, "id", "restore", file, code=77)
    (place.directory / "wrong").write_text("wrong\n")
    error_of(back, "id", "restore", file, "--backup-passphrase-file", place.directory / "wrong",
             code=77)
    bad = place.directory / "bad"
    bad.write_bytes(file.read_bytes()[:-1] + b"\0")
    error_of(back, "id", "restore", bad, *under, code=65)
    assert not back.objects("id", "list")
    paper = place.directory / "again"
    told = back.objects("id", "restore", file, *under, "--revocation", paper)[0]
    assert told["address"] == ana.text("id") and 1 <= told["device"] <= 254, told
    assert told["card"]["state"] == "queued", told
    assert paper.read_text() == place.paper.read_text(), "another revocation"
    assert [one["name"] for one in back.objects("contact", "list")] == ["ben"]
    error_of(back, "id", "restore", file, *under, code=73)

    reader = place.joined("reader", "--no-identity")
    place.meet(back, reader)
    reader.run("id", "restore", "-", *under, input=piped)
    place.meet(reader, back)
    assert "to both" in texts(reader), "the prekeys of the backup open nothing"
    assert "to both" not in texts(back), "without prekeys it opens old mail"

    words = ana.text("id", "backup", "--paper")
    assert len(words.split("-")) == 17, words
    written = place.joined("written", "--no-identity")
    place.meet(reader, written)
    swapped = "-".join(reversed(words.split("-"))).encode()
    assert "last word" in error_of(written, "id", "restore", "--paper", code=65, input=swapped)
    said = written.text("id", "restore", "--paper", "--name", "anew",
                        input=words.upper().replace("-", "\n").encode())
    assert said == ana.text("id")
    place.meet(written, ben)
    ben.run("send", "-s", "to the new", "-m", "x", "ana")
    place.meet(ben, back, written)
    devices = [store.objects("id")[0]["device"] for store in (ana, back, reader, written)]
    assert len(set(devices)) == 4, devices
    for store in (ana, back, written):
        assert "to the new" in texts(store), store.directory


def check_paper(place):
    """Whoever has the paper ends the identity; from then on nobody seals to it."""
    ana, ben = place.ana, place.ben
    with_paper = place.joined("finder", "--no-identity")
    torn = place.directory / "torn"
    torn.write_text(place.paper.read_text().strip()[:-2])
    error_of(with_paper, "id", "revoke", "--statement", torn, code=65)
    error_of(with_paper, "id", "succeed", "--statement", place.paper, code=65)
    ben.run("send", "-s", "before", "-m", "x", "ana")
    ana.run("send", "-s", "before", "-m", "x", "ben")
    place.meet(ben)
    place.mine()
    with_paper.run("id", "revoke", "--statement", place.paper)
    place.meet(with_paper, ben)
    said = error_of(ben, "send", "-m", "x", "ana", code=67)
    assert "revoked" in said, said
    assert "revoked" in error_of(ben, "send", "--hold", "-m", "x", "ana", code=67)
    assert ben.objects("contact", "show", "ana")[0]["card"] == "revoked"
    place.mine()
    assert "revoked" in error_of(ana, "send", "-s", "after", "-m", "x", "ben", code=0)
    place.mine()
    place.meet(ben)
    marks = {one["subject"]: one["marks"] for one in ben.objects("inbox")}
    assert "after-revocation" in marks["after"] and "after-revocation" not in marks["before"], marks
    assert "(after revocation)" in ben.text("inbox", "--from", "ana")
    assert "after the revocation" in error_of(ben, "verify", "--full", code=0)
    assert ana.objects("id")[0]["revoked"]


def check_succession(place):
    """Proposed to contacts, and adopted by nobody but them."""
    ana, ben = place.ana, place.ben
    for name in ("anew", "mallory"):
        ana.run("id", "new", name)
    new = ana.text("--identity", "anew", "id")
    error_of(ana, "--identity", "ana", "id", "succeed", "--yes", code=64)
    later = place.directory / "later"
    ana.run("--identity", "ana", "id", "succeed", "mallory", "--revocation", later)
    error_of(ana, "id", "revoke", "--statement", later, code=65)
    ana.run("--identity", "ana", "id", "succeed", "anew", "--yes")
    ana.run("id", "succeed", "--statement", later)
    place.mine()
    place.meet(ben)
    shown = ben.objects("contact", "show", "ana")[0]
    proposed = [new, ana.text("--identity", "mallory", "id")]
    assert sorted(shown["successors"]) == sorted(proposed), shown
    assert shown["address"] == ana.text("--identity", "ana", "id"), "adopted silently"
    said = error_of(ben, "send", "-m", "x", "ana", code=67)
    assert all(one in said for one in proposed) and "compare" in said, said
    ben.run("contact", "move", "ana", new)
    ben.run("send", "-s", "to the successor", "-m", "x", "ana")


def check_revoked_comes_back(place):
    """An identity that was revoked: it is taken with a warning, gets no card, and is not chosen to
    write with; and it proves no successor, nor is one."""
    ana, ben = place.ana, place.ben
    secret = place.directory / "secret"
    file, pair, code = (place.directory / name for name in ("late.ids", "late.pair", "late.code"))
    address = ana.text("--identity", "ana", "id")
    as_ana = ("--identity", "ana")
    ana.run(*as_ana, "id", "backup", file, "--backup-passphrase-file", secret)
    ana.run(*as_ana, "pair", "export", pair, "--code-file", code)
    paper = ana.run(*as_ana, "id", "backup", "--paper")
    ways = [(["id", "restore", file, "--backup-passphrase-file", secret], None),
            (["pair", "import", pair, "--code-file", code], None),
            (["id", "restore", "--paper", "--name", "ana"], paper)]
    for number, (words, given) in enumerate(ways):
        store = place.joined(f"late{number}")  # With an identity of its own.
        place.meet(store, ben)
        waiting = sorted((store.directory / "outbox").rglob("*"))
        said = error_of(store, *words, code=0, input=given or b"")
        assert "'ana' is revoked" in said, said
        assert sorted((store.directory / "outbox").rglob("*")) == waiting, "a card was queued"
        told = {one["name"]: one for one in store.objects("id", "list")}
        assert told["ana"]["revoked"] and told["ana"]["address"] == address, told
        assert told["ana"]["card"] is None or told["ana"]["card"].get("seq") is None, told
        store.run("inbox")
        # Written with the one that lives, and without a word; the other is there when it is named.
        said = error_of(store, "send", "-s", f"late {number}", "-m", "x", ben.text("id"), code=0)
        assert "revoked" not in said, said
        assert "revoked" in error_of(store, *as_ana, "send", "-m", "x", ben.text("id"), code=0)
    store.run("id", "new", "third")
    said = error_of(store, "send", "-m", "x", ben.text("id"), code=64)
    assert "several" in said, said  # Two live.
    assert "revoked already" in error_of(store, *as_ana, "id", "succeed", "third", "--yes", code=0)
    said = error_of(store, "--identity", "third", "id", "succeed", "ana", "--yes", code=77)
    assert "revoked itself" in said, said
    assert not store.objects("--identity", "third", "id")[0]["revoked"]


def check_log(place, number):
    """The whole history, with heights."""
    address = place.ana.text("--identity", "ana", "id")
    events = place.ben.objects("contact", "log", address)
    kinds = [one["event"] for one in events]
    heights = [one["height"] for one in events]
    assert kinds.count("succession") == 2 and kinds.count("revocation") == 1, kinds
    assert kinds[0] == "device" and events[0]["device"] == 0, events[0]
    assert None not in heights and heights == sorted(heights), heights
    retired = [one["device"] for one in events if one["event"] == "retired"]
    assert retired == [number], events
    assert len([one for one in events if one["event"] == "device"]) >= 4, kinds
    lines = place.ben.text("contact", "log", address).splitlines()
    assert len(lines) == len(events) and f"device {number} retired" in "\n".join(lines), lines
    assert "no contact" in error_of(place.ben, "contact", "log", "nobody", code=67)


def check_not_filed(place):
    """A node files what a block has a moment after it is there: whoever seals or shows looks
    first."""
    ben = place.ben
    cleo, dora = (place.joined(name) for name in ("cleo", "dora"))
    ben.run("contact", "add", "cleo", card_of(cleo, place.directory / "card"))
    ben.run("contact", "add", "dora", dora.text("id"))
    before = place.directory / "cards-before"
    shutil.copytree(ben.directory / "cards", before)
    cleo.run("id", "revoke", "--yes")
    place.meet(cleo, dora, ben)
    place.mine()
    place.meet(ben)

    def as_before(*words, **options):
        shutil.rmtree(ben.directory / "cards")
        shutil.copytree(before, ben.directory / "cards")
        return ben.text(*words, **options)

    for words in (["send", "-m", "x", "cleo"], ["send", "--dry-run", "-m", "x", "cleo"],
                  ["send", "--no-sign", "-m", "x", "cleo"], ["seal", "-r", "cleo"]):
        as_before(*words, input=b"x", exits=(67,))
    for name, state in (("cleo", "revoked"), ("dora", "ok")):
        for words in (["contact", "show", name], ["show", name], ["contact", "list"]):
            told = [line for line in as_before(*words, "--json").splitlines()
                    if json.loads(line)["name"] == name]
            assert json.loads(told[0])["card"] == state, (words, told)
    assert as_before("send", "-m", "x", "dora")
    with ben.served():
        as_before("send", "-m", "x", "cleo", exits=(67,))


def main():
    with stores.workplace() as directory:
        place = Place(directory)
        number = check_devices(place)
        check_backup(place)
        check_paper(place)
        check_succession(place)
        check_log(place, number)
        check_not_filed(place)
        check_revoked_comes_back(place)


main()
