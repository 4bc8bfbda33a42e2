"""Every kind of file that a store holds, and stores in which each is found."""
import re

import council
import moved_clock
import stores

ID = "[0-9a-f]{128}"
# A kind, how the paths of such files look, and what a complaint about one says.
KINDS = [(name, re.compile(path), re.compile(says)) for name, path, says in (
    ("format", "format", "format"),
    ("genesis", "genesis", "genesis|rules"),
    ("settings", r"config\.toml", r"config\.toml"),
    ("contacts", r"contacts\.jsonl", r"contacts\.jsonl"),
    ("policies", r"policies\.toml", r"policies\.toml"),
    ("keyring", "keys/keyring", "keyring|passphrase"),  # A wrong one looks the same.
    ("node key", r"keys/node\.key", r"node\.key"),
    ("endorser key", r"keys/endorser\.key", "endorser"),
    ("endorser log", r"endorser\.log", r"endorser\.log"),
    ("signed checkpoint", "signed-checkpoint", "signed-checkpoint"),
    ("witness", "witness", "witness"),
    ("chain table", r"chain/\d+\.sst", "chain|block"),
    ("chain log", r"chain/\d+\.log", "chain|witness|block"),
    ("chain manifest", r"chain/MANIFEST-\d+", "chain|witness|block"),
    ("chain current", "chain/CURRENT", "chain"),
    ("index table", r"mail/\d+\.sst", "mail|index"),
    ("index log", r"mail/\d+\.log", "mail|index"),
    ("index manifest", r"mail/MANIFEST-\d+", "mail|index"),
    ("index current", "mail/CURRENT", "mail|index"),
    ("engine's identity", "(chain|mail)/IDENTITY", "chain|mail"),
    ("lock", r"(.+/)?(LOCK|lock\.[0-9a-f]|[^/]+\.lock)", "lock"),
    ("card", r"cards/bmsg1[^/.]+\.\d+", "card"),
    ("cards' position", "cards/position", "card"),
    ("statements", r"cards/bmsg1[^/.]+\.[^/\d]+", "card|statement|revocation"),
    ("outbox file", rf"outbox/(new|cur|failed)/\d+\.{ID}", "outbox"),
    ("held file", rf"outbox/held/\d+\.{ID}", "outbox|held"),
    ("outbox pack", rf"outbox/(new|cur)/\d+\.{ID}\.pack", "outbox"),
    ("key of a send", f"outbox/keys/{ID}", "outbox|key"),
    ("conversation", "outbox/seq/[0-9a-f]{64}", "conversation|seq"),
    ("relay mark", "outbox/relayed/.+", "relayed"),
    ("time of tidying", "outbox/tmp/swept", "outbox"),
    ("own chunk", rf"blobs/own/./{ID}-.+", "blobs|chunk"),
    ("hook", "hooks/(pre|post)-.+", "hook"),
    ("enabled hooks", "hooks/enabled", "hook"),
)]


def kind_of(path):
    """The kind of a file in a store. One that nobody knows here is a failure: it needs a rule."""
    for name, shape, says in KINDS:
        if shape.fullmatch(path):
            return name, says
    raise AssertionError(f"{path} is of no kind that this test knows")


def files_of(store):
    """But for those of running commands, which nobody reads later."""
    every = (file for file in store.directory.rglob("*") if file.is_file())
    return sorted(path for path in (str(file.relative_to(store.directory)) for file in every)
                  if not path.startswith("run/"))


def without_ballast(store):
    """16 MiB that need not be copied each time."""
    (store.directory / "ballast").unlink(missing_ok=True)
    return store


def carry(giver, taker, file):
    file.unlink(missing_ok=True)
    giver.run("bundle", "create", "--pool", file)
    taker.run("bundle", "apply", file)
    file.unlink()


def talking(place):
    """Ana's store, in which there is something of everything, Ben's, which has her chain, and an older
    copy of hers."""
    ana = without_ballast(stores.new_chain(place / "ana", "ana"))
    ben = without_ballast(stores.joined(place / "ben", "ben", ana.directory / "genesis"))
    ana.run("contact", "add", "ben", "-", input=ben.run("id", "--card"))
    ben.run("contact", "add", "ana", "-", input=ana.run("id", "--card"))
    for n in range(4):
        ben.run("send", "-s", f"letter {n}", "-m", f"text {n}", "ana")
    carry(ben, ana, place / "letters")
    (place / "file").write_bytes(bytes(range(256)) * 100)
    ana.run("send", "-m", "see file", "-a", place / "file", "ben")
    gone = ana.text("send", "--public", "-m", "to be forgotten " + "x" * 3000)
    ana.run("room", "create", "ops", "--member", "ben")
    ana.run("id", "new", "other")
    ana.run("id", "use", "ana")
    ana.run("--identity", "other", "id", "revoke", "--yes")
    for _ in range(9):
        ana.run("mine", "--allow-empty", "--no-relay")
    ana.run("inbox")
    carry(ana, ben, place / "all")
    ana.run("forget", gone, "--yes")  # Writes the tables of the chain.
    ana.run("config", "set", "max_reorg", 40)
    ana.run("policy", "set", "--room", "ops", f"of(1, {ben.text('id')})")
    hook = ana.directory / "hooks" / "post-mine"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 0\n")
    hook.chmod(0o700)
    ana.run("hooks", "enable", "post-mine", "--yes")
    ana.run("checkpoint")
    ana.run("watch", "--cursor", "bot", "--drain", "--count", 1)
    ana.run("send", "--hold", "-m", "when you have a card",
            stores.joined(place / "eve", "eve", ana.directory / "genesis").text("id"))
    ana.run("send", "-m", "relayed", "ben")
    with ben.served() as url:
        ana.run("sync", url)
    ana.run("mine", "--no-relay")
    older = ana.copy_to(place / "older")
    ana.run("send", "--key", "once", "-m", "with a key", "ben")
    ana.run("send", "--stdin", input=b'{"to":["ben"],"body":"packed"}\n' * 5)
    ana.run("mine", "--no-relay")
    ana.run("inbox")
    with ana.served() as url:
        ben.run("sync", url)
    ana.run("send", "-m", "waits", "ben")
    ana.run("send", "--stdin", input=b'{"to":["ben"],"body":"packed"}\n' * 5)
    return ana, ben, older


def endorsing(place):
    """A store with the files of an endorser."""
    keys = council.make_keys(place)
    store = stores.Store(place / "endorser")
    store.run("init", store.directory, "--name", "ana", "--no-passphrase", *council.begin(keys, 2),
              "--endorser-key", place / "ana.key")
    store.run("send", "--public", "-m", "to be sealed")
    if moved_clock.FOUND:
        plain = store.environment
        for ahead in range(council.TURN, 3 * council.TURN, council.INTERVAL):
            store.environment = plain | {"LD_PRELOAD": str(moved_clock.FOUND[0]),
                                         "FAKETIME": f"+{ahead}s"}
            if store.objects("endorse"):
                break
    return without_ballast(store)
