#!/usr/bin/env python3
"""Hooks are called when they were enabled and may be trusted, with what their page says, and with
the effect that it says: the asked ones stop a command, the told ones never do."""
import json
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from hooks import people, put, Recorder, state  # noqa: E402

SAMPLES = pathlib.Path(__file__).resolve().parents[2] / "cli" / "share" / "hooks"
NAMES = ["pre-send", "post-receive", "post-mine", "post-sync", "post-reorg", "pre-accept-peer"]


def outbox(store):
    return store.text("outbox", "-z").count("\0")


def refused(store, says, *words, code=77, **options):
    """The command ends with `code`, says why, and queues nothing."""
    before = outbox(store)
    with store.start(*words, **options) as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == code, f"{words}: {process.returncode} {err!r}"
    assert says in err.decode() + out.decode(), f"{words}: {err!r} {out!r}"
    assert outbox(store) == before, f"{words} queued something"


def check_states(ana):
    assert ana.text("hooks", "-z").split("\0")[:-1] == NAMES
    assert {one["state"] for one in ana.objects("hooks", "list")} == {"absent"}
    ana.run("hooks", "enable", "pre-send", "--yes", exits=(66,))
    ana.run("hooks", "test", "pre-send", exits=(66,))
    ana.run("hooks", "enable", "pre-mine", "--yes", exits=(64,))
    hook = Recorder(ana, "pre-send")
    assert state(ana, "pre-send") == "disabled"
    ana.run("hooks", "enable", "pre-send", exits=(64,))  # Nobody can be asked.
    assert state(ana, "pre-send") == "disabled"
    ana.run("send", "-m", "x", "ben")
    assert hook.take() == [], "called although nobody enabled it"
    assert ana.text("hooks", "enable", "pre-send", "--yes") == "pre-send"
    assert ana.objects("hooks", "enable", "pre-send")[0]["state"] == "enabled"  # Asks once.
    ana.run("send", "-m", "x", "ben")
    assert len(hook.take()) == 1
    assert ana.text("hooks", "disable", "pre-send") == "pre-send"
    ana.run("hooks", "disable", "pre-send")
    ana.run("send", "-m", "x", "ben")
    assert hook.take() == [], "called after it was disabled"


def check_trust(ana):
    """What others may change is not enabled, and not called when it was."""
    hook = Recorder(ana, "pre-send").enable()
    ana.run("send", "-m", "x", "ben")
    assert len(hook.take()) == 1
    for path, mode, good in ((hook.path, 0o770, 0o700), (hook.path, 0o702, 0o700),
                             (hook.path, 0o600, 0o700), (hook.path.parent, 0o720, 0o700),
                             (ana.directory, 0o702, 0o700)):
        path.chmod(mode)
        assert state(ana, "pre-send") == "refused", (path, oct(mode))
        refused(ana, "pre-send", "send", "-m", "x", "ben")
        ana.run("hooks", "enable", "pre-send", "--yes", exits=(73,))
        path.chmod(good)
        assert state(ana, "pre-send") == "enabled", "changing it back is enough"
    real = ana.directory.parent / "real"
    hook.path.rename(real)
    refused(ana, "no program", "send", "-m", "x", "ben")
    hook.path.symlink_to(real)
    refused(ana, "symbolic link", "send", "-m", "x", "ben")
    ana.run("hooks", "enable", "pre-send", "--yes", exits=(73,))
    hook.path.unlink()
    hook.path.mkdir()
    refused(ana, "is no file", "send", "-m", "x", "ben")
    hook.path.rmdir()
    assert hook.take() == []
    ana.run("hooks", "disable", "pre-send")
    ana.run("send", "-m", "x", "ben")


def check_copies(place, ana):
    """Consent does not travel."""
    asked = Recorder(ana, "pre-send").enable()
    told = Recorder(ana, "post-mine").enable()
    archive = place / "ana.tar"
    ana.run("backup", archive)
    ana.run("restore", archive, place / "restored")
    for other in (ana.copy_to(place / "copy"), stores.Store(place / "restored")):
        assert (other.directory / "hooks" / "pre-send").exists()
        assert state(other, "pre-send") == state(other, "post-mine") == "refused"
        refused(other, "copied from", "send", "-m", "x", "ben")
        with other.start("mine", "--allow-empty") as process:
            assert b"post-mine" in process.communicate(timeout=60)[1] and process.returncode == 0
        assert asked.take() == told.take() == [], "ran in a copy"
        other.run("hooks", "disable", "post-mine")
        other.run("hooks", "enable", "pre-send", "--yes")
        other.run("send", "-m", "x", "ben")
        assert len(asked.take()) == 1
    moved = place / "moved"
    ana.directory.rename(moved)
    assert state(stores.Store(moved), "pre-send") == "enabled", "moving it is no copy"
    moved.rename(ana.directory)
    for name in ("pre-send", "post-mine"):
        ana.run("hooks", "disable", name)


