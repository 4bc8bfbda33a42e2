#!/usr/bin/env python3
"""Every command exits with every code that its manual page lists, in a case of its own.

The list is made from the pages: a code that is added there needs a case here, and a new command
brings its pairs by itself. What cannot be brought about from outside stands in WITHOUT, with the
reason.
"""
import contextlib
import fcntl
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import hooks
import stores
import web
import world

PAGES = pathlib.Path(__file__).resolve().parents[2] / "man"
NOBODY = 65534

# Worlds in which every command that needs what is broken there fails alike.
GENERAL = {65: "damaged", 66: "nowhere", 74: "full", 75: "locked", 77: "foreign"}

# Command, code, world, words; then input. {id} and the like are filled in by `facts`.
CASES = [
    ("approve", 0, "ana", "approve {public}"),
    ("approve", 66, "ana", "approve ffffffff"),
    ("approve", 73, "ana", "approve {public}"),
    ("approve", 77, "ana", "-c send.sign=false approve {public}"),
    ("backup", 73, "ana", "backup block"),
    ("bundle", 3, "parted", "-c max_reorg=1 bundle apply rival.bundle"),
    ("bundle", 69, "light", "bundle create light.bundle"),
    ("bundle", 73, "ana", "bundle create block"),
    ("bundle", 75, "locked", "bundle apply chain.bundle"),
    ("cat", 3, "ana", "cat --batch", b"ffffffff"),
    ("charter", 0, "council", "charter log"),
    ("charter", 73, "council", "charter draft -o block"),
    ("check-header", 65, "ana", "check-header", b"x" * 256),
    ("clone", 65, "ana", "clone --no-passphrase message fresh-c"),
    ("clone", 66, "ana", "clone --no-passphrase no-such-file fresh-c"),
    ("clone", 69, "ana", "clone --no-passphrase http://127.0.0.1:9 fresh-c"),
    ("clone", 73, "ana", "clone --no-passphrase chain.bundle ana"),
    ("clone", 76, "ana", "clone --no-passphrase {liar} fresh-c"),
    ("clone", 77, "ana", "clone --no-passphrase {impostor} fresh-c"),
    ("config", 1, "ana", "config get sync.proxy"),
    ("config", 75, "locked", "config set send.sign true"),
    ("contact", 65, "ana", "contact add zoe message"),
    ("contact", 66, "ana", "contact add zoe no-such-file"),
    ("contact", 67, "ana", "contact show zoe"),
    ("contact", 73, "ana", "contact add ben {ana}"),
    ("endorse", 0, "council", "endorse"),
    ("endorse", 69, "light", "endorse"),
    ("endorsers", 0, "council", "endorsers"),
    ("endorsers", 1, "council", "endorsers evidence"),
    ("endorsers", 73, "ana", "endorsers key --new block"),
    ("endorsers", 74, "full", "endorsers key --new full.key"),
    ("export", 67, "ana", "export --from zoe"),
    ("export", 73, "ana", "export --to taken @"),
    ("forget", 67, "ana", "forget --from zoe --yes"),
    ("forget", 69, "light", "forget --foreign --expired --yes"),
    ("forget", 75, "locked", "forget --expired --yes"),
    ("fork", 0, "forked", "fork list"),
    ("fork", 1, "ana", "fork list"),
    ("hash", 65, "ana", "hash lines"),
    ("hash", 66, "ana", "hash no-such-file"),
    ("help", 66, "ana", "help no-such-command"),
    ("hooks", 1, "ana", "hooks test pre-send"),
    ("hooks", 66, "ana", "hooks test post-mine"),
    ("hooks", 73, "ana", "hooks enable post-sync --yes"),
    ("hooks", 75, "locked", "hooks enable pre-send --yes"),
    ("id", 73, "ana", "id new ana"),
    ("import", 3, "ana", "import bad-lines"),
    ("inbox", 1, "ana", "inbox --from ben --exit-code --until @1"),
    ("inbox", 67, "ana", "inbox --from nobody"),
    ("init", 65, "ana", "init --no-passphrase --genesis message fresh65"),
    ("init", 69, "ana", "init --no-passphrase --genesis http://127.0.0.1:9 fresh69"),
    ("init", 73, "ana", "init --no-passphrase ana"),
    ("init", 77, "foreign", "init --no-passphrase --if-missing foreign"),
    ("invite", 67, "cardless", "invite --host a.example --card"),
    ("invite", 69, "ana", "invite"),
    ("mirror", 69, "light", "mirror light.mirror"),
    ("mirror", 73, "ana", "mirror message"),
    ("mine", 69, "ana", "mine --allow-empty --require-relay"),
    ("mine", 75, "hard", "mine --allow-empty --timeout 1"),
    ("open", 65, "ana", "open", b"garbage"),
    ("open", 77, "ben", "open"),
    ("outbox", 1, "ana", "outbox --state failed --exit-code"),
    ("outbox", 69, "ana", "outbox cancel {taken_id}"),
    ("outbox", 75, "locked", "outbox flush"),
    ("pair", 65, "ana", "pair import message --code-file pair-code"),
    ("pair", 73, "ana", "pair import ana.pair --code-file pair-code"),
    ("pair", 74, "full", "pair export - --code-file fresh74"),
    ("pair", 75, "locked", "pair import ana.pair --code-file pair-code"),
    ("pair", 77, "ana", "pair import ana.pair --code-file block"),
    ("peers", 68, "ana", "peers show http://127.0.0.1:1"),
    ("peers", 69, "ana", "peers probe http://127.0.0.1:9"),
    ("peers", 75, "locked", "peers rm http://127.0.0.1:9"),
    ("peers", 76, "ana", "peers probe {liar}"),
    ("peers", 77, "ana", "peers probe {https}"),
    ("peers", 78, "ana", "peers probe {other}"),
    ("pow", 65, "ana", "pow message"),
    ("pow", 66, "ana", "pow no-such-file"),
    ("pow", 75, "ana", "pow hard-block --timeout 1"),
    ("receipt", 77, "ben", "receipt {id} --open"),
    ("reply", 67, "ana", "reply {unsigned} -m x"),
    ("reply", 75, "locked", "reply --now -m x"),
    ("resend", 0, "ana", "resend {own}"),
    ("restore", 65, "ana", "restore message fresh-a"),
    ("restore", 66, "ana", "restore no-such-file fresh-b"),
    ("restore", 73, "ana", "restore archive.tar ben"),
    ("policy", 66, "ana", "policy show deploy"),
    ("policy", 67, "ana", "policy set deploy 'of(2, ben, zoe)'"),
    ("policy", 75, "locked", "policy set deploy ben"),
    ("read", 77, "ben", "read {id}"),
    ("room", 67, "ana", "room show zoe"),
    ("room", 73, "ana", "room create ben"),
    ("room", 75, "locked", "room create deploy"),
    ("search", 1, "ana", "search --exit-code nothing-like-it"),
    ("search", 67, "ana", "search --from zoe body"),
    ("seal", 65, "ana", "seal -r ben", b"x" * 70000),
    ("seal", 67, "ana", "seal -r zoe"),
    ("send", 3, "ana", "send --stdin", b"no json\n"),
    ("send", 65, "ana", "send -F binary ben"),
    ("send", 67, "ana", "send -m x zoe"),
    ("send", 75, "locked", "send --now -m x ben"),
    ("send", 77, "ana", "send --require-verified -m x ben"),
    ("serve", 69, "ana", "serve --listen {taken}"),
    ("send", 0, "ana", "send -m text ben"),
    ("status", 1, "ana", "status --exit-code"),
    ("submit-block", 65, "ana", "submit-block block"),
    ("sync", 0, "ana", "sync {url}"),
    ("sync", 3, "ana", "sync {url} http://127.0.0.1:9"),
    ("sync", 64, "ana", "sync --topic news"),
    ("sync", 69, "ana", "sync http://127.0.0.1:9"),
    ("sync", 75, "locked", "sync"),
    ("sync", 76, "ana", "sync {liar}"),
    ("sync", 77, "ana", "sync {https}"),
    ("sync", 78, "ana", "sync {other}"),
    ("verify", 1, "ana", "verify --against {rival}"),
    ("verify", 69, "ana", "verify --against http://127.0.0.1:9"),
    ("verify", 76, "ana", "verify --against {liar}"),
    ("verify", 77, "ana", "verify --against {https}"),
    ("verify", 78, "ana", "verify --against {other}"),
    ("watch", 1, "ana", "watch --timeout 0"),
    ("watch", 3, "ana", "watch --cursor three --since all --drain --tries 1 --exec false"),
    ("watch", 67, "ana", "watch --from zoe --drain"),
    ("watch", 69, "ana", "watch --since all --drain --exec ./no-such-program"),
    ("watch", 75, "locked", "watch --cursor new --drain"),
    ("web", 69, "ana", "web --link-file link --listen {taken}"),
    ("web", 73, "ana", "web --listen 127.0.0.1:0 --link-file no-such-place/link"),
    ("witness", 75, "locked", "witness set 1:{hash} --yes"),
]

