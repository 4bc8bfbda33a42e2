#!/usr/bin/env python3
"""The two-person rule: what a policy governs is given to no program before enough of those who are
listed have signed it, then once, whatever becomes of blocks, programs and the watch itself."""
import contextlib
import os
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import moved_clock
import stores
from signers import Runner, Signers, TWO_OF_THREE, lines_of, refused

SECONDS_TO_NOTICE = 20  # Far more than it takes: a machine may be busy.


def within(seconds, question):
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def check_two_of_three(place):
    """One approval does nothing, the second runs it once, a third nothing more."""
    run = Runner(place, "two")
    message = place.posted(place.eve, "release 1.4")
    assert run.calls() == [], "run without anybody's signature"
    assert place.standing(message) == (True, 0, 2, [])
    place.approved(place.ana, message, "-m", "looks good")
    assert run.calls() == [], "run after one approval"
    assert place.standing(message) == (True, 1, 2, ["ana"])
    assert place.dora.text("inbox").splitlines()[0].endswith("pending 1 of 2")
    shown = place.dora.text("read", message)
    assert "policy  pending 1 of 2" in shown and "ana: looks good" in shown, shown
    place.approved(place.ben, message)
    assert run.calls() == [message], "not run after the second"
    assert place.standing(message) == (False, 2, 2, ["ana", "ben"])
    assert "pending" not in place.dora.text("inbox")
    assert run.calls() == [message]
    place.approved(place.carl, message)
    assert run.calls() == [message], "run again after the third"
    assert place.standing(message)[3] == ["ana", "ben", "carl"]
    assert place.ana.objects("read", message)[0]["approvals"] is None, "a policy is one store's"


def check_author_counts(place):
    run = Runner(place, "author")
    message = place.posted(place.ana, "by one of them")
    assert place.standing(message) == (True, 1, 2, ["ana"])
    assert run.calls() == []
    place.approved(place.carl, message)
    assert run.calls() == [message]


def check_what_does_not_count(place):
    """Somebody who is not listed, one person twice, and what says another thing."""
    run = Runner(place, "counts")
    twin = place.joined("twin", "--no-identity")
    place.ben.run("pair", "export", place.directory / "p", "--code-file", place.directory / "code")
    twin.run("pair", "import", place.directory / "p", "--code-file", place.directory / "code")
    message = place.posted(place.eve, "release 1.5")
    place.approved(place.dora, message)
    assert place.standing(message) == (True, 0, 2, [])
    place.meet(twin)
    approvals = [store.text("approve", message) for store in (place.ben, twin)]
    assert len(set(approvals)) == 2, "two devices, one approval"
    place.mined(*place.others, twin)
    assert place.standing(message) == (True, 1, 2, ["ben"]), "one person with two devices"
    refused(twin, 73, "you have approved that message", "approve", message)
    place.approve_as(place.ana, message, "release 1.6")
    place.mined()
    assert place.standing(message) == (True, 1, 2, ["ben"]), "the signer has read something else"
    other = place.posted(place.eve, "release 1.6", "news")
    place.approve_as(place.carl, other, "release 1.5", "news")
    place.mined()
    assert run.calls() == [], "run for one person"
    place.approve_as(place.ana, message, "release 1.5")
    place.mined()
    assert place.standing(message) == (False, 2, 2, ["ana", "ben"]), "what is right counts"
    assert run.calls() == [message]


def check_holds_up_nobody(place):
    """What waits is passed, also over the end of a watch, and comes when it is signed."""
    run = Runner(place, "order")
    *others, third = [place.posted(place.eve, str(number)) for number in range(5)]
    first = others[0]
    place.approved(place.ana, third)
    place.approved(place.ben, third)
    assert run.calls() == [third]
    # Beside it a reader of everything: other mail comes as it comes.
    news = place.posted(place.eve, "nothing to sign", "news")
    assert place.watched("--since", first) == [third, news]
    assert place.watched("--topic", "depl", "--since", first) == [third]
    for store in (place.ana, place.ben):
        for message in others:
            store.run("approve", message)
        assert run.calls() == [third]
        place.mined()
    assert run.calls() == [third, *others], "not in the order of the chain"
    assert run.calls() == [third, *others]


def replaced(place, blocks):
    """Dora's last blocks give way to a longer branch that has none of their messages."""
    branch = place.dora.copy_to(place.directory / f"branch{time.monotonic_ns()}")
    return lambda: with_branch(place, branch, blocks)


def with_branch(place, branch, blocks):
    branch.run("mine", "-n", blocks, "--allow-empty", "--no-relay")
    with branch.served() as url:
        place.dora.run("sync", "--pull", url)