def check_letters(ana, ben):
    """What the asked hook is shown."""
    hook = Recorder(ana, "pre-send").enable()
    ana.run("contact", "group", "add", "all", "ben")
    first = ana.text("send", "-s", "a subject", "-F", "-", "all", input="zwölf\n".encode())
    letter, variables = hook.take()[0]
    assert letter == [{
        "v": 1, "type": "letter", "from": ana.text("id"), "to": [ben.text("id")],
        "to_names": ["ben"], "public": False, "room": None, "topic": None, "subject": "a subject",
        "media_type": None, "body": "zwölf\n", "size": 7, "reply_to": None, "ask_ack": False}]
    assert variables["BMSG_HOOK"] == "pre-send"
    assert variables["BMSG_STORE"] == str(ana.directory)
    ana.run("send", "--public", "--topic", "news", "-m", "x")
    letter = hook.take()[0][0][0]
    assert letter["public"] and letter["topic"] == "6e657773" and letter["to"] == []
    ana.run("send", "--no-sign", "--reply-to", first, "-m", "x", "ben")
    letter = hook.take()[0][0][0]
    assert letter["from"] is None and letter["reply_to"] == first
    ana.run("resend", first)
    assert hook.take()[0][0][0]["body"] == "zwölf\n"
    for key in ("one", "one", "two"):
        ana.run("send", "--key", key, "-m", "x", "ben")
    assert len(hook.take()) == 2, "asked again for a repeat"
    ana.run("send", "--dry-run", "-m", "x", "ben")
    ana.run("id", "new", "other")
    assert hook.take() == []
    carl = ana.directory.parent / "carl"
    stores.joined(carl, "carl", ana.directory / "genesis")
    address = stores.Store(carl).text("id")
    ana.run("--identity", "ana", "send", "--hold", "-m", "x", address)
    assert len(hook.take()) == 1, "a letter that is held is asked about once"
    ana.run("id", "rm", "other", "--yes")
    ana.run("hooks", "disable", "pre-send")


def check_veto(ana, ben):
    """Any end but 0 is a no, and then nothing has happened."""
    with ana.served() as url:
        ben.run("send", "-m", "a question", "ana")
        ben.run("sync", url)
    mine = ana.text("send", "-m", "sent before", "ben")
    hook = Recorder(ana, "pre-send", "echo 'not today'; exit 3").enable()
    for words in (["send", "-m", "x", "ben"], ["reply", "@", "-m", "x"], ["resend", mine],
                  ["send", "--now", "-m", "x", "ben"], ["send", "--key", "k", "-m", "x", "ben"],
                  ["send", "--public", "-m", "x"], ["send", "--hold", "-m", "x", "ben"]):
        refused(ana, "hook 'pre-send' said no: exited with 3: not today", *words)
        assert len(hook.take()) == 1, words
    hook.then("grep -q good \"$at.input\"")
    lines = "".join(json.dumps({"to": ["ben"], "body": body}) + "\n"
                    for body in ("good one", "bad one", "good two"))
    path = ana.directory.parent / "lines"
    path.write_text(lines)
    for words, options in ((["send", "--stdin"], {"input": lines.encode()}),
                           (["import", path], {})):
        before = outbox(ana)
        answers = ana.objects(*words, exits=(3,), **options)
        assert [one["type"] for one in answers] == ["queued", "error", "queued"], answers
        assert answers[1]["code"] == 77 and "pre-send" in answers[1]["message"]
        assert outbox(ana) == before + 2
    for end, says in (("kill -9 $$", "killed by signal 9"), ("sleep 60", "ran out of time")):
        hook.then(end)
        refused(ana, says, "-c", "hooks.timeout=1", "send", "-m", "x", "ben")
    put(ana, "pre-send", "#!/no/such/program\n")
    refused(ana, "cannot be started", "send", "-m", "x", "ben")
    refused(ana, "hooks.timeout", "-c", "hooks.timeout=x", "send", "-m", "x", "ben", code=78)
    ana.run("hooks", "disable", "pre-send")


