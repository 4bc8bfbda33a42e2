#!/usr/bin/env python3
"""What every command prints with --json has the shape that bmsg-json(5) gives it, is ASCII, the
same on a terminal and in a pipe, and leaves standard error empty; a failure ends with an object."""
import datetime
import json
import os
import pathlib
import pty
import re
import subprocess
import sys
import tty

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stores
import world

PAGE = pathlib.Path(__file__).resolve().parents[2] / "man" / "bmsg-json.5"
# What changes from one run to the next.
MOVING = re.compile(
    rb'"(elapsed_s|free_bytes|tip_age_s|latency_ms|stamp_ms|rate|serve_pid|since)":[^,}]+|\d+ MiB are free')
# More than the least: forms of the commands that print something of their own.
MORE = [
    ["id"], ["contact", "show", "ben"], ["contact", "list"], ["outbox"], ["peers", "show",
    "http://127.0.0.1:9"], ["log", "--messages"], ["log", "--all", "-n", "2"], ["show", "tip"],
    ["contact", "log", "ben"], ["id", "device", "list"], ["show", "ben"], ["show", "http://127.0.0.1:9"], ["show", "ana"], ["cat", "tip"], ["cat", "@"],
    ["inbox", "--bodies"], ["inbox", "--sent"], ["read", "@", "@~1"], ["verify", "--full"],
    ["config", "get", "lock.timeout"], ["sync"], ["sync", "--dry-run"], ["status", "--exit-code"],
    ["peers", "probe"], ["mine", "--dry-run"], ["send", "--dry-run", "-m", "text", "ben"],
    ["bundle", "apply", "--dry-run", "chain.bundle"], ["policy", "set", "gate", "of(1, ben)"],
    ["policy", "list"], ["policy", "show", "gate"],
]
# Changes that print what became of things; they cannot be said twice with the same answer.
CHANGES = [
    ["contact", "verify", "ben", "--undo"], ["contact", "set", "ben", "ack=never"],
    ["contact", "block", "ben"], ["contact", "unblock", "ben"],
    ["contact", "rename", "ben", "benjamin"], ["contact", "rename", "benjamin", "ben"],
    ["contact", "group", "rm", "all", "ben"], ["contact", "rm", "all"],
    ["config", "set", "mine.bury", "3"], ["config", "unset", "mine.bury"],
    ["peers", "ban", "http://127.0.0.1:9"], ["peers", "unban", "http://127.0.0.1:9"],
    ["peers", "add", "--no-probe", "http://127.0.0.1:10"], ["peers", "rm", "http://127.0.0.1:10"],
    ["mark", "-unread", "+archived", "@"], ["id", "new", "other"], ["--identity", "ana", "outbox", "flush"],
    ["--identity", "ana", "send", "-m", "text", "--now", "ben"],
    ["--identity", "ana", "send", "--public", "--topic", "gate", "-m", "text"], ["inbox", "--sent"],
    ["--identity", "ana", "reply", "-m", "text"],
    ["--identity", "ana", "room", "create", "deploy", "--member", "ben"],
    ["room", "rotate", "deploy"], ["room", "invite", "deploy", "ben"], ["room", "list"],
    ["room", "show", "deploy"], ["room", "members", "deploy"], ["room", "remove", "deploy", "ben"],
    ["repair"], ["pair", "export", "new.pair", "--code-file", "new.code"],
    ["bundle", "create", "--pool", "new.bundle"], ["bundle", "apply", "new.bundle"],
]


# They print bytes or text whatever one says, or have their turn further down.
TEXTS = {"help", "completion", "export", "seal", "open", "make-block", "pow", "init", "mine",
         "send", "reply", "resend", "import", "backup", "restore", "clone", "bundle",
         "pair"}
# They answer to their input, or to the network, count the time they took, or write what is new.
ONCE = {"forget", "check-header", "mark", "mirror", "sync", "submit-block", "passwd"}


