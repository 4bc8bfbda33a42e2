#!/usr/bin/env python3
"""Flags are changed as they are said, for all messages named or for none, and no change gets lost
beside another; what occurs in a subject or a text is found, and nothing else."""
import fcntl
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

PASSPHRASE = "correct horse"


def flags_of(store, ref):
    return set(store.objects("show", ref)[0]["flags"])


def ids(store, *filters):
    return store.text("inbox", "-z", *filters).split("\0")[:-1]


def arrived(place):
    """Ana has five messages of ben's, newest last, all unread."""
    ana = stores.new_chain(place / "ana", "ana")
    ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
    ben.run("contact", "add", "ana", "-", input=ana.run("id", "--card"))
    ana.run("contact", "add", "ben", "-", input=ben.run("id", "--card"))
    texts = [("Lunch", "at noon,\nas ever"), ("Rechnung für Zoë", "STRASSE 5"),
             ("", "no subject, but an invoice"), ("invoice", "see there"),
             ("long", "x" * 3000 + " needle at the very end")]
    with ana.served() as url:
        for subject, body in texts:
            ben.run("send", "-s", subject, "-F", "-", "ana", input=body.encode())
        ben.run("sync", url)
    ana.run("mine", "--no-relay")
    found = {one["subject"] or "": one["id"] for one in ana.objects("inbox")}
    assert len(found) == len(texts), found
    return ana, [found[subject] for subject, _ in texts]


def check_words(ana, every):
    """Where a change stands makes no difference, nor whether it looks like an option."""
    one = every[0]
    assert flags_of(ana, one) == {"unread"}
    for words, left in (([one, "+flagged"], {"unread", "flagged"}),
                        (["-unread", one], {"flagged"}),
                        (["-flagged", one, "+archived"], {"archived"}),
                        (["--", "-archived", one, "+unread"], {"unread"}),
                        (["-archived", "+flagged", "-flagged=", one], None)):
        if left is None:
            ana.run("mark", *words, exits=(64,))
            continue
        assert ana.text("mark", *words) == one, words
        assert flags_of(ana, one) == left, (words, flags_of(ana, one))
        assert ana.text("mark", *words) == "", f"{words} again changes nothing"
    assert ana.objects("mark", "-unread", one)[0] == {
        "v": 1, "type": "marked", "id": one, "flags": []}
    assert ana.text("mark", "+unread", "--format", "{id} {flags}", one) == f"{one} unread"
    assert ana.run("mark", one[:12], "+flagged", "-z").decode() == one + "\0"
    ana.run("mark", "-flagged", one)


def check_lists(ana, every):
    newest = ids(ana)[0]
    assert ana.text("mark", "-unread", "+archived", "@", "@") == newest
    assert newest not in ids(ana) and newest in ids(ana, "--all")
    assert newest not in ids(ana, "--unread", "--all")
    assert ana.text("mark", "+unread", "-archived", newest) == newest
    for given in ("\n".join(every) + "\n", "\0".join(every) + "\0", "\n\n".join(every)):
        assert ana.text("mark", "--stdin", "+flagged", input=given.encode()).split() == every
        assert ana.text("mark", "--stdin", "-flagged", input=given.encode()).split() == every
    assert ana.text("mark", "--stdin", "+flagged", input=b"") == ""
    done = ana.text("mark", every[0], "--stdin", "+flagged", input=every[1].encode())
    assert done.split() == every[:2]
    ana.run("mark", "-flagged", *every)


