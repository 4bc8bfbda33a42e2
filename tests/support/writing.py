"""Every command that writes, and what it is given to write about: stores of one chain and of an
endorser's, files, and a node to fetch from. For scripts that stand in the way of each."""
import os
import signal
import subprocess
import time

import council
import stores
from store_kinds import carry, without_ballast

INTERVAL = 10  # Of the endorser's chain, in seconds: the shortest there is.


class Write:
    """A command that writes; `again`: what it may exit with when it has been done already, `parts`:
    what else with while something stands in its way. It is given the store named `at`; OUT stands for
    a directory beside that, URL for a node."""

    def __init__(self, *words, at="store", stdin=b"", again=(0,), parts=()):
        self.words = [str(word) for word in words]
        self.at = at
        self.stdin = stdin
        self.again = again
        self.parts = parts

    def run(self, store, given, limit=None):
        names = {"OUT": str(store.directory.with_name("out")), "URL": given.url}
        words = [names.get(word.split("/")[0], word.split("/")[0]) + word[len(word.split("/")[0]):]
                 for word in self.words]
        return subprocess.run(store.words(*words), env=store.environment, input=self.stdin,
                              capture_output=True, check=False, timeout=60, preexec_fn=limit)


class Serve(Write):
    """A node, to which somebody brings blocks; it ends when it is told to, or says why not."""

    def __init__(self):
        super().__init__("serve", "--listen", "127.0.0.1:0", "--sync-every", "0")

    def run(self, store, given, limit=None):
        with store.start(*self.words, preexec_fn=limit) as node:
            first = node.stdout.readline().decode()
            brought = None
            if first.startswith("listening "):
                guest = given.longer.copy_to(store.directory.with_name("guest"))
                brought = subprocess.run(guest.words("sync", first.split()[1]), env=guest.environment,
                                         capture_output=True, check=False, timeout=60)
                subprocess.run(["rm", "-r", str(guest.directory)], check=True)
            node.send_signal(signal.SIGTERM)
            out, err = node.communicate(timeout=60)
        code = node.returncode
        if code == 0 and brought and brought.returncode:
            assert brought.returncode in (69, 75), brought
            code, err = 74, err + brought.stderr  # It stands, but could not take what it was brought.
        return subprocess.CompletedProcess(node.args, code, first.encode() + out, err)


class Given:
    """What the commands are about: `stores` by name, of which each is copied for the writing."""

    def __init__(self, place):
        self.place = place
        self.url = ""
        self.ana = stores.new_chain(place / "ana", "ana")
        self.stores = {"store": self.ana}
        carl, dora = (stores.joined(place / name, name, self.ana.directory / "genesis")
                      for name in ("carl", "dora"))
        self.card = carl.run("id", "--card")
        self.ana.run("contact", "add", "myself", "-", input=self.ana.run("id", "--card"))
        self.ana.run("contact", "add", "dora", "-", input=dora.run("id", "--card"))
        self.read, self.forgotten = (
            self.ana.text("send", "-m", f"to be {what}", "myself") for what in ("read", "forgotten"))
        self.said = dora.text("send", "--public", "--topic", "depl", "-m", "to be approved")
        carry(dora, self.ana, place / "said")
        self.ana.run("mine", "--no-relay", "--allow-empty", "-n", 8)  # Only what lies deep is forgotten.
        self.ana.run("inbox")
        self.ana.run("send", "-m", "not yet looked at", "myself")
        self.ana.run("mine", "--no-relay")
        without_ballast(self.ana)
        self.secret, self.attached, self.identity, self.bundle, self.contacts = (
            place / name for name in ("secret", "attached", "identity", "bundle", "contacts"))
        self.secret.write_text("correct horse\n", encoding="ascii")
        self.contacts.write_bytes(
            b"".join(b'{"name":"group%d","kind":"group","trust":"known","ack":"asked"}\n' % n
                     for n in range(40)))
        self.attached.write_bytes(os.urandom(200_000))
        carl.run("id", "backup", self.identity, "--backup-passphrase-file", self.secret)
        self.longer = self.ana.copy_to(place / "longer")
        self.longer.run("mine", "--no-relay", "--allow-empty", "-n", 3)
        self.longer.run("bundle", "create", self.bundle)

    def add_rarer(self):
        """What the rarer commands need beside."""
        place, ana = self.place, self.ana
        for name in ("gone", "old", "left"):
            ana.run("id", "new", name)
        ana.run("id", "use", "ana")
        hook = ana.directory / "hooks" / "post-mine"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\nexit 0\n")
        hook.chmod(0o700)
        self.sent = ana.text("send", "-m", "to be sent again", "dora")
        ana.run("room", "create", "team", "--member", "myself")
        ana.run("mine", "--no-relay")
        self.pinned = "1:" + ana.text("rev-parse", "1")
        self.held = ana.text("send", "--hold", "-m", "when you have a card", stores.joined(
            place / "eve", "eve", ana.directory / "genesis").text("id"))
        self.pair, self.code, self.backup = (place / name for name in ("pair", "code", "backup"))
        ana.run("pair", "export", self.pair, "--code-file", self.code)
        ana.run("backup", self.backup)
        self.stores["blank"] = stores.joined(place / "blank", "blank", ana.directory / "genesis",
                                             "--no-identity")
        self.stores["broken"] = ana.copy_to(place / "broken")
        stores.flip_tables(self.stores["broken"])
        self.stores["closed"] = ana.copy_to(place / "closed")
        self.stores["closed"].run("passwd", "--new-passphrase-file", self.secret)
        self.lines, self.block = place / "lines", place / "block"
        self.lines.write_bytes(b'{"to":["myself"],"body":"from a file"}\n' * 20)
        self.block.write_bytes(self.longer.run("cat", self.longer.text("rev-parse", "tip~2")))
        self.longest = self.longer.copy_to(place / "longest")
        self.longest.run("mine", "--no-relay", "--allow-empty", "-n", 3)
        key = place / "endorser.key"
        public = stores.Store(place).text("endorsers", "key", "--new", key)
        alone = self.stores["council"] = stores.Store(place / "council")
        alone.run("init", alone.directory, "--name", "ana", "--no-passphrase", "--private",
                  "--endorse", 1, "--interval", INTERVAL, "--stamp", "0", "--endorser", public,
                  "--endorser-key", key)
        council.post(alone, "to be sealed")
        time.sleep(INTERVAL)  # Before its first turn an endorser has nothing to sign.
        for store in self.stores.values():
            without_ballast(store)


