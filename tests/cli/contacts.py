#!/usr/bin/env python3
"""Contacts: what is compared, blocked, moved, grouped, carried over, and what each verb prints."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402


def trust(store, name):
    return store.objects("contact", "show", name)[0]["trust"]


def error_of(store, *words, code):
    with store.start(*words) as process:
        err = process.communicate(timeout=60)[1].decode()
    assert process.returncode == code, (words, process.returncode, err)
    return err


def check_verified(ana, ben):
    words = ben.text("id", "--words")
    for said in (words, words.upper(), words.replace("-", " "), f"  {words.replace('-', '  ')}\n"):
        assert ana.text("contact", "verify", "ben", "--fingerprint", said) == "ben"
        assert trust(ana, "ben") == "verified", said
        assert ana.text("contact", "verify", "ben", "--undo") == "ben"
        assert trust(ana, "ben") == "known"
    for said in (words[:-1], words + "a", words.replace("-", ""), ""):
        exits = (77,) if said else (64,)
        ana.run("contact", "verify", "ben", "--fingerprint", said, exits=exits)
        assert trust(ana, "ben") == "known", said
    ana.run("contact", "verify", "zoe", "--fingerprint", words, exits=(67,))
    ana.run("contact", "group", "add", "one", "ben")
    ana.run("contact", "verify", "one", "--fingerprint", words, exits=(64,))
    ana.run("contact", "verify", "ben", "--fingerprint", words)


def check_blocked(ana):
    assert ana.text("contact", "block", "ben") == "ben"
    assert trust(ana, "ben") == "blocked"
    assert ana.objects("contact", "unblock", "ben")[0]["trust"] == "verified", "as before"
    ana.run("contact", "block", "ben")
    ana.run("contact", "verify", "ben", "--undo")
    assert trust(ana, "ben") == "blocked", "to take back is not to unblock"
    ana.run("contact", "unblock", "ben")
    assert trust(ana, "ben") == "known"


def check_names(ana, ben):
    assert ana.text("contact", "rename", "ben", "Benjamin") == "Benjamin"
    ana.run("contact", "show", "ben", exits=(67,))
    assert ana.objects("contact", "show", "one")[0]["members"] == ["Benjamin"]
    assert "member      Benjamin" in ana.text("contact", "show", "one")
    assert "members" not in ana.objects("contact", "show", "Benjamin")[0]
    ana.run("contact", "rename", "Benjamin", "one", exits=(73,))
    ana.run("contact", "rename", "--", "Benjamin", "-x", exits=(65,))
    for words in (["contact", "rename", "one", "Benj\u0430min"],
                  ["contact", "group", "add", "B\u0435njamin", "Benjamin"]):
        assert "looks like 'Benj" in error_of(ana, *words, code=0), words
    ana.run("contact", "rm", "B\u0435njamin")
    assert ana.text("contact", "rename", "Benj\u0430min", "one") == "one"
    assert ana.text("contact", "set", "Benjamin", "ack=never") == "Benjamin"
    ana.run("contact", "set", "Benjamin", "ack=perhaps", exits=(64,))
    other = stores.joined(ana.directory.parent / "other", "other", ana.directory / "genesis")
    assert ana.objects("contact", "move", "Benjamin", other.text("id"))[0]["address"] == \
        other.text("id")
    ana.run("contact", "move", "Benjamin", ben.text("id"))
    assert ana.text("contact", "rename", "Benjamin", "ben") == "ben"
    assert ana.text("contact", "group", "rm", "one", "ben") == "one"
    assert ana.text("contact", "rm", "one") == ""


def check_rooms_carried(ana, carl):
    """A room is the same by its id, not by its name and keeper; without one it is none."""
    first = {"name": "club", "kind": "room", "trust": "known", "ack": "asked",
             "address": ana.text("id"), "room": "5a" * 16}
    without = {name: first[name] for name in first if name != "room"}
    given = json.dumps(without | {"name": "lost"}).encode()
    carl.run("contact", "import", "-", input=given, exits=(65,))
    carl.run("contact", "show", "lost", exits=(67,))
    assert carl.text("contact", "import", "-", input=json.dumps(first).encode()) == "club"
    assert carl.text("contact", "import", "-", input=json.dumps(first).encode()) == ""
    for other, code in ((first | {"room": "5b" * 16}, 73), (first | {"name": "club2"}, 73),
                        (without, 65)):
        carl.run("contact", "import", "-", input=json.dumps(other).encode(), exits=(code,))
    second = first | {"name": "club2", "room": "5b" * 16}
    assert carl.text("contact", "import", "-", input=json.dumps(second).encode()) == "club2"
    for name in ("club", "club2"):
        carl.run("policy", "set", "--room", name, ana.text("id"))
        carl.run("policy", "show", "--room", name)
        carl.run("policy", "rm", "--room", name)
        carl.run("room", "leave", name, "--yes")


def check_carried(ana, ben, place):
    """All of it or nothing; what is there already stays as it is."""
    ana.run("contact", "group", "add", "all", "ben")
    lines = ana.run("contact", "export")
    printed = [json.loads(line) for line in lines.splitlines()]
    assert [one["kind"] for one in printed] == ["group", "person"], lines
    assert not any("type" in one for one in printed), "it is no object of bmsg-json(5)"
    older = "\n".join(json.dumps(one | {"type": "contact"}) for one in printed).encode()
    dora = stores.joined(place / "dora", "dora", place / "ana" / "genesis")
    assert dora.text("contact", "import", "-", input=older).split("\n") == ["all", "ben"]
    carl = stores.joined(place / "carl", "carl", place / "ana" / "genesis")
    assert carl.text("contact", "import", "-", input=lines).split("\n") == ["all", "ben"]
    assert carl.run("contact", "export") == lines
    carl.run("contact", "set", "ben", "ack=read")
    assert carl.text("contact", "import", "-", input=lines) == ""
    assert carl.objects("contact", "show", "ben")[0]["ack"] == "read"
    stranger = json.loads(lines.splitlines()[-1]) | {"name": "a-new-one"}
    taken = json.loads(lines.splitlines()[-1]) | {"address": carl.text("id")}
    for bad, code in ((stranger, 73), (taken, 73), ({"name": "x"}, 65)):
        good = stranger | {"address": ana.text("id"), "name": "ana"}
        text = json.dumps(good) + "\n" + json.dumps(bad)
        carl.run("contact", "import", "-", input=text.encode(), exits=(code,))
        carl.run("contact", "show", "ana", exits=(67,))
    check_rooms_carried(ana, carl)
    many = "".join(json.dumps({"name": f"group {number:05}", "kind": "group", "trust": "known",
                               "ack": "asked", "note": "x" * 300}) + "\n" for number in range(5000))
    path = place / "many"
    path.write_text(many)
    assert path.stat().st_size > 1 << 20
    assert len(carl.text("contact", "import", path).split("\n")) == 5000
    assert len(carl.objects("contact", "list")) == 5002
    carl.run("contact", "import", place / "no-such-file", exits=(66,))


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
        assert ana.text("contact", "add", "ben", "-", input=ben.run("id", "--card")) == "ben"
        check_verified(ana, ben)
        check_blocked(ana)
        check_names(ana, ben)
        check_carried(ana, ben, place)


main()