def check_refused(ana, every):
    """Nothing is changed when something is wrong."""
    before = [flags_of(ana, one) for one in every]
    absent = "f" * 128
    for words, code in ((["+flagged"], 64), ([every[0]], 64), (["+flag", every[0]], 64),
                        (["-x", every[0]], 64), (["-u", every[0]], 64), (["-", every[0]], 64),
                        (["+flagged", "-flagged", every[0]], 64), (["+flagged", "zzz"], 64),
                        (["+flagged", every[0], absent], 66), (["+flagged", absent[:9]], 66),
                        (["+flagged", "@~99"], 66), (["+flagged", ":1"], 64)):
        ana.run("mark", *words, exits=(code,))
    ana.run("mark", "+flagged", "--stdin", input=f"{every[0]}\n{absent}\n".encode(), exits=(66,))
    with open(ana.directory / "mail.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        ana.run("mark", "+flagged", every[0], "--lock-timeout", "0", exits=(75,))
        ana.run("mark", "+flagged", "@", "--lock-timeout", "0", exits=(75,))
    assert [flags_of(ana, one) for one in every] == before


def check_together(ana, every):
    """Changes of the same messages at once: none undoes another."""
    ana.run("mark", "+unread", "-flagged", "-archived", *every)
    writers = [ana.start("mark", word, *every) for word in ("-unread", "+flagged", "+archived") * 3]
    printed = [process.communicate(timeout=60)[0].split() for process in writers]
    assert all(process.returncode == 0 for process in writers)
    assert sum(map(len, printed)) == 3 * len(every), "each change is told once"
    assert all(flags_of(ana, one) == {"flagged", "archived"} for one in every)
    ana.run("mark", "+unread", "-flagged", "-archived", *every)


def check_without_key(place, ana, every):
    """A flag is changed without the key; what counts or was not found yet needs it."""
    locked = ana.copy_to(place / "locked")
    locked.run("passwd", "--new-passphrase-file", "-", input=PASSPHRASE.encode())
    assert locked.text("mark", "+flagged", every[0]) == every[0]
    locked.run("mark", "+flagged", "@", exits=(77,))
    ana.run("send", "-m", "new", "--now", ana.text("id"))
    with ana.served() as url:
        locked.run("sync", url)
    new = ids(ana)[0]
    locked.run("mark", "+flagged", new, exits=(77,))
    assert locked.text("mark", "+flagged", new, "--passphrase-file", "-",
                       input=PASSPHRASE.encode()) == new
    assert locked.text("mark", "-flagged", new) == new


def check_search(ana, every):
    lunch, bill, bare, invoice, long = every

    def found(*words):
        return sorted(ana.text("search", "-z", *words).split("\0")[:-1])

    for words, wanted in ((["lunch"], [lunch]), (["LUNCH", "NOON"], [lunch]),
                          (["noon, as ever"], [lunch]), (["ever as"], []),
                          (["lunch", "invoice"], []), (["invoice"], [bare, invoice]),
                          (["zoe\u0308"], [bill]), (["ZOË"], [bill]), (["straße"], [bill]),
                          (["für"], [bill]), (["needle"], [long]), (["eedl"], [long]),
                          (["needle", "--until", "@1"], []), (["invoice", "-n", "1"], None),
                          (["invoice", "--from", "ben"], [bare, invoice]),
                          (["noon", "--thread", lunch], [lunch]),
                          (["noon", "--thread", bare], []), (["--", "-x"], [])):
        got = found(*words)
        assert got == sorted(wanted) if wanted is not None else len(got) == 1, (words, got)
    ana.run("search", "nothing-like-it", "--exit-code", exits=(1,))
    ana.run("search", "lunch", "--exit-code")
    for words, code in (([], 64), ([""], 64), (["lunch", " \t"], 64), (["\udcff"], 64),
                        (["lunch", "--from", "zoe"], 67), (["lunch", "--format", "{no}"], 64)):
        ana.run("search", *words, exits=(code,))
    ana.run("mark", "+archived", "-unread", lunch)
    assert found("lunch") == [lunch], "what is archived is found"
    assert found("lunch", "--unread") == []
    ana.run("send", "-m", "my own lunch", "ben")
    sent = found("own lunch")
    assert len(sent) == 1 and found("lunch", "--sent") == sent
    assert found("lunch") == sorted([lunch, *sent]), "received and sent"
    bodies = ana.objects("search", "needle", "--bodies")
    assert bodies[0]["body"].endswith("very end") and bodies[0]["id"] == long
    assert ana.objects("search", "needle")[0]["id"] == long
    assert ana.text("search", "needle").split("\t")[0] == long
    marked = ana.text("mark", "--stdin", "+archived",
                      input=ana.run("search", "-z", "invoice", "--from", "ben"))
    assert sorted(marked.split()) == sorted([bare, invoice])


def check_at_rest(ana):
    """What was read and looked for lies nowhere on the disk where mail is remembered."""
    files = [one for one in (ana.directory / "mail").rglob("*") if one.is_file()]
    assert sum(one.stat().st_size for one in files) > 1000, "nothing is remembered"
    for word in ("needle", "noon", "Lunch", "lunch", "STRASSE", "invoice", "subject"):
        lying = [one.name for one in files if word.encode() in one.read_bytes()]
        assert not lying, (word, lying)


def main():
    with stores.workplace() as place:
        ana, every = arrived(place)
        check_words(ana, every)
        check_lists(ana, every)
        check_refused(ana, every)
        check_together(ana, every)
        check_search(ana, every)
        check_at_rest(ana)
        check_without_key(place, ana, every)


main()