def writes(given):
    """The six that write in every way."""
    lines = b"".join(b'{"to":["myself"],"body":"%d"}\n' % n for n in range(20))
    return [
        Write("send", "myself", stdin=b"x" * 20_000),
        Write("send", "--stdin", stdin=lines, parts=(3,)),
        Write("mine", "--no-relay", "--allow-empty"),
        Write("contact", "add", "carl", "-", stdin=given.card, again=(0, 73)),
        Write("inbox"),
        Write("config", "set", "user.identity", "ana"),
    ]


def rarer_writes(given):
    under = ("--backup-passphrase-file", given.secret)
    return [
        Write("send", "--key", "k", "-m", "see file", "-a", given.attached, "myself"),
        Write("send", "--hold", "-m", "later", "myself"),
        Write("import", given.lines, parts=(3,)),
        Write("resend", given.sent),
        Write("mark", "+flagged", given.read),
        Write("reply", given.read, "-m", "yes"),
        Write("contact", "import", given.contacts),
        Write("contact", "rename", "myself", "me", again=(0, 67)),
        Write("contact", "rename", "me", "myself", parts=(67,)),
        Write("contact", "group", "add", "all", "myself", "dora"),
        Write("id", "new", "work", again=(0, 73)),
        Write("id", "use", "ana"),
        Write("id", "set", "--epoch", "2d"),
        Write("id", "rm", "left", "--yes", again=(0, 66)),
        Write("--identity", "gone", "id", "revoke", "--yes"),
        Write("--identity", "old", "id", "succeed", "ana", "--yes"),
        Write("id", "backup", "OUT/identity", "--with-prekeys", *under, again=(0, 73)),
        Write("id", "restore", given.identity, *under, again=(0, 73)),
        Write("pair", "export", "OUT/pair", "--code-file", "OUT/code", again=(0, 73)),
        Write("pair", "import", given.pair, "--code-file", given.code, at="blank", again=(0, 73)),
        Write("--passphrase-file", given.secret, "passwd", "--new-passphrase-file", given.secret,
              at="closed"),
        Write("room", "create", "ops", "--member", "myself", again=(0, 73)),
        Write("room", "invite", "team", "dora"),
        Write("room", "rotate", "team"),
        Write("room", "remove", "team", "dora", again=(0, 67), parts=(67,)),
        Write("room", "box", "team", "OUT/box", again=(0, 73)),
        Write("hooks", "enable", "post-mine", "--yes"),
        Write("approve", given.said, again=(0, 73)),
        Write("outbox", "cancel", given.held, again=(0, 66)),
        Write("outbox", "flush"),
        Write("receipt", given.read, "--open"),
        Write("watch", "--cursor", "bot", "--since", "all", "--drain", "--messages"),
        Write("checkpoint"),
        Write("checkpoint", "set", given.pinned),
        Write("forget", given.forgotten, "--yes"),
        Write("submit-block", given.block),
        Write("bundle", "create", "OUT/bundle", again=(0, 73)),
        Write("bundle", "apply", given.bundle),
        Write("backup", "OUT/backup", again=(0, 73)),
        Write("restore", given.backup, "OUT/restored", again=(0, 73)),
        Write("repair", "--yes", at="broken", again=(0, 3), parts=(3,)),
        Write("mirror", "OUT/mirror"),
        Write("export", "--to", "OUT/export", again=(0, 73), parts=(3,)),
        Write("policy", "set", "depl", "myself"),
        Write("peers", "add", "--no-probe", "http://127.0.0.1:9"),
        Write("peers", "ban", "http://127.0.0.1:9", parts=(66, 68), again=(0, 66)),
        Write("init", "OUT/new", "--name", "new", "--floor", "8", "--stamp", "1", "--no-passphrase",
              again=(0, 73)),
        Serve(),
        Write("sync", "URL"),
        Write("clone", "URL", "OUT/clone", "--name", "new", "--no-passphrase", again=(0, 73)),
        Write("endorse", at="council"),
        Write("charter", "draft", "-o", "OUT/draft", "--set", "maxttl=1d", at="council",
              again=(0, 73)),
        Write("charter", "sign", "OUT/draft", at="council", again=(0, 65), parts=(66,)),
        Write("charter", "submit", "OUT/draft", at="council", again=(0, 65), parts=(65, 66)),
    ]
