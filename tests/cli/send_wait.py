#!/usr/bin/env python3
"""Waiting for a message to get somewhere, up to the other side's word that it was read."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from stores import joined, new_chain, read_line, workplace  # noqa: E402


def waits_until_read(ana, ben):
    """Exit 0 only after ben's acknowledgement: before it, the wait is still on."""
    waiting = ana.start("send", "--wait", "read", "--timeout", "60s", "-m", "read this", "ben",
                        "--json")
    ben_has = []
    for _ in range(100):
        ben.run("sync")
        ben_has = [one["id"] for one in ben.objects("inbox") if one["subject"] is None]
        if ben_has:
            break
    assert len(ben_has) == 1, ben_has
    try:
        waiting.wait(1)
        raise AssertionError("the wait ended before it was read")
    except subprocess.TimeoutExpired:
        pass
    ben.run("read", "--ack", ben_has[0])
    assert len(ben.objects("outbox")) > 0
    ben.run("sync")
    out, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 0, (out, err)
    assert b'"type":"sent"' in out and b'"state":"read"' in out and b'"ok":true' in out, out
    assert ana.objects("outbox", "show", ben_has[0])[0]["state"] == "read"
    # Once more says nothing more.
    before = len(ben.objects("outbox"))
    ben.run("read", "--ack", ben_has[0])
    assert len(ben.objects("outbox")) == before
    return ben_has[0]


def time_is_over(ana, ben):
    """75, and the message arrives all the same."""
    out = ana.text("send", "--wait", "read", "--timeout", "1s", "-s", "late", "-m", "x", "ben",
                   exits=(75,))
    message = out.splitlines()[0]
    ben.run("sync")
    assert message in [one["id"] for one in ben.objects("inbox")], "it did not arrive"


def pooled_and_mined(ana):
    ana.run("send", "--wait", "pooled", "--timeout", "30s", "-m", "one", "ben")
    ana.run("send", "--wait", "mined=2", "--timeout", "1s", "-m", "two", "ben", exits=(75,))
    ana.run("mine", "-n", 2, "--allow-empty")
    ana.run("send", "--key", "three", "-m", "three", "ben")
    ana.run("mine", "-n", 2, "--allow-empty")
    ana.run("send", "--key", "three", "-m", "three", "ben", "--wait", "mined=2", "--timeout", "9s")


def says_what_cannot_be(ana):
    ana.run("send", "--wait", "read", "--public", "-m", "x", exits=(64,))
    ana.run("send", "--wait", "mined=0", "-m", "x", "ben", exits=(64,))
    ana.run("send", "--wait", "queued=2", "-m", "x", "ben", exits=(64,))
    ana.run("send", "--timeout", "1s", "-m", "x", "ben", exits=(64,))


def taken_back(alone):
    """69 at once when somebody cancels what is waited for."""
    me = alone.text("id")
    for words in (("send", "-m", "x", me), ("reply", "-m", "x", "@")):
        waiting = alone.start(*words, "--wait", "mined")
        message = read_line(waiting.stdout, 20)
        alone.run("outbox", "cancel", message)
        out, err = waiting.communicate(timeout=20)
        assert waiting.returncode == 69, (words, waiting.returncode, err)
        assert out.decode().split("\t")[2] == "cancelled", out
        alone.run("send", "-m", "to answer", "--now", me)
        alone.run("inbox")


def answers(ana, ben, message):
    reply = ben.text("reply", "-m", "I did", message)
    assert ben.text("reply", "--key", "again", "-m", "I did", message) != reply
    again = ben.text("resend", reply)
    assert again != reply
    ben.run("sync")
    told = {one["id"]: one for one in ana.objects("inbox")}
    assert told[reply]["reply_to"] == message, told[reply]
    assert told[again]["reply_to"] == reply, told[again]
    ana.run("resend", reply, exits=(77,))


def two_of_one(ana, ben):
    """Both identities of one store are recipients, and one reader answers for both."""
    ben.run("id", "new", "work")
    ana.run("contact", "add", "work", "-", input=ben.run("--identity", "work", "id", "--card"))
    message = ana.text("send", "--ask-ack", "-m", "to both", "ben", "work")
    ben.run("sync")
    assert len(ben.objects("read", message)[0]["to"]) == 2
    ben.run("read", "--ack", message)
    ben.run("sync")
    assert ana.objects("outbox", "show", message)[0]["state"] == "read"


def main():
    with workplace() as directory:
        taken_back(new_chain(directory / "alone", "alone"))
        ana = new_chain(directory / "ana", "ana")
        with ana.served() as url:
            ben = joined(directory / "ben", "ben", url)
            ben.run("sync")
            ana.run("contact", "add", "ben", ben.text("id"))
            says_what_cannot_be(ana)
            message = waits_until_read(ana, ben)
            time_is_over(ana, ben)
            answers(ana, ben, message)
            pooled_and_mined(ana)
            two_of_one(ana, ben)


main()
