#!/usr/bin/env python3
"""A key stands for one message: from fifty processes at once, after a crash, for other words."""
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from stores import new_chain, workplace  # noqa: E402

HELD_OFF = ("--once", "1h", "-m", "again and again")


def fifty_at_once(ana, me):
    running = [ana.start("send", "--key", "nightly", "-m", "done", me) for _ in range(50)]
    ids = set()
    for process in running:
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
        ids.add(out.decode().strip())
    assert len(ids) == 1, ids
    waiting = [one["id"] for one in ana.objects("outbox")]
    assert waiting.count(ids.pop()) == 1, waiting


def killed_between_link_and_rename(ana, me):
    """The name of the key is there and the message is not where nodes look."""
    words = ("send", "--key", "killed", "-m", "half way", me)
    first = ana.text(*words)
    outbox = ana.directory / "outbox"
    [message] = [path for path in (outbox / "new").iterdir() if path.name.endswith(first)]
    message.rename(outbox / "tmp" / f"{message.name}.99999")
    assert first not in [one["id"] for one in ana.objects("outbox")]
    assert ana.text(*words) == first
    assert first in [one["id"] for one in ana.objects("outbox")]
    assert not list((outbox / "tmp").iterdir())


def refuses_another_message(ana, me):
    ana.run("send", "--key", "mine", "-m", "one", me)
    before = len(ana.objects("outbox"))
    ana.run("send", "--key", "mine", "-m", "two", me, exits=(65,))
    ana.run("send", "--key", "mine", "-s", "subject", "-m", "one", me, exits=(65,))
    ana.run("send", "--dry-run", "--key", "mine", "-m", "two", me, exits=(65,))
    for key in ("mine", "another"):
        assert "would queue" in ana.text("send", "--dry-run", "--key", key, "-m", "one", me)
    assert len(ana.objects("outbox")) == before


def outlives_burial(ana, me):
    words = ("send", "--key", "buried", "-m", "deep", me)
    first = ana.text(*words)
    ana.run("mine", "-n", 7, "--allow-empty")
    ana.run("inbox")
    assert first not in [one["id"] for one in ana.objects("outbox")], "not buried"
    assert ana.text(*words) == first
    assert first not in [one["id"] for one in ana.objects("outbox")]


def lines_have_keys(ana, me):
    line = json.dumps({"to": [me], "body": "a line", "key": "line"})
    lines = f"{line}\n{line}\n".encode()
    first, second = ana.objects("send", "--stdin", input=lines)
    assert first["id"] == second["id"]
    assert first["key"] == "line", first


def once_is_for_a_while(ana, me):
    first = ana.text("send", *HELD_OFF, me)
    assert ana.text("send", *HELD_OFF, me) == first
    assert ana.text("send", *HELD_OFF[:-1], "something else", me) != first
    ana.run("send", "--once", "0", "-m", "x", me, exits=(64,))


def main():
    with workplace() as directory:
        ana = new_chain(directory / "ana", "ana")
        me = ana.text("id")
        fifty_at_once(ana, me)
        killed_between_link_and_rename(ana, me)
        refuses_another_message(ana, me)
        lines_have_keys(ana, me)
        once_is_for_a_while(ana, me)
        outlives_burial(ana, me)


main()
