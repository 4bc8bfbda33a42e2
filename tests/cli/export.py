#!/usr/bin/env python3
"""Mail leaves as JSON Lines, mbox and maildir and comes in as JSON Lines; hostile text stays text."""
import email
import email.policy
import json
import mailbox
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

HOSTILE = [
    ("plain", "At noon?\n"),
    ("a\nBcc: eve@example.org\n\nbody", "From here\n>From there\n\nFrom me Tue Nov 14 22:13:20 2023\n"),
    ("\x1b]0;title\x07 \u202e gnp.exe", "=?UTF-8?B?QQ==?= = \x1b[2J\n" + "w" * 300 + "\n"),
    ("../../etc/passwd", "é" * 500 + " \n.\n\n\n"),
    ("", "no end of line"),
]


def filled(place):
    ana = stores.new_chain(place / "ana", "ana")
    lines = "".join(json.dumps({"to": [ana.text("id")], "subject": subject, "body": body}) + "\n"
                    for subject, body in HOSTILE)
    (place / "mail.jsonl").write_text(lines)
    return ana


def check_import(ana, place):
    file = place / "mail.jsonl"
    assert len(ana.text("import", "--dry-run", file).split("\n")) == len(HOSTILE)
    assert len(ana.objects("outbox")) == 1  # The card.
    ids = ana.text("import", file).split("\n")
    assert len(ids) == len(HOSTILE)
    bad = b'{"to":["nobody"],"body":"x"}\nnot json\n' + file.read_bytes().splitlines()[0] + b"\n"
    answers = ana.run("import", "-", input=bad, exits=(3,)).splitlines()
    assert [json.loads(a)["code"] for a in answers[:2]] == [67, 65] and len(answers[2]) == 128
    ana.run("import", place / "absent", exits=(66,))
    ana.run("mine", "--no-relay")
    return ids


def as_read(message):
    text = message.get_payload(decode=True).decode()
    subject = message["subject"]
    return ("" if subject is None else str(email.header.make_header(email.header.decode_header(
        subject))), text)


def check_mail(messages, ids):
    assert len(messages) == len(HOSTILE) + 1, len(messages)
    found = {}
    for message in messages:
        assert message["bcc"] is None and set(message.keys()) <= {
            "From", "To", "Date", "Message-ID", "Subject", "X-Bmsg-Signature", "X-Bmsg-Trust",
            "MIME-Version", "Content-Type", "Content-Transfer-Encoding"}, message.keys()
        found[message["message-id"].strip("<>").split("@")[0]] = as_read(message)
    for identity, (subject, body) in zip(ids, HOSTILE):
        got_subject, got_body = found[identity]
        assert got_subject == subject, (got_subject, subject)
        assert got_body == (body if body.endswith("\n") else body + "\n"), (got_body, body)


def check_export(ana, place, ids):
    # Each message came and was sent, and is one.
    objects = ana.objects("export")
    assert [json.loads(line) for line in ana.run("export").splitlines()] == objects
    assert {one["id"]: (one["subject"] or "", one["body"]) for one in objects if one["id"] in ids} \
        == dict(zip(ids, HOSTILE))
    file = place / "box"
    ana.run("export", "--format", "mbox", "--to", file)
    assert (file / "bmsg.mbox").read_bytes() == ana.run("export", "--format", "mbox")
    check_mail(list(mailbox.mbox(file / "bmsg.mbox", create=False)), ids)
    ana.run("export", "--format", "mbox", "--to", file, exits=(73,))
    assert all(byte in (9, 10) or 32 <= byte < 127 for byte in (file / "bmsg.mbox").read_bytes())
    assert ana.objects("export", ids[0])[0]["id"] == ids[0]
    ana.run("export", "--stdin", input=(ids[0] + "\n" + ids[1] + "\n").encode())
    ana.run("export", "f" * 128, exits=(77,))
    assert ana.objects("export", "--since", "2999-01-01") == []


def check_maildir(ana, place, ids):
    ana.run("export", "--format", "maildir", exits=(64,))
    directory = place / "maildir"
    ana.run("export", "--format", "maildir", "--to", directory)
    box = mailbox.Maildir(directory, create=False)
    check_mail(list(box), ids)
    moved = next((directory / "new").iterdir())
    moved.rename(directory / "cur" / (moved.name + ":2,RS"))  # As a mail program does.
    (directory / "tmp" / moved.name).write_text("of an export that was killed")
    before = sorted(directory.rglob("*"))
    ana.run("export", "--format", "maildir", "--to", directory)
    assert sorted(directory.rglob("*")) == before
    for file in before:
        assert file.parent == directory or ":" in file.name or file.name.endswith(".bmsg"), file
    trap = place / "trap"
    trap.write_text("mine")
    for file in (directory / "new").iterdir():
        file.unlink()
        (directory / "tmp" / file.name).symlink_to(trap)
    ana.run("export", "--format", "maildir", "--to", directory)
    assert trap.read_text() == "mine"
    assert len(list(mailbox.Maildir(directory, create=False))) == len(HOSTILE) + 1


def main():
    with stores.workplace() as place:
        ana = filled(place)
        ids = check_import(ana, place)
        check_export(ana, place, ids)
        check_maildir(ana, place, ids)


main()