def check_told(place, ana, ben):
    """Each with its object; no failure of theirs is the command's."""
    mined, synced, reorg = (Recorder(ana, name, "exit 9").enable()
                            for name in ("post-mine", "post-sync", "post-reorg"))
    block = ana.text("mine", "--allow-empty")
    assert [one[0]["hash"] for one, _ in mined.take()] == [block]
    ana.run("send", "--now", "-m", "x", "ben")
    assert len(mined.take()) >= 1
    with ana.start("mine", "--allow-empty", "--json") as process:
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0 and b"post-mine" in err and b"exited with 9" in err
    assert json.loads(out.splitlines()[0]) == mined.take()[0][0][0]
    with ana.start("mine", "--allow-empty", "-q") as process:
        assert process.communicate(timeout=60)[1] == b"" and process.returncode == 0
    ana.run("sync")
    assert synced.take() == [], "nobody to exchange with"
    fork = stores.joined(place / "fork", "fork", ana.directory / "genesis")
    fork.run("mine", "--allow-empty", "-n", "9")
    with fork.served() as url:
        ana.run("sync", url, "--dry-run")
        assert synced.take() == []
        ana.run("sync", url)
    (lines, _), = synced.take()
    assert [one["type"] for one in lines] == ["sync", "summary"] and lines[0]["peer"] == url
    (lines, _), = reorg.take()
    assert lines[0]["type"] == "reorg" and lines[0]["depth"] >= 3
    assert lines[0]["to"] == fork.objects("log", "-n", "1")[0]["hash"]
    for hook in (mined, synced, reorg):
        ana.run("hooks", "disable", hook.name)


def check_peers(ana):
    hook = Recorder(ana, "pre-accept-peer", "echo 'too far'; exit 1").enable()
    url = "http://127.0.0.1:9"
    refused(ana, "'pre-accept-peer' said no: exited with 1: too far", "peers", "add", url)
    assert hook.take()[0][0][0]["url"] == url and ana.objects("peers") == []
    hook.then("exit 0")
    ana.run("peers", "add", "--no-probe", url)
    assert len(hook.take()) == 1
    hook.then("exit 1")
    ana.run("peers", "add", "--no-probe", url)
    assert hook.take() == [], "it is known already"
    ana.run("peers", "rm", url)
    ana.run("hooks", "disable", "pre-accept-peer")


def check_trial(ana):
    """`test` shows what a hook makes of something, enabled or not."""
    for name in NAMES:
        hook = Recorder(ana, name, "echo seen; echo too >&2; exit 4")
        hook.take()  # What an earlier check was not about.
        assert ana.text("hooks", "test", name, exits=(1,)) == f"seen\ntoo\n{name} exited with 4"
        (lines, variables), = hook.take()
        assert lines[0]["v"] == 1 and variables["BMSG_HOOK"] == name
        hook.then("exit 0")
        answer = ana.objects("hooks", "test", name)[0]
        assert (answer["state"], answer["ok"], answer["code"]) == ("disabled", True, 0)
        hook.take()
        if name in ("pre-send", "post-receive"):
            ana.run("hooks", "test", name, "--message", "@")
            assert hook.take()[0][0][0]["body"] == "a question"
        else:
            ana.run("hooks", "test", name, "--message", "@", exits=(64,))
        hook.path.unlink()


def check_samples(ana):
    for name in ("pre-send", "post-receive", "pre-accept-peer"):
        shutil.copy(SAMPLES / name, put(ana, name, ""))
        ana.run("hooks", "enable", name, "--yes")
    ana.run("send", "-m", "hello", "ben")
    refused(ana, "this looks like a secret", "send", "-m", "-----BEGIN PRIVATE KEY-----", "ben")
    ana.run("peers", "add", "--no-probe", "http://127.0.0.1:9")
    refused(ana, "no onion", "peers", "add", "--no-probe", "https://example.com:5512")
    assert ana.text("hooks", "test", "post-receive", "--message", "@").startswith("post-receive")
    assert "ben" in (ana.directory / "run" / "received.log").read_text()


def main():
    with stores.workplace() as place:
        ana, ben = people(place)
        check_states(ana)
        check_trust(ana)
        check_copies(place, ana)
        check_letters(ana, ben)
        check_veto(ana, ben)
        check_told(place, ana, ben)
        check_peers(ana)
        check_trial(ana)
        check_samples(ana)


main()
