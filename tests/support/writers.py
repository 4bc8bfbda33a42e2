"""Commands that write, for the scripts that take something away from them meanwhile: who runs them,
what they are given, and what must hold afterwards. Used by fault/io_errors.py and fault/no_memory.py."""
import subprocess

import stores


class Use:
    def __init__(self, name, words, check=lambda store: None, **more):
        self.name = name
        self.words = words
        self.check = check  # What must be there once it has succeeded.
        self.stdin = more.get("stdin", b"")
        self.again = more.get("again", (0,))  # Exit codes of the same command afterwards.
        self.parts = more.get("parts", ())  # And where a part of it has failed.


def ids_of(done):
    """Messages that were acknowledged, each on a line of its own."""
    return [line for line in done.stdout.decode().split("\n")[:-1] if len(line) == 128]


def known_ids(store):
    return {one["id"] for one in store.objects("outbox", "list") if "id" in one}


def make_world(place):
    """Ana, who has mail and something to send, and cards of others."""
    ana = stores.new_chain(place / "ana", "ana")
    ben, carl = (stores.joined(place / name, name, ana.directory / "genesis")
                 for name in ("ben", "carl"))
    (ana.directory / "ballast").unlink()  # 16 MiB that need not be copied each time.
    for name, one in (("ben", ben), ("myself", ana)):
        ana.run("contact", "add", name, "-", input=one.run("id", "--card"))
    ana.run("send", "-m", "first", "ben", "myself")
    ana.run("mine", "--no-relay")
    received = ana.objects("inbox")[0]["id"]
    ana.run("send", "-m", "not yet looked at", "myself")
    ana.run("mine", "--no-relay")
    sent = ana.text("send", "-m", "second", "ben")
    return ana, carl.run("id", "--card"), sent, received


def has(text, *words):
    def check(store):
        assert text in store.text(*words), (words, text)
    return check


def mined(store):
    assert not [one for one in store.objects("outbox", "list") if one.get("state") == "queued"]


def uses(card, sent, received):
    """Of those that write: into the outbox, both databases, keys, contacts, settings."""
    lines = b"".join(b'{"to":["ben"],"body":"line %d"}\n' % n for n in range(6))
    return [
        Use("send", ("send", "-m", "third", "ben")),
        Use("send --stdin", ("send", "--stdin"), stdin=lines, parts=(3,)),
        Use("send --key", ("send", "--key", "k", "-m", "third", "ben")),
        Use("outbox cancel", ("outbox", "cancel", sent), again=(0, 66)),
        Use("mine", ("mine", "--no-relay"), mined, again=(0, 1)),
        Use("inbox", ("inbox",)),
        Use("mark", ("mark", "+flagged", received), has("\"flagged\"", "inbox", "--json")),
        Use("contact add", ("contact", "add", "carl", "-"), has("carl", "contact", "list"),
            stdin=card, again=(0, 73)),
        Use("contact rename", ("contact", "rename", "ben", "benno"),
            has("benno", "contact", "list"), again=(0, 67)),
        Use("config set", ("config", "set", "user.identity", "ana"),
            has("ana", "config", "get", "user.identity")),
        Use("id new", ("id", "new", "work"), has("work", "id", "list"), again=(0, 73)),
        Use("id set", ("id", "set", "--epoch", "2d"), has("172800", "id", "show", "--json")),
    ]


def points_of(calls, trials, random):
    """So many of the calls, spread over all of them."""
    if calls <= trials:
        return range(1, calls + 1)
    step = calls / trials
    return [1 + int(step * (n + random.random())) for n in range(trials)]


def check_after(store, use, done):
    """What was acknowledged is there, and nothing stands in the way of the next command."""
    if use.name.startswith("send"):
        assert set(ids_of(done)) <= known_ids(store), "an acknowledged message is missing"
    again = subprocess.run(store.words(*use.words), env=store.environment, input=use.stdin,
                           capture_output=True, check=False, timeout=60)
    assert again.returncode in use.again, (use.name, again)
    use.check(store)
    store.run("verify", "--full")
