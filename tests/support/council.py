"""Three endorsers of a private chain, all at one clock that the test moves."""
import pathlib
import re
import subprocess

import moved_clock
import stores

INTERVAL = 10
TURN = 3 * INTERVAL  # Of all three.
FORGOTTEN = 120  # Seconds that a block may be ahead which a new log knows nothing of.
CLOCK = [pathlib.Path()]  # A file that all of them read.
AHEAD = [0]  # Seconds that all clocks are ahead by.


def words_ahead(store, *arguments, plain=stores.Store.words):
    """All commands of all stores live at the same moved time. Those that serve read it again and
    again; others do not, since two threads that read it at once may get neither time."""
    beside = CLOCK[0].with_suffix(".new")  # Whoever reads it meanwhile finds one time or the other.
    beside.write_text(f"+{AHEAD[0]}s")
    beside.replace(CLOCK[0])
    if "serve" not in arguments:
        return moved_clock.words(f"FAKETIME=+{AHEAD[0]}s", *plain(store, *arguments))
    return moved_clock.words(f"FAKETIME_TIMESTAMP_FILE={CLOCK[0]} FAKETIME_NO_CACHE=1",
                             *plain(store, *arguments))


def told(store, *words, exits):
    """What a command says on standard error when it exits so."""
    done = subprocess.run(store.words(*words), env=store.environment, capture_output=True,
                          check=False, timeout=60)
    assert done.returncode == exits, (words, done.returncode, done.stderr.decode())
    return done.stderr.decode()


def post(store, text):
    """A message to itself waits for a block; its id."""
    return store.text("send", "-m", text, store.text("id"))


def height(store):
    return store.objects("status")[0]["height"]


def attention(store):
    return {one["name"]: one for one in store.objects("status")[0]["attention"]}


def endorsed(store):
    """One run, as from cron: what it signed, and whether that was sealed."""
    return [(one["hash"], one["branch"]) for one in store.objects("endorse")]


def next_turn():
    AHEAD[0] += TURN


def sealed_by(one, other, most=15):
    """Lets the two run by turns until the chain is higher."""
    before = height(one)
    for _ in range(most):
        for store in (one, other):
            endorsed(store)
            if height(store) > before:
                return
        AHEAD[0] += INTERVAL
    raise AssertionError(f"no block from {one.directory.name} and {other.directory.name}")


def make_keys(place):
    keyless = stores.Store(place)
    keys = []
    for name in ("ana", "ben", "carl"):
        file = place / f"{name}.key"
        keys.append(keyless.text("endorsers", "key", "--new", file))
        assert re.fullmatch("[0-9a-f]{64}", keys[-1]), keys
        assert file.stat().st_mode & 0o777 == 0o600
        told(keyless, "endorsers", "key", "--new", file, exits=73)
    return keys


def begin(keys, needed):
    words = ["--private", "--endorse", needed, "--interval", INTERVAL, "--stamp", "0"]
    return [*words, *(word for key in keys for word in ("--endorser", key))]


def council(place, keys):
    ana = stores.Store(place / "ana")
    ana.run("init", ana.directory, "--name", "ana", "--no-passphrase", *begin(keys, 2),
            "--endorser-key", place / "ana.key")
    made = [ana]
    for name in ("ben", "carl"):
        made.append(stores.joined(place / name, name, ana.directory / "genesis", "--endorser-key",
                                  place / f"{name}.key"))
    assert [one.text("endorsers", "key") for one in made] == keys
    return made
