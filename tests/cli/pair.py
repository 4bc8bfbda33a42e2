#!/usr/bin/env python3
"""One person on two machines: the pair file and its code, what comes of damage and of kills, and
mail that both devices read and send."""
import fcntl
import pathlib
import re
import signal
import stat
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
import terminal  # noqa: E402

CODE = re.compile(r"([bdfghjklmnprstvz][aiou]){2}[bdfghjklmnprstvz]"
                  r"(-([bdfghjklmnprstvz][aiou]){2}[bdfghjklmnprstvz]){7}")


def empty(directory, ana):
    """A store of Ana's chain without an identity."""
    store = stores.Store(directory)
    store.run("init", directory, "--no-identity", "--genesis", ana.directory / "genesis",
              "--no-passphrase")
    (directory / "ballast").unlink()  # It need not be copied.
    return store


def error_of(store, *words, code, given=None):
    with store.start(*words, stdin=-1) as process:
        out, err = process.communicate(given, timeout=60)
    assert process.returncode == code, (words, process.returncode, err)
    assert not out or code == 0, (words, out)
    return err.decode()


def kept(store):
    """What an import may change."""
    files = {}
    for name in ("keys/keyring", "contacts.jsonl", "cards", "outbox/new", "outbox/cur"):
        path = store.directory / name
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            # The position moves by itself, and a killed write of it may be left beside it.
            if file.exists() and file.name.removeprefix(".").split(".")[0] != "position":
                files[str(file)] = file.read_bytes()
    return files


class Place:
    """Ana with two contacts and a second identity, Ben, and what Ana has exported."""

    def __init__(self, directory):
        self.directory = directory
        self.file, self.code = directory / "ana.pair", directory / "code"
        self.ana = stores.new_chain(directory / "ana", "ana")
        self.ben = stores.joined(directory / "ben", "ben", directory / "ana" / "genesis")
        self.ana.run("contact", "add", "ben", "-", input=self.ben.run("id", "--card"))
        self.ana.run("contact", "verify", "ben", "--fingerprint", self.ben.text("id", "--words"))
        self.ben.run("contact", "add", "ana", "-", input=self.ana.run("id", "--card"))
        self.blank = empty(directory / "blank", self.ana)

    def fresh(self, name):
        return self.blank.copy_to(self.directory / name)

    def import_words(self, *more):
        return ["pair", "import", self.file, "--code-file", self.code, *more]


def check_export(place):
    ana, file, code = place.ana, place.file, place.code
    assert ana.run("pair", "export", file, "--code-file", code) == b"", "nothing to print"
    for made in (file, code):
        assert stat.S_IMODE(made.stat().st_mode) == 0o600, made
    assert CODE.fullmatch(code.read_text().strip()), code.read_text()
    before = file.read_bytes(), code.read_bytes()
    other = place.directory / "other"
    assert "'" + str(file) in error_of(ana, "pair", "export", file, "--code-file", other, code=73)
    error_of(ana, "pair", "export", other, "--code-file", code, code=73)
    assert "--code-file" in error_of(ana, "pair", "export", other, code=64)
    error_of(ana, "pair", "export", "-", "--code-file", "-", code=64)
    error_of(ana, "pair", "import", "-", "--code-file", "-", code=64, given=b"")
    assert not other.exists() and (file.read_bytes(), code.read_bytes()) == before
    told = ana.objects("pair", "export", other, "--code-file", place.directory / "other-code")[0]
    assert (told["identities"], told["contacts"]) == (1, 1), told
    assert other.read_bytes()[8:] != file.read_bytes()[8:], "the same salt twice"
    assert (place.directory / "other-code").read_bytes() != code.read_bytes()
    empty_handed = error_of(place.blank, "pair", "export", place.directory / "none",
                            "--code-file", place.directory / "none-code", code=66)
    assert "no identity" in empty_handed and not (place.directory / "none-code").exists()
    assert not [one for one in place.directory.iterdir() if one.name.startswith(".")], "leftovers"


