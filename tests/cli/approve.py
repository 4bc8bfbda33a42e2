#!/usr/bin/env python3
"""What `policy` takes and keeps, what `approve` shows and refuses, and that a store whose rules
cannot be read gives nothing out."""
import os
import pathlib
import pty
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stores
from signers import Signers, TWO_OF_THREE, refused


def check_rules(place):
    dora = place.dora
    assert dora.text("policy", "list") == ""
    names = {name: dora.objects("contact", "show", name)[0]["address"]
             for name in ("ana", "ben", "carl")}
    assert dora.text("policy", "set", "depl", TWO_OF_THREE) == f"depl\ttopic\t{TWO_OF_THREE}"
    shown = dora.objects("policy", "show", "depl")[0]
    assert shown["type"] == "policy" and shown["kind"] == "topic" and shown["room"] is None, shown
    assert shown["topic"] == b"depl".hex() and shown["persons"] == list(names.values())
    assert shown["rule"] == TWO_OF_THREE
    assert shown["rule_addresses"] == f"of(2, {', '.join(names.values())})"
    # By another spelling of the same topic it is the same, and set again it is replaced.
    dora.run("policy", "set", "0x" + b"depl".hex(), shown["rule_addresses"])
    listed = dora.objects("policy", "list")
    assert [one["name"] for one in listed] == ["0x6465706c"], listed
    assert listed[0]["rule"] == TWO_OF_THREE
    dora.run("policy", "set", "a longer topic", f"of(2, ana, of(1, ben, {names['carl']}))")
    assert dora.run("policy", "list", "-z").split(b"\0")[:2] == [b"0x6465706c", b"a longer topic"]
    assert dora.text("policy", "list", "--format", "{kind} {rule}").splitlines()[1] == \
        "topic of(2, ana, of(1, ben, carl))"
    # Names are looked up when a rule is set.
    dora.run("contact", "rename", "carl", "carl, the third")
    assert names["carl"] in dora.text("policy", "show", "depl"), "a name that cannot be typed"
    dora.run("contact", "rename", "carl, the third", "carl")
    dora.run("contact", "move", "carl", place.eve.text("id"))
    assert names["carl"] in dora.text("policy", "show", "depl")
    dora.run("contact", "move", "carl", names["carl"])
    dora.run("policy", "rm", "a longer topic")
    refused(dora, 66, "no policy of 'a longer topic'", "policy", "rm", "a longer topic")
    refused(dora, 66, "no policy of 'news'", "policy", "show", "news")


def check_wrong_rules(place):
    dora = place.dora
    before = (dora.directory / "policies.toml").read_bytes()
    dora.run("contact", "group", "add", "all", "ana", "ben")
    for code, rule, says in (
            (67, "zoe", "no contact 'zoe'"), (67, "of(2, ana, all)", "'all' is a group"),
            (64, "of(3, ana, ben)", "3 of 2"), (64, "of(0, ana)", "where a number stands"),
            (64, "of(2, ana, ana)", "twice"), (64, "of(1, ana", "')' is missing"),
            (64, "", "a name is missing"), (64, "any(1, ana)", "'any('")):
        refused(dora, code, says, "policy", "set", "depl", rule)
    refused(dora, 64, "has no topic", "policy", "set", "0x00000000", "ana")
    refused(dora, 64, "no name of a topic", "policy", "set", "x\x1b[2J", "ana")
    refused(dora, 64, "no name of a topic", "policy", "set", "x" * 257, "ana")
    refused(dora, 64, "needs a verb", "policy")
    assert (dora.directory / "policies.toml").read_bytes() == before, "a refused rule was written"


