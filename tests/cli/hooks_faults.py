#!/usr/bin/env python3
"""Each new message is told to post-receive at least once, whenever the command is killed, and once
only when none is; hooks call no hooks; nothing that strangers wrote is run."""
import json
import os
import pathlib
import pty
import shlex
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from hooks import Recorder, people, put  # noqa: E402

KILLS = 25
AT_ONCE = 4
VETOES = 60
# What shells, formats and terminals have been made to obey; {canary} must never appear.
HOSTILE = ["$(touch {canary})", "`touch {canary}`", "; touch {canary} #", "| touch {canary}",
           "&& touch {canary}", "\n touch {canary}\n", "'; touch {canary}; '",
           '"; touch {canary}; "', "${{IFS}}touch${{IFS}}{canary}", "%s%n{canary}",
           "<(touch {canary})", "\\$(touch {canary})", "\x1b]0;x\x07\x1b[2J$(touch {canary})",
           "-e touch {canary}", "\u202e$(touch {canary})", "() {{ :;}}; touch {canary}"]


def letters(ana, ben, texts):
    """Ben's letters in ana's pool: not looked for yet; their ids."""
    lines = "\n".join(json.dumps({"to": ["ana"], "body": text}) for text in texts)
    ids = ben.text("send", "--stdin", input=lines.encode()).split()
    with ana.served() as url:
        ben.run("sync", url)
    assert len(ids) == len(texts)
    return ids


def check_once(ana, ben):
    """In order, with text and names, by whatever command looks first."""
    ids = letters(ana, ben, ["before anybody was told"])
    hook = Recorder(ana, "post-receive")
    ana.run("inbox")
    hook.enable()
    for command in (["inbox"], ["read", "@"], ["search", "word"], ["export"], ["mark", "+flagged",
                                                                             "@"]):
        ids = letters(ana, ben, [f"{command[0]} {number}" for number in range(3)])
        assert hook.take() == [], "called by serve, or by sync"
        ana.run(*command)
        calls = hook.take()
        assert [lines[0]["id"] for lines, _ in calls] == ids, command
        for (message,), variables in calls:
            assert message["type"] == "message" and message["body"].startswith(command[0])
            assert variables["BMSG_ID"] == message["id"]
            assert variables["BMSG_FROM"] == message["from"] == ben.text("id")
            assert variables["BMSG_FROM_NAME"] == "ben"
            assert variables["BMSG_THREAD"] == message["thread"]
        ana.run(*command)
        assert hook.take() == [], f"{command} told again"
    ana.run("send", "-m", "own", "ben")
    ana.run("inbox", "--sent")
    assert hook.take() == [], "own messages are no news"
    hook.then("exit 5")
    letters(ana, ben, ["one", "two"])
    with ana.start("inbox") as process:
        err = process.communicate(timeout=60)[1].decode()
    assert process.returncode == 0 and err.count("'post-receive' exited with 5") == 2, err
    ana.run("inbox")
    assert len(hook.take()) == 2, "a failure is told again"
    ana.run("hooks", "disable", "post-receive")
    letters(ana, ben, ["while disabled"])
    ana.run("inbox")
    hook.enable()
    ana.run("inbox")
    assert hook.take() == [], "what came meanwhile is no news"
    ana.run("hooks", "disable", "post-receive")


def check_within(ana, ben):
    """A hook may use the store; no hook is called from it, and what it finds is told by us."""
    asked = Recorder(ana, "pre-send", "exit 1").enable()
    hook = Recorder(ana, "post-receive",
                    f"{stores.PROGRAM} inbox >\"$at.inbox\" && "
                    f"{stores.PROGRAM} reply -m 'an answer' \"$BMSG_ID\" >\"$at.reply\"").enable()
    ids = letters(ana, ben, ["one", "two"])
    ana.run("inbox")
    calls = hook.take()
    assert [lines[0]["id"] for lines, _ in calls] == ids
    assert asked.take() == [], "a hook was called from a hook"
    answered = {one["reply_to"] for one in ana.objects("inbox", "--sent")}
    assert set(ids) <= answered, "the hook's own commands did not work"
    for name in ("pre-send", "post-receive"):
        ana.run("hooks", "disable", name)
        (ana.directory / "hooks" / name).unlink()


def told_ids(log):
    return log.read_text().split() if log.exists() else []


def check_kills(ana, ben, chance):
    """Killed at any moment: all are told, and repeats are no more than kills."""
    log = ana.directory.parent / "told"
    put(ana, "post-receive", f'#!/bin/sh\necho "$BMSG_ID" >>{log}\nsleep 0.01\n')
    ana.run("hooks", "enable", "post-receive", "--yes")
    ids, kills = [], 0
    while kills < KILLS:
        if set(told_ids(log)) == set(ids):
            ids += letters(ana, ben, [f"letter {len(ids) + number}" for number in range(8)])
        with ana.start("inbox") as process:
            try:
                process.wait(chance.uniform(0, 0.25))
            except subprocess.TimeoutExpired:
                process.kill()
                kills += 1
    ana.run("inbox")
    told = told_ids(log)
    assert set(told) == set(ids), f"{len(set(ids) - set(told))} of {len(ids)} were lost"
    repeats = len(told) - len(ids)
    print(f"{kills} kills, {len(ids)} messages, {repeats} told again", flush=True)
    assert repeats <= kills
    first = list(dict.fromkeys(told))
    assert first == sorted(first, key=ids.index), "told in another order than they read"
    ana.run("inbox")
    assert len(told_ids(log)) == len(told)