def check_refusals(place):
    store, file = place.fresh("refusing"), place.file
    before = kept(store)
    whole = file.read_bytes()
    bad = place.directory / "bad.pair"
    for at in range(0, len(whole), 50):
        bad.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
        said = error_of(store, "pair", "import", bad, "--code-file", place.code, code=65)
        assert "pair file" in said, (at, said)
    for cut in (0, 3, 71, 72, len(whole) // 2, len(whole) - 1):
        bad.write_bytes(whole[:cut])
        error_of(store, "pair", "import", bad, "--code-file", place.code, code=65)
    bad.write_bytes(whole + b"\n")
    assert "damaged" in error_of(store, "pair", "import", bad, "--code-file", place.code, code=65)
    wrong = place.directory / "wrong-code"
    wrong.write_bytes((place.directory / "other-code").read_bytes())
    said = error_of(store, "pair", "import", file, "--code-file", wrong, code=77)
    assert "wrong code" in said, said
    for text in ("", "lusab-babad", "no code at all", "x" * 70000):
        wrong.write_text(text)
        error_of(store, "pair", "import", file, "--code-file", wrong, code=77 if len(text) < 70000
                 else 64)
    error_of(store, "pair", "import", file, "--code-file", place.directory / "none", code=66)
    error_of(store, "pair", "import", place.directory / "none", "--code-file", place.code, code=66)
    assert "--code-file" in error_of(store, "pair", "import", file, code=64)
    assert kept(store) == before, "a refusal has changed something"
    namesake = stores.joined(place.directory / "namesake", "ana", place.ana.directory / "genesis")
    before = kept(namesake)
    said = error_of(namesake, *place.import_words(), code=73)
    assert "another identity 'ana'" in said and kept(namesake) == before, said


def check_import(place):
    """A second device, once; the code as people type it, through a pipe."""
    two = place.fresh("two")
    typed = place.code.read_text().upper().replace("-", "  ").encode()
    told = [line for line in two.run("pair", "import", place.file, "--code-file", "-", "--json",
                                     input=typed).splitlines()]
    assert len(told) == 1, told
    told = two.objects("id", "list")[0]
    assert told["address"] == place.ana.text("id") and told["name"] == "ana", told
    assert 1 <= told["device"] <= 254 and told["devices"] == [told["device"]], told
    assert told["card"]["state"] == "queued" and told["card"]["seq"] == 1, told
    contact = two.objects("contact", "show", "ben")[0]
    assert contact["trust"] == "verified" and contact["address"] == place.ben.text("id"), contact
    before = kept(two)
    said = error_of(two, *place.import_words(), code=73)
    assert "identity 'ana' is in this store already" in said and kept(two) == before, said
    return two


def check_contacts(place):
    """Who is there stays as he is, and names that differ are told. Other identities do not mind."""
    store = stores.joined(place.directory / "four", "four", place.ana.directory / "genesis")
    store.run("contact", "add", "benny", place.ben.text("id"))
    said = error_of(store, *place.import_words(), code=0)
    assert "'ben' is 'benny' here" in said, said
    assert store.objects("contact", "list")[0]["trust"] == "known", "raised behind one's back"
    assert sorted(one["name"] for one in store.objects("id", "list")) == ["ana", "four"]
    taken = place.fresh("taken")
    taken.run("contact", "add", "ben", store.text("--identity", "four", "id"))
    said = error_of(taken, *place.import_words(), code=0)
    assert "'ben' is another one here" in said and place.ben.text("id") in said, said
    assert len(taken.objects("contact", "list")) == 1


def check_pipe(place):
    """Through a pipe, one identity of two."""
    place.ana.run("id", "new", "work")
    code = place.directory / "work-code"
    sent = place.ana.run("--identity", "work", "pair", "export", "-", "--code-file", code)
    store = place.fresh("piped")
    told = store.text("pair", "import", "-", "--code-file", code, input=sent)
    assert told == place.ana.text("--identity", "work", "id")
    assert [one["name"] for one in store.objects("id", "list")] == ["work"]
    place.ana.run("--identity", "work", "id", "rm", "--yes", "work")


def check_terminal(place):
    """The code is shown where somebody sits and nowhere else, and typed unseen."""
    file = place.directory / "shown.pair"
    speaking = place.ana.environment | {"BMSG_NO_INPUT": "", "TERM": "dumb"}
    out = place.directory / "out"
    with out.open("wb") as stream, terminal.Terminal(
            place.ana.words("pair", "export", file), speaking, place.directory,
            stdout=stream) as shown:
        shown.read_all()
        assert shown.process.returncode == 0, shown.got
    code = CODE.search(shown.got.decode())
    assert code and out.read_bytes() == b"", (shown.got, out.read_bytes())
    with terminal.Terminal(place.ana.words("pair", "export", "-"), speaking,
                           place.directory) as refused:
        refused.read_all()
        assert refused.process.returncode == 64, "bytes to a terminal"
    three = place.fresh("three")
    with out.open("wb") as stream, terminal.Terminal(
            three.words("pair", "import", file), speaking, place.directory, controlling=True,
            stdout=stream) as asked:
        asked.read_until(b"Code of the pair file: ")
        assert not asked.echoes(), "what is typed would be seen"
        asked.type(code.group().encode() + b"\n")
        asked.read_all()
        assert asked.process.returncode == 0, asked.got
    assert code.group().encode() not in asked.got, "it was shown"
    assert out.read_text().strip() == place.ana.text("id")


def waiting(store):
    """Names of the messages that a store has queued, taken by a node or not."""
    return sorted(file.name for place in ("new", "cur")
                  for file in (store.directory / "outbox" / place).iterdir())


def check_mail(place, two):
    """Ben's mail opens on both, what one sends stands as sent on the other, acks go once."""
    ana, ben = place.ana, place.ben
    with ana.served() as url:
        two.run("sync", url)
        ben.run("sync", url)
        assert ben.objects("contact", "show", "ana")[0]["devices"] == 2
        until = time.monotonic() + 20
        while len(ana.objects("id")[0]["devices"]) < 2:  # The node files what two has put there.
            assert time.monotonic() < until, "the second device never came"
            time.sleep(0.05)
        asked = ben.text("send", "--ask-ack", "-m", "to Ana", "ana")
        ben.run("sync", url)
        two.run("sync", url)
        arrived = ["to Ana", "ben", ["unread"]]
        told = ana.objects("read", "--ack", asked)[0]
        assert [told[name] for name in ("body", "from_name", "flags")] == arrived, told
        two.run("sync", url)  # The acknowledgement among others.
        before = waiting(two)
        told = two.objects("read", "--ack", asked)[0]
        assert [told[name] for name in ("body", "from_name", "flags")] == arrived, told
        assert waiting(two) == before, "acknowledged a second time"
        ana.run("mine", "--no-relay")
        ben.run("sync", url)
        told = ben.objects("outbox", "show", asked)[0]
        assert (told["state"], told["reason"]) == ("read", "acknowledged by 1 of 1"), told
        number = two.objects("id")[0]["device"]
        one = ana.objects("id")[0]
        assert one["device"] == 0 and one["devices"] == [0, number], one
        assert f"device      0 of 0, {number}\n" in ana.text("show", "ana"), ana.text("show", "ana")
        sent = two.text("send", "-m", "from the second", "ben")
        two.run("sync", url)
        ben.run("sync", url)
        told = ana.objects("inbox", "--sent")
        told = [entry for entry in told if entry["id"] == sent]
        assert len(told) == 1 and told[0]["from"] == ana.text("id"), told
        assert told[0]["to"] == [ben.text("id")], told
        assert ana.objects("read", sent)[0]["body"] == "from the second"
        assert not [entry for entry in ana.objects("inbox") if entry["id"] == sent]
        assert ben.objects("read", sent)[0]["from_name"] == "ana"


def check_number_again(place, two):
    """A store that was put back from an archive took the number: the other draws anew."""
    archive = place.directory / "two.tar"
    two.run("backup", archive)
    back = stores.Store(place.directory / "back")
    back.run("restore", archive, back.directory)
    old = two.objects("id")[0]
    with place.ana.served() as url:
        back.run("sync", url)
        two.run("sync", url)
        two.run("inbox")
        new = two.objects("id")[0]
        assert new["device"] not in (0, old["device"]), (old, new)
        assert new["card"]["seq"] == old["card"]["seq"] + 1, (old, new)
        two.run("sync", url)
        back.run("sync", url)
        back.run("inbox")
        place.ben.run("sync", url)
        assert back.objects("id")[0]["device"] == old["device"], "both have moved"
        place.ben.run("send", "-m", "to three devices", "ana")
        place.ben.run("sync", url)
        for store in (two, back):
            store.run("sync", url)
            assert store.objects("read", "@")[0]["body"] == "to three devices"
    assert two.objects("id")[0]["device"] == new["device"]


def state_of(path):
    """Changes when a file is replaced, or a directory gets another one."""
    if not path.exists():
        return None
    return path.stat().st_ino, len(list(path.iterdir())) if path.is_dir() else 0


def check_kills(place, chance):
    """Whole or not at all: at its visible steps, and at moments of no choice."""
    began = time.monotonic()
    place.fresh("timed").run(*place.import_words())
    takes = time.monotonic() - began
    steps = ["contacts.jsonl", "keys/keyring", "outbox/new", None, None]
    killed, missing, found = 0, 0, 0
    for number, step in enumerate(steps):
        store = place.fresh(f"killed{number}")
        watched = store.directory / step if step else None

        before = state_of(watched) if step else None
        process = store.start(*place.import_words())
        until = time.monotonic() + (10 if step else takes * chance.uniform(0.5, 1))
        while process.poll() is None and time.monotonic() < until:
            if step and state_of(watched) != before:
                break
        process.send_signal(signal.SIGKILL)
        process.communicate()
        killed += process.returncode == -signal.SIGKILL
        there = store.objects("id", "list")
        if there:
            found += 1
            store.run("inbox")  # Does what the killed one did not.
            error_of(store, *place.import_words(), code=73)
        else:
            missing += 1
            store.run(*place.import_words())
        told = store.objects("id", "list")
        assert len(told) == 1 and told[0]["card"]["state"] == "queued", (step, told)
        assert [one["name"] for one in store.objects("contact", "list")] == ["ben"], step
        assert list((store.directory / "outbox" / "new").iterdir()), step
    print(f"{killed} of {len(steps)} killed: {missing} without, {found} with the identity")
    assert killed, "the moments were badly chosen"


def check_steps(place):
    """The same where the moment is certain: before anything is changed, and before the card."""
    store = place.fresh("held up")
    before = kept(store)
    with open(store.directory / "config.lock", "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        process = store.start(*place.import_words())
        held = store.directory / "mail.lock"
        while not held.exists() or "pair import" not in held.read_text():
            assert process.poll() is None, process.communicate()
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
    assert kept(store) == before and not store.objects("id", "list")
    store.run(*place.import_words())
    number = store.objects("id")[0]["device"]
    for file in (store.directory / "outbox" / "new").iterdir():
        file.unlink()
    next((store.directory / "cards").glob(f"*.{number}")).unlink()
    assert store.objects("id")[0]["card"] is None
    store.run("inbox")
    told = store.objects("id")[0]
    assert told["device"] == number and told["card"]["state"] == "queued", told
    before = kept(store)
    store.run("inbox")
    assert kept(store) == before, "a card too many"


def main():
    chance = stores.seeded_random()
    with stores.workplace() as directory:
        place = Place(directory)
        check_export(place)
        check_refusals(place)
        two = check_import(place)
        check_contacts(place)
        check_pipe(place)
        check_terminal(place)
        check_kills(place, chance)
        check_steps(place)
        check_mail(place, two)
        check_number_again(place, two)


main()
