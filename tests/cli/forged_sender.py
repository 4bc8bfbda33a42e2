#!/usr/bin/env python3
"""Who did not sign is nobody: a message that names a contact and bears a bad signature is listed,
told, exported and handed to programs without that name."""
import hashlib
import pathlib
import re
import struct
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import bundles
import stores

TRUE, FALSE = "pay Ben 100 today", "pay Eve 900 today"  # Of the same length.


def digest(text):
    return hashlib.sha512(text).digest()


def stamp(head, body):
    """By bmsg-format(5): the rule stamp is 1 here."""
    days = -(-struct.unpack_from(">I", head, 24)[0] // 86400)
    work = (len(head) + 8 + len(body)) * days
    nonce = 0
    while int.from_bytes(digest(digest(head) + struct.pack(">Q", nonce))[:8], "big") * work >= 1 << 64:
        nonce += 1
    return struct.pack(">Q", nonce)


def forged(pack):
    """The same bundle with other words in the message, and what that needs; its id."""
    parts, ids = [], []
    for kind, _, payload in bundles.frames(pack):
        if kind == "M" and TRUE.encode() in payload:
            size = 32 + struct.unpack_from(">H", payload, 6)[0] + 64
            body = payload[size + 8:].replace(TRUE.encode(), FALSE.encode())
            head = payload[:size - 64] + digest(body)
            payload = head + stamp(head, body) + body
            ids.append(digest(head).hex())
        if kind != "E":
            parts.append((kind, payload))
    assert len(ids) == 1, "the fault was not set"
    return bundles.pack_of(*parts), ids[0]


def check_nobody(ana, ben, one):
    """The object of a message, whatever command tells it."""
    assert one["signature"] == "bad" and one["trust"] == "unknown", one
    assert one["from"] is None and one["from_name"] is None, one
    assert ben not in ana.text("read", "--headers", one["id"])


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
        (place / "ben.card").write_bytes(ben.run("id", "--card"))
        ana.run("contact", "add", "ben", place / "ben.card")
        address = ben.text("id")
        ben.run("send", "--public", "-m", TRUE)
        ben.run("make-block")  # Takes in the outbox.
        pack = ben.run("bundle", "create", "--pool", "-")
        false, id_ = forged(pack)
        ana.run("bundle", "apply", "-", input=pack)
        ana.run("bundle", "apply", "-", input=false)
        both = {one["id"]: one for one in ana.objects("inbox", "--bodies")}
        assert {one["body"].strip() for one in both.values()} == {TRUE, FALSE}, both
        (true,) = set(both) - {id_}
        assert both[true]["from"] == address and both[true]["from_name"] == "ben", both[true]
        for told in (both[id_], ana.objects("show", id_)[0], ana.objects("read", "--no-mark", id_)[0]):
            check_nobody(ana, address, told)
        rows = {row.split("\t")[0]: row for row in ana.text("inbox").splitlines()}
        assert "ben" in rows[true].split("\t")[3] and "ben" not in rows[id_].split("\t")[3], rows
        for words in (["inbox"], ["search", "today"], ["export", "--format", "jsonl"]):
            listed = [one["id"] for one in ana.objects(*words, "--from", "ben")]
            assert listed == [true], (words, listed)
        mbox = ana.text("export", "--format", "mbox")
        assert len(re.findall(r"^From: .*ben", mbox, re.MULTILINE)) == 1, mbox
        (place / "told.sh").write_text(f"#!/bin/sh\necho \"$BMSG_ID $BMSG_FROM $BMSG_FROM_NAME.\" >>{place}/told\n")
        (place / "told.sh").chmod(0o700)
        ana.run("mine", "--no-relay")
        ana.run("watch", "--since", "all", "--drain", "--public", "--exec", place / "told.sh")
        told = dict(line.split(" ", 1) for line in (place / "told").read_text().splitlines())
        assert told[true] == f"{address} ben." and told[id_] == " .", told
        ana.run("watch", "--since", "all", "--drain", "--public", "--from", "ben", "--cursor", "bens",
                "--exec", place / "told.sh")
        assert len((place / "told").read_text().splitlines()) == 3, "one of ben's, not what names him"
        print("1 forged message: nobody's wherever it is told")


main()
