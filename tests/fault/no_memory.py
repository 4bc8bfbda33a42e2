#!/usr/bin/env python3
"""Each command gets no more memory from its first, second, third ... allocation on, in our own code or
in what is linked into the program. It ends at once with 71 and one sentence, never by a signal and never
with a wrong answer; what it printed is there, and the same command works then. BMSG_REFUSED: at how
many allocations of each command (1000000: at all)."""
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from allocations import Allocations  # noqa: E402
from writers import Use, check_after, make_world, points_of, uses  # noqa: E402

TRIALS = int(os.environ.get("BMSG_REFUSED", "6"))
SENTENCE = "the system gives no more memory or threads"


def others(url):
    """Beside those that write into a store of one's own: what judges, and what asks a peer."""
    return [
        Use("verify --full", ("verify", "--full")),
        Use("sync", ("sync", url)),
        Use("search", ("search", "first"), again=(0, 1)),
        Use("export", ("export",)),
    ]


def is_told(done):
    """The sentence, as a line or as an object."""
    lines = done.stderr.decode().splitlines()
    if f"bmsg: error: {SENTENCE}" in lines:
        return "line"
    told = json.loads(lines[-1] if lines else "")
    assert (told["type"], told["code"], told["message"]) == ("error", 71, SENTENCE), told
    return "object"


def try_one(place, memory, ana, use, at, as_json):
    """How it ended for want of memory; None: it did not."""
    store = ana.copy_to(place / "trial" / "store")
    words = (*use.words, "--json") if as_json else use.words
    done, _, refusals = memory.run(store, *words, at=at, input=use.stdin)
    what = f"{' '.join(words)}, allocation {at}: {done.returncode} {done.stderr.decode()}"
    told = None
    try:
        if refusals == 0:
            assert done.returncode == 0
        else:
            assert done.returncode == 71
            told = is_told(done)
            assert as_json or told == "line"  # And a line, where options are not read yet.
        if not as_json:
            check_after(store, use, done)
    except (AssertionError, ValueError) as wrong:
        raise AssertionError(what) from wrong
    subprocess.run(["rm", "-r", str(store.directory)], check=True)
    return told


def main():
    random = stores.seeded_random()
    with stores.workplace() as place:
        ana, *known = make_world(place)
        ahead = ana.copy_to(place / "ahead")
        ahead.run("mine", "--no-relay")
        memory, objects = Allocations(place), 0
        (place / "trial").mkdir()
        with ahead.served() as url:
            for use in [*uses(*known), *others(url)]:
                whole = ana.copy_to(place / "trial" / "store")
                done, calls, _ = memory.run(whole, *use.words, input=use.stdin)
                assert done.returncode == 0, (use.name, done)
                subprocess.run(["rm", "-r", str(whole.directory)], check=True)
                points = points_of(calls, TRIALS, random)
                ends = [try_one(place, memory, ana, use, at, number % 3 == 2)
                        for number, at in enumerate(points)]
                ended = len(points) - ends.count(None)
                objects += ends.count("object")
                print(f"{use.name}: {calls} allocations, {ended} refused", flush=True)
                assert ended >= len(points) * 2 // 3, f"{use.name}: too seldom"
        assert objects > 0, "nobody was told in JSON"


main()