class Shapes:
    """The little language of the page: `name S?, list [S], "one" or "other", {name N}`."""

    def __init__(self, page):
        text = page.replace("\\(dq", '"')
        self.types = {}
        for section in re.split(r"^\.Ss ", text, flags=re.M)[1:]:
            heading, _, body = section.partition("\n")
            blocks = re.findall(r"^\.Bd [^\n]*\n(.*?)^\.Ed", body, flags=re.M | re.S)
            if " of " in heading or not blocks:
                continue
            for line in blocks[0].splitlines() if "," in heading else [f"{heading}: {blocks[0]}"]:
                self.add(line, " ".join(blocks[1:]))

    def add(self, line, optional):
        name, _, members = line.partition(": ")
        self.types[name] = self.members(members, True) | self.members(optional, False)

    def members(self, text, must):
        self.tokens = re.findall(r'"[^"]*"|[A-Za-z_0-9]+|[^\s]', text)
        found = {}
        while self.tokens:
            name = self.tokens.pop(0)
            if name == ",":
                continue
            found[name] = (self.kind(), must)
        return found

    def kind(self):
        first = self.tokens.pop(0)
        if first.startswith('"'):
            return self.optional(self.words(first))
        if first == "[":
            inner = None if self.tokens[0] == "]" else self.kind()
            assert self.tokens.pop(0) == "]", self.tokens
            return self.optional(lambda value: isinstance(value, list) and all(
                inner is None or inner(one) for one in value))
        if first == "{":
            return self.optional(self.object())
        return self.optional(KINDS[first])

    def optional(self, kind):
        if self.tokens and self.tokens[0] == "?":
            self.tokens.pop(0)
            return lambda value: value is None or kind(value)
        return kind

    def words(self, first):
        choices = [first]
        while self.tokens and (self.tokens[0] == "or" or self.tokens[1:2] and
                               self.tokens[0] == "," and self.tokens[1].startswith('"')):
            self.tokens.pop(0)
            choices.append(self.tokens.pop(0))
        values = [choice.strip('"') for choice in choices]
        return lambda value: value in values

    def object(self):
        members = {}
        while (name := self.tokens.pop(0)) != "}":
            if name == ",":
                continue
            if self.tokens[0] == ":":
                self.tokens.pop(0)
                each = self.kind()
                assert self.tokens.pop(0) == "}"
                return lambda value: isinstance(value, dict) and all(map(each, value.values()))
            members[name] = self.kind()
        return lambda value: isinstance(value, dict) and set(value) == set(members) and all(
            kind(value[name]) for name, kind in members.items())

    def faults(self, value):
        """What is wrong with one object."""
        kind = value.get("type")
        if value.get("v") != 1 or kind not in self.types:
            return [f"no such type or version: {kind}"]
        known = dict(self.types[kind])
        any_more = known.pop("NAME", None)
        faults = [f"{kind} lacks {name}" for name, (_, must) in known.items()
                  if must and name not in value]
        for name, member in value.items():
            check = known.get(name, any_more)
            if name in ("v", "type"):
                continue
            if check is None:
                faults.append(f"{kind} has {name}, which the page does not know")
            elif not check[0](member):
                faults.append(f"{kind}.{name} is {member!r}")
        return faults


def is_time(value):
    try:
        datetime.datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ")
    except (TypeError, ValueError):
        return False
    return True


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool)


KINDS = {
    "S": lambda value: isinstance(value, str),
    "N": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "F": is_number,
    "B": lambda value: isinstance(value, bool),
    "T": is_time,
    "X": lambda value: is_number(value) or isinstance(value, str),
}


def check_lines(shapes, text, where):
    """Each line one object of the page, in ASCII."""
    faults = []
    for line in text.splitlines():
        assert all(0x20 <= byte < 0x7f for byte in line), f"{where}: not ASCII: {line!r}"
        try:
            faults += shapes.faults(json.loads(line))
        except ValueError as error:
            raise AssertionError(f"{where}: no JSON: {line[:100]!r}") from error
    assert not faults, f"{where}: {'; '.join(faults)}"


