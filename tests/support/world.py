"""One small world for the scripts that try every command: a store with a bit of everything, and
for each command of the parser the least that must be typed."""
import itertools
import json
import subprocess

import stores

# Commands that go on until they are stopped.
ENDLESS = {"serve", "web"}
# What the parser cannot know of the least arguments: verbs to use, values of one command.
LEAST = {
    "bundle": ["create", "-"], "clone": ["--no-passphrase", "chain.bundle", "FRESH"],
    "charter": ["log"],
    "completion": ["bash"], "config": ["list"], "contact": ["list"], "room": ["list"],
    "export": ["@"], "forget": ["--expired", "--yes"],
    "fork": ["list"], "help": ["send"], "id": ["list"], "init": ["--no-passphrase", "FRESH"],
    "invite": ["--host", "a.example"],
    "mark": ["+flagged", "@"],
    "mirror": ["FRESH"],
    "mine": ["--allow-empty"], "outbox": ["list"], "peers": ["list"],
    "policy": ["list"],
    "pair": ["export", "FRESH", "--code-file", "FRESH"], "pow": ["block"],
    "send": ["-m", "text", "ben"], "seal": ["-r", "ben"], "open": [],
    "submit-block": ["solved"], "cat": ["@"], "witness": ["show"], "hash": ["message"],
    "import": ["lines"], "check-header": [], "backup": ["-"],
    "restore": ["archive.tar", "FRESH"], "passwd": ["--no-passphrase"],
    "repair": ["--dry-run"], "schedule": ["--cron"], "watch": ["--since", "all", "--drain"],
    "reply": ["-m", "text"], "search": ["body"], "receipt": ["@"], "cosign": ["note"],
}
# The files that some read from standard input.
INPUT = {"check-header": "header", "open": "sealed", "seal": "message", "pow": "block"}
FRESH = itertools.count()  # A directory that is not there yet, each time.
VALUES = {"REF": "@", "REF|NAME": "@", "BLOCK": "tip", "NAME": "ben", "FILE": "message",
          "KEY": "lock.timeout"}


def spec():
    """The parser's commands by name, without the hidden ones."""
    done = subprocess.run([stores.PROGRAM, "__spec", "--json"], check=True, capture_output=True)
    every = [json.loads(line) for line in done.stdout.splitlines()]
    return {one["name"]: one for one in every if not one["hidden"]}


def commands():
    """Names of whole commands, not of verbs."""
    return [name for name in spec() if name and " " not in name]


def least(name, every=None):
    """The words of a command with no more than it needs."""
    if name in LEAST:
        return [name, *(f"fresh{next(FRESH)}" if word == "FRESH" else word
                        for word in LEAST[name])]
    command = (every or spec())[name]
    return [name, *(VALUES.get(one["value"], one["value"]) for one in command["arguments"]
                    if one["required"])]


class World:
    """`ana` with a mined message from herself, one from `ben`, a waiting one, a contact, a group
    and a peer; and files of each kind beside the stores."""

    def __init__(self, directory):
        self.directory = directory
        self.ana = stores.new_chain(directory / "ana", "ana")
        self.ben = stores.joined(directory / "ben", "ben", directory / "ana" / "genesis")
        (directory / "ben.card").write_bytes(self.ben.run("id", "--card"))
        (directory / "ana.card").write_bytes(self.ana.run("id", "--card"))
        self.ana.run("contact", "add", "ben", directory / "ben.card")
        self.ben.run("contact", "add", "ana", directory / "ana.card")
        self.ana.run("contact", "group", "add", "all", "ben")
        self.ana.run("peers", "add", "--no-probe", "http://127.0.0.1:9")
        self.ana.run("mine")
        self.ana.run("send", "-s", "subject", "-m", "body", "--now", self.ana.text("id"))
        with self.ana.served() as url:
            self.ben.run("sync", url)
            self.ben.run("send", "-m", "from ben", "ana")
            self.ben.run("sync", url)
        self.ana.run("mine", "--no-relay")
        self.ana.run("inbox")  # Finds what came.
        (directory / "block").write_bytes(self.ana.run("make-block"))
        (directory / "header").write_bytes(self.ana.run("cat", "tip")[:256])
        (directory / "note").write_bytes(self.ana.run("checkpoint"))
        (directory / "message").write_bytes(self.ana.run("cat", "@"))
        (directory / "sealed").write_bytes(
            self.ana.run("seal", "-r", self.ana.text("id"), input=b"plain"))
        (directory / "lines").write_text("")
        (directory / "solved").write_bytes(self.ana.run("pow", directory / "block"))
        self.ana.run("backup", directory / "archive.tar")
        self.ana.run("bundle", "create", directory / "chain.bundle")
        LEAST["resend"] = [self.ana.text("send", "-m", "waits", "ben")]

    def run(self, *words, store="ana", timeout=20, variables=None, **options):
        """A command on a store of this world, in its directory, with nothing to read."""
        given = {"stdin": subprocess.DEVNULL, "capture_output": True} | options
        command = next((str(word) for word in words if word in INPUT), None)
        if command and "input" not in given:
            given["input"] = (self.directory / INPUT[command]).read_bytes()
        environment = self.ana.environment | {"NO_COLOR": "1", "TERM": "dumb"} | (variables or {})
        if "input" in given:
            given.pop("stdin")
        return subprocess.run([stores.PROGRAM, "-C", str(self.directory / store), *map(str, words)],
                              env=environment, cwd=self.directory, check=False,
                              timeout=timeout * stores.PATIENCE, **given)