MOVING = "only while a writer moves the database's files at that very moment: readers_test"
TRIED_THERE = "tried beside its own damage in repair.py, or in cron.py"
TAKEN = "what it makes is named by its content and can be there already"
WITHOUT = {
    ("approve", 67): "a room that was left: policy.py",
    ("approve", 75): MOVING,
    ("charter", 74): "with a charter to print: charter.py",
    ("charter", 75): "beside somebody who holds the store: charter.py",
    ("config", 73): "tried in hostile_places.py, with a place where nobody may make a file",
    ("doctor", 1): "depends on the machine, which is not to be broken for it",
    ("endorse", 74): "with a hash to print: endorse.py",
    ("endorse", 75): "beside another: endorse.py",
    ("repair", 3): TRIED_THERE,
    ("repair", 69): TRIED_THERE,
    ("repair", 74): "needs a full disk",
    ("schedule", 3): TRIED_THERE,
    ("schedule", 73): TRIED_THERE,
    ("schedule", 77): TRIED_THERE,
    ("backup", 75): MOVING,
    ("mirror", 75): "a mirror beside another: mirror.py",
    ("receipt", 75): MOVING,
    ("forget", 3): "needs a disk that fails between two writes",
    ("fork", 74): "with a branch to print, in fork.py",
    ("clone", 75): "by a clock that is slow: repair.py",
    ("fork", 75): "with a branch to follow, in fork.py",
    ("export", 3): "needs a message of the index whose body was dropped by another program",
    ("inbox", 75): MOVING,
    ("restore", 3): "needs a disk that fails between two writes",
    ("restore", 74): "needs a disk that is full; it prints nothing that could fail",
    ("read", 73): "with a file to save: files.py",
    ("reply", 69): "a wait for what was taken back: send_wait.py",
    ("reply", 73): TAKEN,
    ("resend", 67): "needs a recipient whose card has run out",
    ("resend", 73): TAKEN,
    ("send", 69): "a wait for what was taken back: send_wait.py",
    ("send", 73): TAKEN,
    ("serve", 73): "what it makes may be there already",
    ("verify", 75): MOVING,
    ("web", 75): MOVING,
}


