"""What grows with the chain: a thousand blocks beside a hundred times as many messages."""
import json

import stores
from report import Row, medians, seconds_of

SMALL = 10_000


def rows(options, places):
    large = 20_000 if options.quick else 1_000_000
    sides = {}
    for count in (SMALL, large):
        ana, ben = places.mailbox(count)
        sides[count] = (ana, ben)

    def timed(store, *words):
        def run():
            return seconds_of(store.words(*words), env=store.environment)[0]
        return run

    def send(store):
        def run():
            took, printed = seconds_of(store.words("send", "ben", "-m", "x", "--json"),
                                       env=store.environment)
            stamped = sum(json.loads(line)["stamp_ms"] for line in printed.splitlines())
            return took - stamped / 1000
        return run

    rounds = 3 if options.quick else 11
    for name, make in (("status", lambda store: timed(store, "status")),
                       ("inbox -n 20", lambda store: timed(store, "inbox", "-n", 20))):
        took = medians({count: make(sides[count][1]) for count in sides}, rounds)
        yield Row(f"bmsg {name}, {large:,} messages", "ms", took[large] * 1000,
                  f"with {SMALL:,}", took[SMALL] * 1000, 1.3)
    with stores.workplace() as place:
        copies = {count: sides[count][0].copy_to(place / f"ana{count}") for count in sides}
        took = medians({count: send(copies[count]) for count in copies}, rounds)
        yield Row(f"bmsg send, {large:,} messages", "ms", took[large] * 1000, f"with {SMALL:,}",
                  took[SMALL] * 1000, 1.3)
        rounds_of = {}
        for count, (_, ben) in sides.items():
            taker = ben.copy_to(place / f"ben{count}")
            rounds_of[count] = (copies[count], taker)

        def sync(pair, in_block):
            source, taker = pair

            def run():
                sent = [source.text("send", "--public", "-m", f"new {number}")
                        for number in range(10)]
                if in_block:
                    source.run("mine")
                with source.served() as url:
                    took, _ = seconds_of(taker.words("sync", url), env=taker.environment)
                if in_block:
                    assert taker.text("log", "-n", 1) == source.text("log", "-n", 1), "not the tip"
                else:
                    assert set(sent) <= set(taker.text("ls-pool").split()), "not all came"
                return took
            return run

        for what, in_block in (("ten new", False), ("a block of ten new", True)):
            took = medians({count: sync(pair, in_block) for count, pair in rounds_of.items()},
                           rounds)
            yield Row(f"sync of {what}, {large:,} messages", "ms", took[large] * 1000,
                      f"with {SMALL:,}", took[SMALL] * 1000, 1.3)
    took = medians({count: timed(places.foreign(count), "verify", "--full") for count in sides},
                   1 if options.quick else 3)
    yield Row(f"verify --full, each of {large:,} messages", "us", took[large] / large * 1e6,
              f"of {SMALL:,}", took[SMALL] / SMALL * 1e6, 1.1)