def check_reorganisations(place):
    """The second approval leaves the chain and comes back: it counts while it is there, and what
    was run is not run again."""
    run = Runner(place, "reorg")
    message = place.posted(place.eve, "release 2.0")
    place.approved(place.ana, message)
    drop = replaced(place, 3)
    place.approved(place.ben, message)
    assert place.standing(message)[0] is False
    drop()
    assert place.standing(message) == (True, 1, 2, ["ana"])
    assert run.calls() == [], "run by an approval that left the chain"
    place.mined()
    assert run.calls() == [message]
    drop = replaced(place, 3)
    another = place.posted(place.ana, "release 2.1")
    place.approved(place.ben, another)
    assert run.calls() == [message, another]
    drop()
    assert run.calls() == [message, another]
    place.mined()
    place.mined()
    assert place.standing(another)[0] is False
    assert run.calls() == [message, another], "run again in another block"


def check_message_leaves(place):
    """While it waits its block goes, and approvals come: it is run when it has a block again."""
    run = Runner(place, "leaves")
    branch = place.dora.copy_to(place.directory / "without")
    message = place.posted(place.eve, "release 2.2")
    assert run.calls() == []
    for store in (place.ana, place.ben):
        place.approve_as(store, message, "release 2.2", within=branch)
    with_branch(place, branch, 3)
    assert place.standing(message)[0] is False
    assert place.dora.objects("read", message)[0]["block"] is None
    assert run.calls() == [], "run while it is in no block"
    place.mined()
    assert run.calls() == [message]


def check_programs_that_fail(place):
    """Again until it returns 0; parked and given again by hand."""
    failed = place.directory / "failed"
    later = Runner(place, "later", text=f"[ -e {failed} ] || {{ : >{failed}; exit 75; }}\n")
    broken = Runner(place, "broken", text="exit 1\n")
    message = place.posted(place.ana, "release 3.0")
    place.approved(place.ben, message)
    assert later.calls() == [message, message], "once more after it failed"
    assert later.calls() == [message, message], "and not after it returned 0"
    assert broken.calls("--tries", 1, exits=(3,)) == [message]
    assert broken.calls() == [message], "parked, and given again by itself"
    assert broken.calls("--parked", "--tries", 1, exits=(3,)) == [message] * 2
    place.dora.run(*broken.words, "--parked", "--exec", "true")
    assert broken.calls("--parked") == [message] * 2


def check_killed(place):
    """With signal 9 while it waits, while a program runs, and between."""
    run = Runner(place, "killed")
    message = place.posted(place.eve, "release 4.0")
    place.approved(place.ana, message)
    watch = place.dora.start(*run.words, "--heartbeat", 1, "--exec", run.program)
    stores.read_line(watch.stdout, SECONDS_TO_NOTICE)  # It has looked at all there was.
    watch.send_signal(signal.SIGKILL)
    watch.communicate()
    assert run.calls() == []
    place.approved(place.ben, message)
    ready = place.directory / "ready"
    slow = place.program("slow", f"echo $$ >{ready}.new; mv {ready}.new {ready}\n"
                                 "exec sleep 60 >/dev/null 2>&1\n")
    watch = place.dora.start(*run.words, "--exec", slow)
    within(SECONDS_TO_NOTICE, ready.exists)
    watch.send_signal(signal.SIGKILL)
    os.kill(int(ready.read_text()), signal.SIGKILL)
    watch.communicate()
    assert run.calls() == [message], "lost with the watch that had it in hands"
    assert run.calls() == [message]


def check_live(place):
    """A watch that runs notices signatures, a rule that is set, and one that goes."""
    run = Runner(place, "live", ("--topic", "live"))
    place.dora.run("policy", "set", "live", "ben")
    with contextlib.ExitStack() as stack:
        watch = place.dora.start(*run.words, "--exec", run.program)
        stack.callback(watch.communicate)
        stack.callback(watch.kill)
        message = place.posted(place.ana, "run me", "live")
        place.approved(place.carl, message)
        place.approved(place.ben, message)
        within(SECONDS_TO_NOTICE, lambda: lines_of(run.log) == [message])
        place.dora.run("policy", "set", "live", "carl")
        second = place.posted(place.ben, "and me", "live")
        place.dora.run("policy", "rm", "live")
        within(SECONDS_TO_NOTICE, lambda: lines_of(run.log) == [message, second])


def check_pool(place):
    """With --pooled approvals count from the pool on, without it from a block on."""
    run, early = Runner(place, "mined"), Runner(place, "pooled")
    message = place.posted(place.ana, "release 5.0")
    place.ben.run("approve", message)
    place.meet()
    assert run.calls() == []
    assert early.calls("--pooled") == [message]
    place.mined()
    assert run.calls() == [message] and early.calls("--pooled") == [message]
    # And one that has looked at the message before its approval comes.
    watch = place.dora.start(*early.words, "--pooled", "--heartbeat", 1, "--exec", early.program)
    stores.read_line(watch.stdout, SECONDS_TO_NOTICE)
    second = place.ana.text("send", "--public", "--topic", "depl", "-m", "release 5.1")
    place.meet()
    for _ in range(2):  # In between it has looked.
        stores.read_line(watch.stdout, SECONDS_TO_NOTICE)
    assert lines_of(early.log) == [message]
    place.ben.run("approve", second)
    place.meet()
    within(SECONDS_TO_NOTICE, lambda: lines_of(early.log) == [message, second])
    watch.kill()
    watch.communicate()
    place.mined()