def check_own_kill(ana, ben):
    """The surest moment: the hook kills the command that calls it."""
    log = ana.directory.parent / "told"
    log.unlink()
    put(ana, "post-receive", f'#!/bin/sh\necho "$BMSG_ID" >>{log}\nkill -9 $PPID\nsleep 0.1\n')
    ids = letters(ana, ben, ["one", "two"])
    for _ in range(2):
        with ana.start("inbox") as process:
            assert process.wait(60) == -signal.SIGKILL
    assert told_ids(log) == [ids[0]] * 2, "a call that did not end is no call"
    put(ana, "post-receive", f'#!/bin/sh\necho "$BMSG_ID" >>{log}\n')
    ana.run("inbox")
    assert told_ids(log) == [ids[0]] * 3 + [ids[1]]


def check_together(ana, ben):
    """Several commands at once tell each message once."""
    log = ana.directory.parent / "told"
    for _ in range(3):
        log.unlink()
        ids = letters(ana, ben, [f"letter {number}" for number in range(6)])
        readers = [ana.start("inbox") for _ in range(AT_ONCE)]
        assert all(process.wait(60) == 0 for process in readers)
        for process in readers:
            process.stdout.close()
            process.stderr.close()
        ana.run("inbox")  # What came after the one that calls had looked.
        assert told_ids(log) == ids, told_ids(log)
    ana.run("hooks", "disable", "post-receive")


def check_interrupt(ana):
    """Ctrl-C while a hook is asked ends both, and nothing was sent."""
    mark = ana.directory.parent / "asked"
    put(ana, "pre-send", f"#!/bin/sh\necho $$ >{mark}.new; mv {mark}.new {mark}; exec sleep 60\n")
    ana.run("hooks", "enable", "pre-send", "--yes")
    before = ana.text("outbox", "-z").count("\0")
    with ana.start("send", "-m", "x", "ben") as process:
        deadline = time.monotonic() + 30
        while not mark.exists():
            assert time.monotonic() < deadline, "the hook was not called"
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.wait(10) == -signal.SIGINT
    try:
        os.kill(int(mark.read_text()), 0)
        raise AssertionError("the hook outlived the command")
    except ProcessLookupError:
        pass
    assert ana.text("outbox", "-z").count("\0") == before
    ana.run("hooks", "disable", "pre-send")


def at_terminal(store, *words):
    """Standard error of a command that has a terminal for it."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(store.words("--no-pager", *words), env=store.environment,
                          stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        got = b""
        try:
            while piece := os.read(ours, 65536):
                got += piece
        except OSError:
            pass
        process.wait(30)
    os.close(ours)
    return got


def check_hostile(ana, ben):
    """Texts and names that want to be run, through hooks of every kind of care."""
    canary = ana.directory.parent / "canary"
    texts = [text.format(canary=canary) for text in HOSTILE]
    careful = 'cat; echo "$BMSG_FROM_NAME"; echo "$BMSG_ID"'
    for name in ("pre-send", "post-receive"):
        put(ana, name, f"#!/bin/sh\n{careful}\n")
        ana.run("hooks", "enable", name, "--yes")
    ana.run("contact", "rm", "ben")
    ana.run("contact", "add", "$(touch canary)`touch canary`", ben.text("id"))
    lines = "\n".join(json.dumps({"to": ["ana"], "subject": text, "body": text}) for text in texts)
    ben.run("send", "--stdin", input=lines.encode())
    with ana.served() as url:
        ben.run("sync", url)
    seen = at_terminal(ana, "-v", "inbox")
    assert seen.count(b"hook post-receive: ") >= 3 * len(texts), "the hook's words were not told"
    assert b"\x1b]0" not in seen and b"\x1b[2J" not in seen and b"\\u001b" in seen
    for text in texts:
        ana.run("send", "-s", text.replace("\n", " "), "-F", "-", ben.text("id"),
                input=text.encode())
    put(ana, "pre-send", "#!/bin/sh\nprintf '\\033]0;title\\007\\033[2J refused\\n'; exit 1\n")
    seen = at_terminal(ana, "send", "-m", "x", ben.text("id"))
    assert b"refused" in seen and b"\x1b]0" not in seen and b"\x1b[2J" not in seen, seen
    ana.run("-v", "--log-file", ana.directory.parent / "log", "hooks", "test", "pre-send",
            exits=(1,))
    assert b"\x1b" not in (ana.directory.parent / "log").read_bytes()
    assert not canary.exists() and not list(ana.directory.parent.glob("**/canary"))


def check_veto_meanwhile(ana):
    """Who may say no is asked while another hook is enabled and disabled, again and again."""
    put(ana, "pre-send", "exit 1")
    put(ana, "post-mine", "exit 0")
    ana.run("hooks", "enable", "pre-send", "--yes")
    ana.run("hooks", "enable", "post-mine", "--yes")
    one = " ".join(map(shlex.quote, ana.words("hooks")))
    turns = subprocess.Popen(["sh", "-c", f"while :; do {one} disable post-mine; "
                              f"{one} enable post-mine --yes; done"], env=ana.environment,
                             start_new_session=True, stdout=subprocess.DEVNULL)
    try:
        for _ in range(VETOES):
            ana.run("send", "--public", "-m", "not to be sent", exits=(77,))
        assert turns.poll() is None, "nobody enabled anything meanwhile"
    finally:
        os.killpg(turns.pid, signal.SIGKILL)
        turns.wait()
    ana.run("hooks", "disable", "pre-send")
    ana.run("hooks", "disable", "post-mine")


def main():
    chance = stores.seeded_random()
    with stores.workplace() as place:
        ana, ben = people(place)
        check_once(ana, ben)
        check_within(ana, ben)
        check_kills(ana, ben, chance)
        check_own_kill(ana, ben)
        check_together(ana, ben)
        check_interrupt(ana)
        check_hostile(ana, ben)
        check_veto_meanwhile(ana)


main()
