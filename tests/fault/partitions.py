#!/usr/bin/env python3
"""Five nodes, each in a network namespace of its own, are parted and joined again, 20 times
(SCENARIOS=N for others): by links that go down, by links that go down one by one and come back in
another order, and by lines that lose all that goes one way. Each side goes on writing and mining.

While they are parted, syncs across the cut fail. Afterwards all have one tip within three rounds, a
round being one sync by each, and no message was lost: each is in one block of that chain or in
every pool.
"""
import itertools
import json
import os
import pathlib
import random
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import namespaces  # noqa: E402
import stores  # noqa: E402
import wires  # noqa: E402
from namespaces import ip  # noqa: E402
from networked import ADDRESS, BRIDGE, MASK, PORT, Node  # noqa: E402

COUNT = 5
SCENARIOS = int(os.environ.get("SCENARIOS", "20"))
WORLD = 20  # Scenarios on one chain: none grows by more than a block a second for long.
SIZES = ([2, 3], [2, 3], [1, 4], [1, 1, 3], [1, 2, 2])
BRIDGES = (BRIDGE, "middle", "right")
HUB = ADDRESS.format(254)
PATIENCE = "1s"  # With a peer that cannot be reached.
ROUNDS = 3


class World:
    """A chain, its nodes and all that was written."""

    def __init__(self, place, numbers):
        self.numbers, self.written, self.mined, self.agreed = numbers, [], [], "0"
        self.nodes = [Node(number, place / f"node{number}") for number in range(COUNT)]
        first = self.nodes[0]
        first.run("init", first.directory, "--name", "0", "--floor", 8, "--stamp", 1,
                  "--no-passphrase")
        for node in self.nodes[1:]:
            node.run("init", node.directory, "--name", node.number, "--genesis",
                     first.directory / "genesis", "--no-passphrase")
        for node in self.nodes:
            node.serve()
        # A ring, and one other for some.
        self.edges = {(a, (a + 1) % COUNT) for a in range(COUNT)}
        for a in range(COUNT):
            self.edges |= {(a, b) for b in numbers.sample(range(COUNT), 1) if b != a}
        self.know_directly()
        self.written = [line for node in self.nodes for line in node.text("ls-pool").split()]
        self.agree()

    def know_directly(self):
        for a, b in self.edges:
            self.nodes[a].know(self.nodes[b], self.nodes[b].url)

    def close(self):
        for node in self.nodes:
            node.close()

    def act(self, side, blocks):
        """Nodes of one side write, before and after one of them mines so many blocks."""
        self.write(self.numbers.choice(side))
        if blocks > 0:
            self.numbers.choice(side).run("mine", "-n", blocks, "--allow-empty", "--no-relay")
            if self.numbers.random() < 0.5:
                self.write(self.numbers.choice(side))

    def write(self, node):
        self.written.append(node.text("send", "--public", "-m", f"message {len(self.written)}"))

    def sync_across(self, sides):
        """All sync at once while they are parted; how many calls across the cut failed. None may
        fail within a side."""
        side_of = {node.number: side for side, nodes in enumerate(sides) for node in nodes}
        running = [(node, node.start("sync", "--timeout", PATIENCE, "--json"))
                   for node in self.nodes]
        failed = 0
        for node, process in running:
            output, complaint = process.communicate(timeout=60)
            assert process.returncode in (0, 3, 69, 75), (process.returncode, complaint)
            told = {one["peer"]: one for one in map(json.loads, output.splitlines())
                    if one["type"] == "sync"}
            for other, url in node.peers.items():
                if side_of[other] != side_of[node.number]:
                    failed += not self.worked(told.get(url))
                else:
                    assert self.worked(told[url]), f"{node.number} calls {other}: {told[url]}"
        return failed

    @staticmethod
    def worked(answer):
        return answer is not None and not answer.get("error") and not answer.get("out_of_time")

    def agree(self):
        """Rounds of sync until all have one tip, and what was written is nowhere missing."""
        for node in self.nodes:  # What the kernel remembers of neighbours that did not answer.
            with node.namespace:
                ip("neighbour", "flush", "dev", "line")
        for count in itertools.count(1):
            for node in self.numbers.sample(self.nodes, COUNT):
                node.run("sync", exits=(0, 3))
            tips = set(self.all_say("rev-parse", "tip"))
            if len(tips) == 1:
                break
            assert count < ROUNDS, f"no agreement after {count} rounds: {tips}"
        self.account()
        return count

    def account(self):
        """A message that a block gave back goes to the others with the next syncs, from each node
        that has it to those beside it."""
        for _ in range(COUNT):
            missing = self.missing()
            if not missing:
                return
            for node in self.nodes:
                node.run("sync")
        assert not missing, f"lost: {missing}"

    def missing(self):
        for block in self.nodes[0].text("rev-list", f"{self.agreed}..tip").split():
            self.mined += self.nodes[0].text("ls-messages", block).split()
        self.agreed = self.nodes[0].tip()
        assert len(self.mined) == len(set(self.mined)), "a message is in two blocks"
        waiting = set(self.written) - set(self.mined)
        pools = [set(pool.split()) for pool in self.all_say("ls-pool")]
        return {number: waiting - pool for number, pool in enumerate(pools) if waiting - pool}

    def all_say(self, *words):
        """What the command prints on each node."""
        running = [node.start(*words) for node in self.nodes]
        answers = [process.communicate(timeout=60) for process in running]
        for process, (_, complaint) in zip(running, answers):
            assert process.returncode == 0, (words, complaint)
        return [output.decode().strip() for output, _ in answers]