def check_polling(place):
    """Scripts that poll do not see what waits, and may take a message off a reader's hands."""
    run = Runner(place, "poll")
    reader = ("inbox", "--cursor", "poll")
    seen = {one["id"] for one in place.dora.objects(*reader)}
    message = place.posted(place.eve, "release 6.0")
    assert run.calls() == []
    assert {one["id"] for one in place.dora.objects(*reader)} == seen, "a script was shown it"
    place.approved(place.ana, message)
    place.approved(place.ben, message)
    assert {one["id"] for one in place.dora.objects(*reader)} == seen | {message}
    place.dora.run("read", "--ack", "--cursor", "poll", message)
    assert run.calls() == [], "handled by hand, and run"


def check_expired(place):
    """What nobody has approved when it expires is given up, and what was approved is not."""
    run, other = Runner(place, "expired"), Runner(place, "slow")
    message, signed = (place.posted(place.eve, text) for text in ("late", "in time"))
    for store in (place.ana, place.ben):
        place.approved(store, signed)
    later = moved_clock.words("FAKETIME=+31d", *place.dora.words(*run.words, "--drain", "--exec",
                                                                 run.program))
    subprocess.run(later, env=place.dora.environment, check=True, timeout=60)
    assert lines_of(run.log) == [signed]
    for store in (place.ana, place.ben):
        place.approved(store, message)
    assert run.calls() == [signed], "given up, and run"
    assert sorted(other.calls()) == sorted([message, signed]), "who has not looked has not given up"


def check_room(place):
    """The same in a room, whose messages others cannot see."""
    dora = place.dora
    place.ana.run("contact", "add", "dora", dora.text("id"))
    place.ben.run("contact", "add", "dora", dora.text("id"))
    dora.run("room", "create", "ops", "--member", "ana", "--member", "ben")
    # Whoever made the room chose its name: it takes no topic's place.
    refused(dora, 64, "is a room here, and may be a topic", "policy", "set", "ops", TWO_OF_THREE)
    refused(dora, 64, "one of them", "policy", "set", "--room", "--topic", "ops", TWO_OF_THREE)
    refused(dora, 67, "is no room", "policy", "set", "--room", "live", TWO_OF_THREE)
    dora.run("policy", "set", "--topic", "ops", "ana")
    assert dora.objects("policy", "show", "ops")[0]["kind"] == "topic"
    dora.run("policy", "set", "--room", "ops", TWO_OF_THREE)
    refused(dora, 64, "several policies", "policy", "show", "ops")
    refused(dora, 64, "several policies", "policy", "rm", "ops")
    assert dora.objects("policy", "show", "--topic", "ops")[0]["kind"] == "topic"
    dora.run("policy", "rm", "--topic", "ops")
    assert dora.objects("policy", "show", "ops")[0]["kind"] == "room"
    place.mined()
    run = Runner(place, "room", ("--room", "ops"))
    place.ana.run("inbox")
    message = place.ana.text("send", "ops", "-m", "release 7.0")
    place.mined()
    assert run.calls() == []
    assert place.standing(message) == (True, 1, 2, ["ana"])
    place.ben.run("inbox")
    approval = place.approved(place.ben, message)
    assert run.calls() == [message]
    outside = place.eve.run("ls-messages", "tip").decode()
    assert approval in outside
    refused(place.eve, 77, "not for you", "approve", message)
    later = place.ana.text("send", "ops", "-m", "release 7.1")
    place.mined()
    place.ben.run("inbox")
    place.ben.run("room", "leave", "ops", "--yes")
    refused(place.ben, 67, "secret of the room", "approve", later)


def main():
    with stores.workplace() as directory:
        place = Signers(directory)
        place.dora.run("policy", "set", "depl", TWO_OF_THREE)
        for check in (check_two_of_three, check_author_counts, check_what_does_not_count,
                      check_holds_up_nobody, check_reorganisations, check_message_leaves,
                      check_programs_that_fail, check_killed, check_live, check_pool,
                      check_polling, check_room, check_expired):
            if check is check_expired and not moved_clock.FOUND:
                continue  # The others say most of it.
            began = time.monotonic()
            check(place)
            print(f"{check.__name__} {time.monotonic() - began:.1f} s", flush=True)


main()
