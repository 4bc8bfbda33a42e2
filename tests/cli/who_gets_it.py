#!/usr/bin/env python3
"""Nobody gets or signs what was not meant for them: answers to all leave strangers out, a room's name
selects no person's mail, what is sent again is judged again, and an identity stays beside the others."""
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stores
import terminal
from signers import refused


def exchange(one, *others):
    """Everything gets to everybody."""
    with one.served() as url:
        for other in (*others, *others):
            other.run("sync", url)
    one.run("mine", "--no-relay")
    with one.served() as url:
        for other in others:
            other.run("sync", url)


def met(place, *names):
    """Stores of one chain, each of which has the others as contacts."""
    first = stores.new_chain(place / names[0], names[0])
    made = [first] + [stores.joined(place / name, name, place / names[0] / "genesis")
                      for name in names[1:]]
    for store, name in zip(made, names):
        (place / f"{name}.card").write_bytes(store.run("id", "--card"))
    for store, own in zip(made, names):
        for name in names:
            if name != own:
                store.run("contact", "add", name, place / f"{name}.card")
    return made


def bodies(store):
    return [one["body"].strip() for one in store.objects("inbox", "--bodies")]


def check_reply_all(ana, ben, mal):
    """The id of a message is for all to see: who names it has not become one of those who talk."""
    asked = ana.text("send", "-m", "what is the word?", "ben")
    exchange(ana, ben, mal)
    mal.run("send", "--reply-to", asked, "-m", "I am here, too", "ben")
    exchange(ana, ben, mal)
    ben.run("contact", "block", "mal")
    told = subprocess.run(ben.words("reply", "--all", asked, "-m", "swordfish"), check=True,
                          env=ben.environment, capture_output=True).stderr.decode()
    assert "does not get this" in told and mal.text("id") in told, told
    exchange(ana, ben, mal)
    assert "swordfish" in bodies(ana) and "swordfish" not in bodies(mal)
    # Contacts who wrote are answered.
    ben.run("contact", "unblock", "mal")
    ben.run("reply", "--all", asked, "-m", "and now you")
    exchange(ana, ben, mal)
    assert "and now you" in bodies(ana) and "and now you" in bodies(mal)


def check_rooms_are_nobody(ana, ben, mal):
    ana.run("room", "create", "deploy", "--member", "ben")
    exchange(ana, ben, mal)
    ben.run("inbox")
    private = ana.text("send", "-m", "private", "ben")
    exchange(ana, ben, mal)
    for words in (["inbox"], ["search", "private"], ["export", "--format", "jsonl"],
                  ["forget", "--yes"], ["watch", "--drain", "--since", "all"]):
        refused(ben, 67, "--room selects", *words, "--from", "deploy")
    assert "private" in ben.text("read", "--no-mark", private)


def check_sent_again(ana, ben, mal):
    sent = ana.text("send", "-m", "again", "ben")
    ana.run("config", "set", "send.require_verified", "true")
    refused(ana, 77, "not verified", "resend", sent)
    ana.run("config", "unset", "send.require_verified")
    ana.run("resend", sent)
    public = ben.text("send", "--public", "-m", "release")
    exchange(ana, ben, mal)
    refused(ana, 65, "no message that somebody wrote", "resend", ana.text("approve", public))
    refused(ana, 64, "told that it was read", "send", "--public", "--ask-ack", "-m", "x")


def check_identities(ana, ben, mal):
    """An answer is signed by whoever was written to, and what is sent again by who sent it."""
    ana.run("id", "new", "work")
    addresses = {one["name"]: one["address"] for one in ana.objects("id", "list")}
    first, work = addresses["ana"], addresses["work"]
    ana.run("id", "use", "ana")
    exchange(ana, ben, mal)
    secret = ana.text("--identity", "work", "send", "-m", "as work", "ben")
    exchange(ana, ben, mal)
    ben.run("reply", secret, "-m", "to work")
    exchange(ana, ben, mal)
    (came,) = [one for one in ana.objects("inbox", "--bodies") if one["body"].strip() == "to work"]
    answers = {ana.text("reply", came["id"], "-m", "from work"): work,
               ana.text("resend", secret): work,
               ana.text("--identity", first, "reply", came["id"], "-m", "on purpose"): first}
    exchange(ana, ben, mal)
    seen = {one["id"]: one["from"] for one in ben.objects("inbox")}
    assert {id_: seen[id_] for id_ in answers} == answers, (seen, answers)


def queued(store):
    return {one["id"] for one in store.objects("outbox")}


def check_acknowledgements(ana, ben, mal):
    """Reading what is for everybody tells nobody who read it."""
    ben.run("contact", "set", "mal", "ack=read")
    for words, count in (("--public",), 0), (("ben",), 1):
        message = mal.text("send", "-m", "who reads this?", *words)
        exchange(ana, ben, mal)
        before = queued(ben)
        # A reader in a pipe says nothing, whoever sits at a terminal does.
        terminal.at_terminal(ben.words("read", message),
                             ben.environment | {"BMSG_PAGER": "cat"}, ben.directory)
        assert len(queued(ben) - before) == count, (words, ben.objects("outbox"))


def main():
    with stores.workplace() as place:
        people = met(place, "ana", "ben", "mal")
        for check in (check_reply_all, check_rooms_are_nobody, check_sent_again, check_identities,
                      check_acknowledgements):
            check(*people)
            print(f"{check.__name__} holds", flush=True)


main()