def check_damaged_file(place):
    """Who cannot read the rules must not act as if there were none."""
    dora, file = place.dora, place.dora.directory / "policies.toml"
    message = place.posted(place.eve, "for nobody")
    log = place.directory / "damaged.log"
    program = place.program("damaged", f'echo "$BMSG_ID" >>{log}\n')
    good = file.read_text()
    for bad in (good.replace("rule = ", "role = "), good.replace("of(2", "of(4"), "garbage\n",
                good + "[[policy]]\n", good.replace('"', "", 1)):
        file.write_text(bad)
        for words in (["watch", "--topic", "depl", "--since", "all", "--drain", "--exec", program],
                      ["inbox"], ["read", message], ["policy", "list"],
                      ["policy", "set", "depl", "ana"]):
            assert "policies.toml: line" in refused(dora, 78, "line", *words), bad
        assert file.read_text() == bad, "somebody's file was overwritten"
    assert not log.exists()
    file.write_text("# by hand\n\n" + good)
    assert dora.objects("read", message)[0]["approvals"]["pending"]


def at_terminal(store, *words):
    """Standard output, and what a terminal behind standard error shows."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(store.words(*words), stdout=subprocess.PIPE, stderr=theirs,
                          env=store.environment | {"TERM": "dumb"}) as process:
        os.close(theirs)
        out = process.stdout.read()
        assert process.wait(20) == 0, words
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # All was read.
        pass
    os.close(ours)
    return out.decode(), shown.decode()


def check_approves(place):
    message = place.posted(place.eve, "look\x1b[2Jat me")
    out, shown = at_terminal(place.ana, "approve", message, "-m", "fine")
    assert len(out.strip()) == 128, out
    assert "look\\x1b[2Jat me" in shown and "\x1b" not in shown and message in shown, shown
    queued = place.ben.objects("approve", message)[0]
    assert queued["type"] == "queued" and queued["state"] == "queued", queued
    assert place.carl.run("approve", message, "-q").strip()
    # Not twice: as long as it waits, when it is in a block, and by nobody for his own.
    for _ in range(2):
        refused(place.ana, 73, "you have approved", "approve", message)
        place.mined()
    refused(place.eve, 73, "written and signed", "approve", message)
    # What was taken back can be said again.
    another = place.posted(place.eve, "again")
    approval = place.ana.text("approve", another)
    place.ana.run("outbox", "cancel", approval)
    place.ana.run("approve", another)
    # Listed as mail by nobody.
    place.mined()
    for store in (place.dora, place.ana, place.eve):
        assert not {out.strip(), queued["id"]} & {one["id"] for one in store.objects("inbox")}
    assert "unread" not in str(place.dora.objects("read", queued["id"])[0]["flags"])


def check_refuses(place):
    ana, dora = place.ana, place.dora
    for store, other in ((ana, dora), (dora, ana)):
        (place.directory / "card").write_bytes(other.run("id", "--card"))
        store.run("contact", "add", other.directory.name, place.directory / "card")
    sealed = dora.text("send", "-m", "psst", "ana")
    place.mined()
    refused(ana, 64, "sealed to persons", "approve", sealed)
    refused(place.ben, 77, "not for you", "approve", sealed)
    refused(ana, 66, "", "approve", "ffffffff")
    refused(ana, 64, "", "approve")
    message = place.posted(place.eve, "by anybody")
    refused(ana, 77, "send.sign is false", "-c", "send.sign=false", "approve", message)
    nobody = place.joined("nobody", "--no-identity")
    place.meet(nobody)
    refused(nobody, 77, "no identity", "approve", message)
    hook = place.ben.directory / "hooks" / "pre-send"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\ngrep -q x-bmsg-approval && exit 1\nexit 0\n")
    hook.chmod(0o700)
    place.ben.run("hooks", "enable", "pre-send", "--yes")
    refused(place.ben, 77, "pre-send", "approve", message)
    place.ben.run("hooks", "disable", "pre-send")
    place.carl.run("id", "revoke", "--yes")
    place.mined()
    refused(place.carl, 77, "revoked", "approve", message)


def main():
    with stores.workplace() as directory:
        place = Signers(directory)
        for check in (check_rules, check_wrong_rules, check_damaged_file, check_approves,
                      check_refuses):
            check(place)
            print(check.__name__, flush=True)


main()
