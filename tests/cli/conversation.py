#!/usr/bin/env python3
"""Answers go to whoever is meant, and read shows what it was asked for, once and in order."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402


def exchange(stores_, url):
    for store in stores_:
        store.run("sync", url)
    for store in stores_:
        store.run("sync", url)


def check_answers(ana, ben, carl, url):
    """`reply` needs no contact; --all has everybody who wrote."""
    ben.run("reply", "-m", "x", exits=(66,))
    ana.run("contact", "add", "ben", "-", input=ben.run("id", "--card"))
    ana.run("contact", "add", "carl", "-", input=carl.run("id", "--card"))
    first = ana.text("send", "-s", "lunch", "-m", "Where?", "ben", "carl")
    exchange([ana, ben, carl], url)
    answer = ben.text("reply", "-m", "Here.")
    told = ben.objects("show", answer)[0]
    assert (told["to"], told["subject"], told["reply_to"]) == \
        ([ana.text("id")], "Re: lunch", first), told
    assert told["thread"] == ben.objects("show", first)[0]["thread"]
    exchange([ben, ana, carl], url)
    ben.run("reply", "--no-sign", "-m", "x", exits=(64,))
    ana.run("reply", answer, "-m", "Good.")
    exchange([ana, ben], url)
    again = ana.text("reply", first, "-s", "another", "-m", "All?", "--all")
    told = ana.objects("show", again)[0]
    assert sorted(told["to"]) == sorted([ben.text("id"), carl.text("id")]), told
    assert told["subject"] == "another"
    carl.run("reply", answer, "-m", "x", exits=(77,))
    assert ana.objects("read", "--json", again)[0]["body"] == "All?"
    empty = ana.text("send", "--allow-empty", "ben", input=b"")
    assert ana.objects("read", empty)[0]["body"] == ""
    assert ana.text("send", "--allow-empty=skip", "ben", input=b"") == ""
    ana.run("send", "--allow-empty=perhaps", "ben", input=b"", exits=(64,))
    return first, answer


def check_reading(ana, first, answer):
    other = ana.text("send", "-m", "of another matter", ana.text("id"))
    whole = [one["id"] for one in ana.objects("read", "--thread", answer)]
    assert whole[0] == first and answer in whole and other not in whole and len(whole) >= 3
    times = [one["unix"] for one in ana.objects("read", "--thread", answer)]
    assert times == sorted(times)
    both = [one["id"] for one in ana.objects("read", "--thread", other, answer, first)]
    assert both == [other, *whole], "each conversation once, in the order named"
    assert ana.text("read", "--raw", answer) == ana.text("read", "--body", answer) == "Here."
    for words in (["--raw", "--body"], ["--headers", "--body"], ["--raw", "--headers"],
                  ["--raw=perhaps"]):
        ana.run("read", *words, answer, exits=(64,))
    for between in (b"\n", b"\0"):
        given = between.join([first.encode(), answer.encode()]) + between
        assert [one["id"] for one in ana.objects("read", "--stdin", input=given)] == \
            [first, answer]
        assert ana.run("export", "--stdin", input=given).count(b"\n") == 2
    assert ana.text("read", "--stdin", input=b"") == ""


def check_newest(place, ana, ben, url):
    """`@` is the newest that came, for every command, whatever was sent since."""
    older = ben.text("send", "-m", "older", ana.text("id"))
    exchange([ben, ana], url)
    came = ben.text("send", "-m", "newer", ana.text("id"))
    exchange([ben, ana], url)
    newest, before = [one["id"] for one in ana.objects("inbox", "-n", 2)]
    assert {newest, before} == {came, older}, (newest, before)
    ana.run("send", "-m", "sent since", "carl")
    ana.run("send", "--public", "-m", "sent since")
    for words in (["reply"], ["reply", "@"]):
        told = ana.objects("show", ana.text(*words, "-m", "yes"))[0]
        assert (told["to"], told["reply_to"]) == ([ben.text("id")], newest), (words, told)
    for words in (["show", "@"], ["read", "@"], ["cat", "@"], ["rev-parse", "@"],
                  ["rev-parse", "--verify", "@"], ["export", "--format", "jsonl", "@"]):
        assert ana.objects(*words)[0]["id"] == newest, words
    assert ana.text("rev-parse", "@", "@~1").split() == [newest, before]
    assert ana.text("cat", "--batch", "--json", input=b"@\n").count(newest) == 1
    ana.run("resend", "@", exits=(77,))  # It came: only what was sent is sent again.
    ana.run("outbox", "show", "@", exits=(66,))
    for words in (["rev-parse", "--verify", "@", "tip"], ["rev-parse", "--verify", "@", "@"]):
        ana.run(*words, exits=(64,))
    dora = stores.joined(place / "dora", "dora", place / "node" / "genesis")
    dora.run("contact", "add", "ben", "-", input=ben.run("id", "--card"))
    dora.run("send", "-m", "nothing came", "ben")
    for words in (["show", "@"], ["read", "@"], ["cat", "@"], ["rev-parse", "@"],
                  ["mark", "+flagged", "@"], ["receipt", "@"], ["resend", "@"], ["outbox", "show", "@"],
                  ["export", "@"], ["inbox", "--thread", "@"], ["reply", "-m", "x"], ["reply", "-m", "x", "@"]):
        dora.run(*words, exits=(66,))


def main():
    with stores.workplace() as place:
        node = stores.new_chain(place / "node", "node")
        people = [stores.joined(place / name, name, place / "node" / "genesis")
                  for name in ("ana", "ben", "carl")]
        with node.served() as url:
            first, answer = check_answers(*people, url)
            check_reading(people[0], first, answer)
            check_newest(place, *people[:2], url)


main()