def draw_sides(world):
    nodes = world.numbers.sample(world.nodes, COUNT)
    return [[nodes.pop() for _ in range(size)] for size in world.numbers.choice(SIZES)]


def act_on_all(world, sides):
    """The sides mine at different rates."""
    for side, blocks in zip(sides, world.numbers.sample(range(5), len(sides))):
        world.act(side, blocks)


def edges_across(world, sides):
    side_of = {node.number: side for side, nodes in enumerate(sides) for node in nodes}
    return [(a, b) for a, b in world.edges if side_of[a] != side_of[b]]


def part_by_links(world):
    """The sides hang on bridges of their own, and the links between these go down."""
    sides = draw_sides(world)
    for side, bridge in zip(sides, BRIDGES):
        for node in side:
            ip("link", "set", node.port, "master", bridge)
    for joint in ("joint0", "joint1"):
        ip("link", "set", joint, "down")
    act_on_all(world, sides)
    failed, expected = world.sync_across(sides), len(edges_across(world, sides))
    assert failed == expected > 0, f"{failed} of {expected} syncs across the cut failed"
    assert len({node.tip() for node in world.nodes}) > 1, "the sides do not differ"
    for joint in ("joint0", "joint1"):
        ip("link", "set", joint, "up")
    return "-".join(str(len(side)) for side in sides)


def part_one_by_one(world):
    """Links of some nodes go down one after the other and come back in another order."""
    cut = world.numbers.sample(world.nodes, world.numbers.randint(2, COUNT))
    for done, node in enumerate(cut, 1):
        ip("link", "set", node.port, "down")
        rest = [other for other in world.nodes if other not in cut[:done]]
        world.act([node], world.numbers.randrange(2))
        world.act(rest or [node], world.numbers.randrange(2))
    sides = [[node] for node in cut] + [[node for node in world.nodes if node not in cut]]
    failed, expected = world.sync_across(sides), len(edges_across(world, sides))
    assert failed == expected > 0, f"{failed} of {expected} syncs across the cut failed"
    for node in world.numbers.sample(cut, len(cut)):
        ip("link", "set", node.port, "up")
        if world.numbers.random() < 0.3:  # Perhaps nobody can be reached yet.
            node.run("sync", "--timeout", PATIENCE, exits=(0, 3, 69, 75))
        world.act([node], world.numbers.randrange(2))
    return f"{len(cut)} links"


def part_one_way(world):
    """All that one side sends to the other is lost, from some byte of each connection on."""
    first, *rest = draw_sides(world)
    sides = [first, [node for side in rest for node in side]]
    limit = world.numbers.choice([0, world.numbers.randrange(700)])
    lines = []
    for a, b in edges_across(world, sides):
        line = wires.Wire((world.nodes[b].address, PORT), HUB)
        silent = wires.THERE if world.nodes[a] in sides[0] else wires.BACK
        line.lost[silent] = limit
        lines.append(line)
        world.nodes[a].know(world.nodes[b], f"https://{HUB}:{line.port}")
    act_on_all(world, sides)
    failed = world.sync_across(sides)
    assert failed > 0, f"no sync failed though all is lost after {limit} bytes"
    assert limit > 0 or failed == len(lines), f"{failed} of {len(lines)} failed"
    assert sum(line.dropped for line in lines) > 0, "no byte was lost"
    for line in lines:
        line.close()
    world.know_directly()
    return f"after {limit} bytes"


def build_bridges():
    for bridge in BRIDGES:
        ip("link", "add", bridge, "type", "bridge")
        ip("link", "set", bridge, "up")
    for number, (one, other) in enumerate(itertools.pairwise(BRIDGES)):
        joint = f"joint{number}"
        ip("link", "add", joint, "type", "veth", "peer", "name", f"{joint}b")
        ip("link", "set", joint, "master", one, "up")
        ip("link", "set", f"{joint}b", "master", other, "up")
    ip("address", "add", f"{HUB}/{MASK}", "dev", BRIDGES[0])


def try_world(seed, count):
    print(f"seed {seed}", flush=True)
    numbers = random.Random(seed)
    faults = [part_by_links, part_one_by_one, part_by_links, part_one_way]
    chosen = list(itertools.islice(itertools.cycle(faults), count))
    numbers.shuffle(chosen)
    with stores.workplace() as place:
        world = World(place, numbers)
        try:
            for fault in chosen:
                what = fault(world)
                print(f"{fault.__name__} {what}: {world.agree()} rounds", flush=True)
            while world.nodes[0].text("ls-pool"):
                world.nodes[0].run("mine", "--no-relay")
            world.agree()
            for node in world.nodes:
                node.run("verify", "--full")
        finally:
            world.close()


def main():
    try:
        namespaces.enter_own_network()
    except namespaces.NotAllowed as reason:
        print(f"skip: {reason}")
        sys.exit(77)
    build_bridges()
    first = int(os.environ.get("BMSG_SEED") or random.SystemRandom().randrange(2**32))
    for number, done in enumerate(range(0, SCENARIOS, WORLD)):
        try_world(first + number, min(WORLD, SCENARIOS - done))


main()