def at_terminal(place, words):
    """Standard output and error of a command that has a terminal for both."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    out = b""
    with subprocess.Popen([stores.PROGRAM, "-C", str(place.directory / "ana"), *words, "--json"],
                          stdin=theirs, stdout=theirs, stderr=theirs, cwd=place.directory,
                          env=place.ana.environment | {"TERM": "xterm"}) as process:
        os.close(theirs)
        while True:
            try:
                piece = os.read(ours, 65536)
            except OSError:
                break
            if not piece:
                break
            out += piece
        process.wait(20)
    os.close(ours)
    return out


def check_command(shapes, place, words, twice):
    done = place.run(*words, "--json")
    where = " ".join(map(str, words))
    if done.returncode in (0, 1, 3, 65, 69):
        # 65 of verify, 69 of a sync with nobody: facts that were printed, not failures to print.
        assert done.returncode != 0 or done.stderr == b"", f"{where}: {done.stderr!r}"
    if done.returncode not in (0, 1, 3) and done.stderr:
        last = json.loads(done.stderr.splitlines()[-1])
        assert last["type"] == "error" and last["code"] == done.returncode, f"{where}: {last}"
        check_lines(shapes, done.stderr.splitlines()[-1], where)
    check_lines(shapes, done.stdout, where)
    if twice and done.returncode == 0:
        told = at_terminal(place, words)
        assert MOVING.sub(b"", told) == MOVING.sub(b"", done.stdout), \
            f"{where}: a terminal gets {told!r}, a pipe {done.stdout!r}"
    return done


class Council:
    """A chain that its one endorser seals."""

    SAYS = [["status"], ["endorsers"], ["endorsers", "key"], ["endorse"], ["log", "-n", "1"],
            ["show", "tip"], ["endorsers", "evidence"]]

    def __init__(self, directory):
        self.store = stores.Store(directory / "council")
        key = self.store.text("endorsers", "key", "--new", directory / "council.key")
        self.store.run("init", self.store.directory, "--no-passphrase", "--private", "--endorser",
                       key, "--endorser-key", directory / "council.key", "--name", "ana")

    def run(self, *words):
        return subprocess.run(self.store.words(*words), env=self.store.environment,
                              capture_output=True, check=False, timeout=60)


def main():
    shapes = Shapes(PAGE.read_text())
    assert {"message", "block", "summary", "error", "setting", "version"} <= set(shapes.types)
    told = set()
    with stores.workplace() as directory:
        place = world.World(directory)
        every = world.spec()
        for name in world.commands():
            if name in world.ENDLESS | TEXTS:
                continue
            done = check_command(shapes, place, world.least(name, every), name not in ONCE)
            told |= {json.loads(line)["type"] for line in done.stdout.splitlines()}
        for words in MORE:
            done = check_command(shapes, place, words, words[0] not in ("sync", "peers", "mine"))
            told |= {json.loads(line)["type"] for line in done.stdout.splitlines()}
        with place.ben.served() as url:
            done = check_command(shapes, place, ["verify", "--against", url], False)
            assert b'"comparison"' in done.stdout, done
        again = ["--identity", "ana", *world.least("resend")]
        for words in [*map(world.least, ("init", "clone", "restore", "mine")), *CHANGES, again]:
            done = check_command(shapes, place, words, False)
            assert done.returncode == 0, f"{words}: {done.returncode} {done.stderr!r}"
            told |= {json.loads(line)["type"] for line in done.stdout.splitlines()}
        council = Council(directory)
        for words in Council.SAYS:
            done = check_command(shapes, council, words, False)
            assert done.returncode in (0, 1, 69), f"{words}: {done.returncode} {done.stderr!r}"
            told |= {json.loads(line)["type"] for line in done.stdout.splitlines()}
        for line in place.run("__spec", "--json").stdout.splitlines():
            check_lines(shapes, line, "__spec")
        for words in ([], ["sned"], ["send", "--jsno"], ["-c", "no.such=1", "status"],
                      ["contact", "lst"], ["read", "ffffffffffff"]):
            done = check_command(shapes, place, words, False)
            assert done.returncode in (64, 66, 78), f"{words}: {done.returncode}"
        # A member that the page does not know must be noticed, and one that is missing.
        setting = json.loads(place.run("config", "get", "lock.timeout", "--json").stdout)
        assert not shapes.faults(setting) and shapes.faults(setting | {"new": 1})
        assert shapes.faults({name: setting[name] for name in setting if name != "value"})
    wanted = {"message", "object", "queued", "block", "peer", "contact", "identity", "store",
              "state", "sync", "summary", "setting", "version", "marked", "endorser", "endorser_key"}
    assert wanted <= told, f"never printed: {wanted - told}"


main()