def pairs():
    """Of every command and the codes on its page; 64 and 78 come from all."""
    found = []
    for name in world.commands():
        page = (PAGES / f"bmsg-{name}.1").read_text()
        section = page.partition(".Sh EXIT STATUS")[2].partition("\n.Sh ")[0]
        codes = {int(code) for code in re.findall(r"^\.It (\d+)", section, flags=re.M)}
        assert 0 in codes, f"the page of {name} lists no exit codes"
        found += [(name, code) for code in sorted(codes | {64, 78})]
    return found


@contextlib.contextmanager
def held(store):
    """All locks of a store, by this process."""
    with contextlib.ExitStack() as stack:
        for name in ("chain.lock", "mail.lock", "config.lock"):
            file = stack.enter_context(open(store / name, "a"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


class Worlds:
    """The world of each case, and what its words name."""

    def __init__(self, directory, stack):
        self.place = world.World(directory)
        self.directory = directory
        ana = self.place.ana
        for name in ("damaged", "full", "locked", "foreign", "parted"):
            ana.copy_to(directory / name)
        (directory / "damaged" / "format").write_text("garbage")
        shutil.rmtree(self.place.ana.copy_to(directory / "cardless").directory / "cards")
        stack.enter_context(held(directory / "locked"))
        hard = stores.Store(directory / "hard")
        hard.run("init", hard.directory, "--floor", 60, "--stamp", 1, "--no-passphrase")
        council = stores.Store(directory / "council")
        key = council.text("endorsers", "key", "--new", directory / "council.key")
        council.run("init", council.directory, "--no-passphrase", "--private", "--endorser", key,
                    "--endorser-key", directory / "council.key")
        stores.joined(directory / "light", "light", directory / "ana" / "genesis", "--light")
        self.files(hard)
        self.facts = self.find_facts(stack)
        for root, _, names in os.walk(directory / "foreign") if os.geteuid() == 0 else []:
            for path in [root, *(os.path.join(root, name) for name in names)]:
                os.chown(path, NOBODY, NOBODY)

    def files(self, hard):
        for store in ("ana", "locked"):  # A hook that says no, and one that others may change.
            for name, mode in (("pre-send", 0o700), ("post-sync", 0o777)):
                hooks.put(stores.Store(self.directory / store), name, "#!/bin/sh\nexit 1\n", mode)
        self.place.ana.run("pair", "export", self.directory / "ana.pair", "--code-file",
                           self.directory / "pair-code")
        rival = stores.joined(self.directory / "rival", "rival", self.directory / "ana" / "genesis")
        rival.run("mine", "--allow-empty", "--no-relay", "-n", 8)
        rival.run("bundle", "create", self.directory / "rival.bundle")
        forked = self.place.ana.copy_to(self.directory / "forked")
        forked.run("config", "set", "max_reorg", 1)
        forked.run("bundle", "apply", self.directory / "rival.bundle", exits=(3,))
        (self.directory / "binary").write_bytes(b"\xff\xfe")
        (self.directory / "bad-lines").write_text("no json\n")
        (self.directory / "taken").mkdir()
        (self.directory / "taken" / "bmsg.jsonl").write_text("")
        (self.directory / "hard-block").write_bytes(hard.run("make-block"))

    def find_facts(self, stack):
        ana, ben = self.place.ana, self.place.ben
        other = stores.new_chain(self.directory / "other", "other")
        url = stack.enter_context(ben.served())
        https = stack.enter_context(
            stores.joined(self.directory / "tls", "tls", self.directory / "ana" / "genesis").served(
                listen="https://127.0.0.1:0"))
        public = ben.text("send", "--public", "--topic", "news", "-m", "x")
        ana.run("sync", url)
        unsigned = ana.text("send", "--no-sign", "--now", "-m", "x", ana.text("id"))
        ids = [one["id"] for one in ana.objects("inbox")]
        other_url = stack.enter_context(other.served())
        ana.run("peers", "add", "--no-probe", "--node", "0" * 64, https)
        ana.run("peers", "add", "--no-probe", other_url)
        liar_url = stack.enter_context(web.liar())
        ana.run("peers", "add", "--no-probe", liar_url)
        rival = stack.enter_context(stores.Store(self.directory / "rival").served())
        return {"ana": ana.text("id"), "public": public, "rival": rival, "id": ids[-1], "url": url, "https": https,
                "impostor": ana.text("invite", "--host", https.removeprefix("https://")),
                "taken": url.removeprefix("http://"), "liar": liar_url,
                "other": other_url, "taken_id": ids[-1], "unsigned": unsigned,
                "own": ana.objects("inbox", "--sent")[0]["id"], "hash": ana.objects("log")[0]["hash"]}

    def run(self, name, words, given=None):
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "capture_output": False}
        if given is not None:
            options["input"] = given
        if name == "locked":
            words = ["--lock-timeout", "0", *words]
        if name != "full":
            return self.place.run(*words, store=name, **options)
        with open("/dev/full", "wb") as full:
            return self.place.run(*words, store=name, **(options | {"stdout": full}))


def case_of(command, code, every):
    """World, words and input of a pair; None if there is no case."""
    for case in CASES:
        if case[:2] == (command, code):
            return case[2], shlex.split(case[3]), *case[4:5]
    least = world.least(command, every)
    if code == 0:
        return "ana", least
    if code == 64:
        return "ana", [*least, "--no-such-option"]
    if code == 78:
        return "ana", ["-c", "no.such=1", *least]
    return (GENERAL[code], least) if code in GENERAL else None


def check_serves(worlds):
    """What goes on until it is stopped ends with 0 when it is."""
    with worlds.place.ana.served():
        pass


def main():
    every = world.spec()
    wanted = pairs()
    idle = {case[:2] for case in CASES} - set(wanted)
    faults = [f"a case of {pair}, which is on no page" for pair in sorted(idle)]
    with stores.workplace() as directory, contextlib.ExitStack() as stack:
        worlds = Worlds(directory, stack)
        for command, code in wanted:
            case = case_of(command, code, every)
            if (command, code) in WITHOUT:
                continue
            if case is None:
                faults.append(f"{command} {code}: no case")
                continue
            if case[0] == "foreign" and os.geteuid() != 0:
                continue  # Only root can make a store of somebody else.
            if command in world.ENDLESS and code == 0:
                check_serves(worlds)
                continue
            words = [word.format(**worlds.facts) for word in case[1]]
            done = worlds.run(case[0], words, *case[2:])
            if done.returncode != code:
                faults.append(f"{command} {code}: {case[0]} {' '.join(words)[:99]}: exits "
                              f"{done.returncode}, {done.stderr.decode()[:160]!r}")
            if code >= 64 and not done.stderr:
                faults.append(f"{command} {code}: not a word of why")
    print(f"{len(wanted)} pairs, {len(WITHOUT)} of them without a case")
    sys.exit("\n".join(faults) if faults else 0)


main()
