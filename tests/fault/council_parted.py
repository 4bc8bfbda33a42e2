#!/usr/bin/env python3
"""Three endorsers, two of whom must sign, and a member, each in a network namespace of its own, or
behind proxies on loopback where these are not allowed. The link of one endorser goes down and the
chain goes on; then that of another, and it stalls and says so; they come back and it recovers.
Nothing is sealed twice and no message is lost."""
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import council  # noqa: E402
import moved_clock  # noqa: E402
import namespaces  # noqa: E402
import stores  # noqa: E402
from council import AHEAD, CLOCK, FORGOTTEN, INTERVAL, TURN, attention, height  # noqa: E402
from namespaces import ip  # noqa: E402
from networked import BRIDGE, Node, Proxied  # noqa: E402

PATIENCE = "1s"  # With a peer that cannot be reached.
NAMES = ("ana", "ben", "carl", "dora")
MOST = 15 + FORGOTTEN // INTERVAL  # Runs of each until a block must be there.


def make_nodes(kind, place, keys):
    nodes = [kind(number, place / name) for number, name in enumerate(NAMES)]
    first = nodes[0]
    first.run("init", first.directory, "--name", "ana", "--no-passphrase", *council.begin(keys, 2),
              "--endorser-key", place / "ana.key")
    for node, name in zip(nodes[1:], NAMES[1:]):
        key = ["--endorser-key", place / f"{name}.key"] if name != "dora" else []
        node.run("init", node.directory, "--name", name, "--no-passphrase", "--genesis",
                 first.directory / "genesis", *key)
    for node in nodes:
        node.serve()
    for node in nodes:
        for other in nodes:
            if other is not node:
                node.know(other, other.url)
    return nodes


def post(node, text):
    return node.text("send", "--public", "-m", text)


def endorse(nodes):
    """One run of each, as from cron. Some peers may be away."""
    for node in nodes:
        node.run("endorse", "--timeout", PATIENCE, exits=(0, 69, 75))


def let_seal(endorsers, lowest):
    """Until all of them have a block at that height."""
    for _ in range(MOST):
        if all(height(one) >= lowest for one in endorsers):
            return
        endorse(endorsers)
        AHEAD[0] += INTERVAL
    raise AssertionError([height(one) for one in endorsers])


def sync(node):
    node.run("sync", "--timeout", PATIENCE, exits=(0, 3, 69, 75))


def carried(node):
    """What the blocks hold, in their order."""
    return [one for block in node.text("rev-list", "0..tip").split()
            for one in node.text("ls-messages", block).split()]


def check_all(nodes, posted):
    ana, ben, carl, dora = nodes
    posted.append(post(dora, "all are there"))
    sync(dora)
    let_seal([ana, ben, carl], 1)
    sync(dora)
    assert posted[0] in carried(dora)
    assert attention(dora).keys() <= {"backup"}, attention(dora)


def check_one_away(nodes, posted):
    ana, ben, carl, dora = nodes
    carl.set_link("down")
    before = height(ana)
    posted.append(post(dora, "carl is away"))
    sync(dora)
    let_seal([ana, ben], before + 1)
    sync(dora)
    assert posted[-1] in carried(dora)
    assert height(carl) == before, "the link was not down"
    return before


def check_two_away(nodes, posted):
    """Ana proposes and nobody signs; both she and the member can see why."""
    ana, ben, carl, dora = nodes
    ben.set_link("down")
    posted.append(post(dora, "ben is away, too"))
    sync(dora)
    for _ in range(2):  # What he signed before he went needs no more of him.
        endorse([ana])
        AHEAD[0] += TURN
    stalled = height(ana)
    for _ in range(4):
        endorse([ana])
        AHEAD[0] += TURN
    sync(dora)
    for node in (ana, dora):
        assert height(node) == stalled, "sealed by one"
        said = attention(node)
        assert said["endorsers"]["text"].startswith("no block can be sealed: 2 of 3 endorsers")
        assert "signature" in said["unsealed"]["text"], said
    assert posted[-1] not in carried(dora)
    endorse([carl, ben])  # Each alone, too.
    assert max(map(height, nodes)) == stalled
    return stalled


def check_recovery(nodes, posted, stalled):
    ana, ben, carl, dora = nodes
    carl.set_link("up")
    let_seal([ana, carl], stalled + 1)
    sync(dora)
    assert posted[-1] in carried(dora), "what waited was left behind"
    ben.set_link("up")
    for node in (*nodes, *nodes):
        sync(node)
    assert len({node.tip() for node in nodes}) == 1
    assert "endorsers" not in attention(dora)
    for node in nodes:
        node.run("verify", "--full")
        assert node.run("endorsers", "evidence", exits=(1,)) == b""
    found = carried(dora)
    assert len(found) == len(set(found)) and set(posted) <= set(found)


def kind_of_nodes():
    """BMSG_PROXIES=1 takes the proxies in any case."""
    if not os.environ.get("BMSG_PROXIES"):
        try:
            namespaces.enter_own_network()
            ip("link", "add", BRIDGE, "type", "bridge")
            ip("link", "set", BRIDGE, "up")
            return Node
        except namespaces.NotAllowed as reason:
            print(f"by proxies: {reason}")
    return Proxied


def main():
    moved_clock.need()
    kind = kind_of_nodes()
    stores.Store.words = council.words_ahead
    with stores.workplace() as place:
        CLOCK[0] = place / "clock"
        nodes = make_nodes(kind, place, council.make_keys(place))
        AHEAD[0] += TURN
        posted = []
        try:
            check_all(nodes, posted)
            check_one_away(nodes, posted)
            stalled = check_two_away(nodes, posted)
            check_recovery(nodes, posted, stalled)
        finally:
            for node in nodes:
                node.close()


main()
