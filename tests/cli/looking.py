#!/usr/bin/env python3
"""What log and show tell: branches as a graph, filters, every kind of object; ':N' at a terminal."""
import os
import pathlib
import pty
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402


def at_terminal(store, *arguments):
    """What a command writes to a terminal, and its exit code."""
    main, side = pty.openpty()
    running = subprocess.Popen(store.words(*arguments), env=store.environment | {"COLUMNS": "100"},
                               stdin=side, stdout=side, stderr=side)
    os.close(side)
    text = b""
    while True:
        try:
            piece = os.read(main, 4096)
        except OSError:  # The other end is closed.
            break
        if not piece:
            break
        text += piece
    os.close(main)
    return text.decode(), running.wait(30)


def branched(place):
    """Ana has a block that lost, ben's two that won."""
    ana = stores.new_chain(place / "ana", "ana")
    ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
    ana.run("mine", "--no-relay")
    ben.run("mine", "-n", 2, "--allow-empty", "--no-relay")
    with ben.served() as url:
        ana.run("peers", "add", url)
        ana.run("sync")
    return ana, ben


def check_log(ana):
    lost = [one for one in ana.objects("log", "--all") if one["branch"] == "side"]
    assert len(lost) == 1 and len(ana.objects("log")) == 3
    marks = [line[:4].rstrip() for line in ana.text("log", "--graph", "--all").split("\n")]
    assert marks == ["* 2:", "* |", "| *", "|/", "* 0:"], marks
    heights = [one["height"] for one in ana.objects("log", "--all", "--reverse")]
    assert heights == [0, 1, 1, 2], heights
    assert [one["height"] for one in ana.objects("log", "0..1")] == [1]
    assert [one["height"] for one in ana.objects("log", "0..", "--all", "-n", 2)] == [2, 1]
    assert ana.objects("log", "--since", "2999-01-01", "--all") == []
    ana.run("log", "--graph", "--reverse", exits=(64,))
    ana.run("log", "1", exits=(64,))


def check_show(ana, ben):
    kinds = {"tip": "block", "ana": "identity", "ben": "contact"}
    ana.run("contact", "add", "ben", "-", input=ben.run("id", "--card"))
    kinds[ana.objects("peers")[0]["url"]] = "peer"
    for name, kind in kinds.items():
        assert ana.objects("show", name)[0]["type"] == kind, name
        assert ana.objects("show", name, "--type", kind)[0]["type"] == kind, name
        assert not ana.text("show", name).startswith("{"), name
    assert ana.text("id") in ana.text("show", ana.text("id"), "--type", "identity")
    ana.run("show", "ben", "--type", "identity", exits=(66,))
    ana.run("show", "ana", "--type", "contact", exits=(67,))
    ana.run("show", "carl", exits=(67,))


def check_numbers(ana):
    texts = ["first words", "second words"]
    for text in texts:
        ana.run("send", "-m", text, ana.text("id"))
    ana.run("mine", "--no-relay")
    ana.run("read", ":1", exits=(64,))
    listed, code = at_terminal(ana, "inbox")
    assert code == 0 and "   2 " in listed, listed
    for number, line in enumerate(listed.strip().split("\r\n"), 1):
        text, code = at_terminal(ana, "read", "--body", f":{number}")
        assert code == 0 and text.strip() in line and text.strip() in texts, (line, text)
    assert at_terminal(ana, "read", ":3")[1] == 66
    assert at_terminal(ana, "read", ":x")[1] == 64
    thread = ana.objects("inbox")[0]["id"]
    ana.run("send", "--reply-to", thread, "-m", "an answer", ana.text("id"))
    whole = ana.text("read", "--thread", "--body", thread)
    assert whole.endswith("an answer") and len(whole.split("\n")) == 2, whole


def check_verify(ana):
    """A part of the reading, all of it over several runs; words that name no part."""
    for part in ("1/1", "1/3", "2/3", "3/3", "1%", "100%"):
        assert ana.text("verify", "--full", "--read-data-subset", part).startswith("OK "), part
    for part in ("0/3", "4/3", "1/0", "/3", "1/", "1/3x", "0%", "101%", "%", "x", ""):
        ana.run("verify", "--full", "--read-data-subset", part, exits=(64,))
    ana.run("verify", "--read-data-subset", "1/3", exits=(64,))
    ana.run("verify", "--full", "--from", "3")
    ana.run("verify", "--full", "--from", "4", exits=(66,))
    assert ana.text("verify", "--signatures", "--explain").startswith("OK ")


def check_tables(ana, ben):
    """Lists are columns at a terminal, cut to its width, and lines with tabs elsewhere."""
    ana.run("send", "-m", "text", "ben")
    ana.run("contact", "add", "a-name-that-is-rather-long", ana.text("id"))
    for words, rows in ((["outbox"], 1), (["contact", "list"], 2), (["peers"], 1), (["hooks"], 6),
                        (["id", "list"], 1)):
        assert all("\t" in line for line in ana.text(*words).split("\n")), words
        text, code = at_terminal(ana, "--no-pager", *words)
        lines = text.rstrip("\r\n").split("\r\n")
        assert code == 0 and len(lines) >= rows and "\t" not in text, (words, text)
        assert all(len(line) <= 100 for line in lines), (words, lines)
        assert at_terminal(ana, *words, "--json")[0].replace("\r", "") == \
            ana.run(*words, "--json").decode()
    first = at_terminal(ana, "--no-pager", "contact", "list")[0].split("\r\n")
    assert first[0].index("known") == first[1].index("known"), first
    assert ana.objects("outbox")[0]["id"][:12] in at_terminal(ana, "--no-pager", "outbox")[0]


def main():
    with stores.workplace() as place:
        ana, ben = branched(place)
        check_log(ana)
        check_show(ana, ben)
        check_numbers(ana)
        check_verify(ana)
        check_tables(ana, ben)


main()
