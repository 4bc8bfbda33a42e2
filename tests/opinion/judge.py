"""A chain judged by all rules of bmsg-format(5), block by block, slowly and plainly."""
import copy

import arithmetic
import ed25519
import rules
from coding import (CHARTER, CHUNK, Bad, Header, Reader, decode_block, decode_compact,
                    decode_message, decode_pack, read_seal, sha)

AHEAD = 120
CHUNK_MESSAGE_MAX = 262264


class Placed:
    """A block in the tree of blocks, with what its children need."""

    def __init__(self, header, parent, in_force, text):
        self.header, self.hash, self.parent = header, header.hash(), parent
        self.rules, self.text = in_force, text  # Of its children.
        self.ids, self.signers = set(), set()
        self.work = parent.work if parent else 0
        self.peaks = arithmetic.grown(parent.peaks if parent else (), self.hash)

    def better_than(self, other):
        mine, theirs = int.from_bytes(self.hash, "big"), int.from_bytes(other.hash, "big")
        return self.work > other.work or (self.work == other.work and mine < theirs)


class Chain:
    """All blocks that were found good, of every branch."""

    def __init__(self, text):
        """Bad if the text makes no chain."""
        in_force = rules.parse(text)
        if in_force["version"] != 0:
            raise Bad("rules text", "its version is not 0")
        self.id, self.is_pow = sha(text), in_force["mode"] == "pow"
        empty = sha(b"")
        header = Header(0, in_force["time"], in_force.get("floor", 0), 0, self.id[:32], self.id,
                        empty, empty, 0)
        self.tip = Placed(header, None, in_force, text)
        self.blocks = {self.tip.hash: self.tip}
        self.proposals = {}  # Hash to the signatures so far.
        self.takes_proposals = True  # Not where headers are judged before any block.
        self.verified = {}

    def copy(self):
        """Another one that knows the same blocks."""
        twin = copy.copy(self)
        twin.blocks, twin.proposals = dict(self.blocks), dict(self.proposals)
        return twin

    def take(self, data, now):
        """What becomes of a block: ok, have, hold, orphan, proposal, or 'bad RULE'."""
        try:
            return self.take_block(decode_block(data), now)
        except Bad as fault:
            return f"bad {fault.rule}"

    def take_block(self, block, now):
        header, digest = block.header, block.header.hash()
        if digest in self.blocks:
            return self.add_signatures(self.blocks[digest], block.seal)
        parent = self.blocks.get(header.prev)
        if parent is None:
            return "orphan"
        is_ahead = header.time > now + AHEAD
        if is_ahead and self.takes_proposals:
            return "hold"
        signed, before = dict(block.seal), self.proposals.get(digest, {})
        if before and not set(signed) - set(before):
            return "have"
        self.check_header(header, signed, parent)
        if is_ahead:
            return "hold"
        text = self.check_messages(block, parent, now)
        needed = parent.rules.get("endorse", 0)
        signed |= before
        if len(signed) < needed:
            self.proposals[digest] = signed
            return "proposal"
        new_rules = parent.rules if text is None else rules.parse(text)
        placed = Placed(header, parent, new_rules, parent.text if text is None else text)
        placed.work += arithmetic.work(header.bits) if self.is_pow else 1
        placed.ids = {message.id() for message in block.messages}
        placed.signers = set(signed)
        self.blocks[digest] = placed
        if placed.better_than(self.tip):
            self.tip = placed
        return "ok"

    def add_signatures(self, placed, seal):
        new = {index for index, _ in seal} - placed.signers
        if self.is_pow or placed.parent is None or not new:
            return "have"
        what = b"bmsg1 endorse" + self.id + placed.hash
        self.check_seal(dict(seal), what, placed.parent.rules, 1)
        placed.signers |= new
        return "ok"

    def check_header(self, header, signed, parent):
        """All header rules, in the order in which the first breach is named."""
        before = parent.header
        if header.height != before.height + 1:
            raise Bad("height")
        if header.prev != parent.hash:
            raise Bad("prev")
        if header.rules != sha(parent.text)[:32]:
            raise Bad("rules")
        if header.past != arithmetic.root_of(parent.peaks):
            raise Bad("past")
        if header.time <= before.time:
            raise Bad("time")
        due = arithmetic.bits_due(parent.rules, before, header.time) if self.is_pow else 0
        if header.bits != due:
            raise Bad("bits")
        digest = header.hash()
        if self.is_pow:
            if int.from_bytes(digest[:32], "big") > arithmetic.target(header.bits):
                raise Bad("work")
            if signed:
                raise Bad("seal", "signatures on work")
            return
        if header.nonce != 0:
            raise Bad("work", "a nonce on a block that is signed")
        # With fewer than k it is a proposal, which keeps all other rules; with none it is nothing.
        needed = 1 if self.takes_proposals else parent.rules["endorse"]
        self.check_seal(signed, b"bmsg1 endorse" + self.id + digest, parent.rules, needed)

    def check_seal(self, signed, text, in_force, needed, rule="seal"):
        keys = in_force["endorser"]
        if len(signed) < needed:
            raise Bad(rule, f"{len(signed)} signatures of {needed}")
        for index, signature in signed.items():
            if index >= len(keys) or not self.verifies(keys[index], text, signature):
                raise Bad(rule, f"the signature of {index} does not hold")

    def verifies(self, *what):
        if what not in self.verified:
            self.verified[what] = ed25519.verify(*what)
        return self.verified[what]

    def check_messages(self, block, parent, now):
        """All block rules; the rules text of a charter, if it holds one."""
        header, messages = block.header, block.messages
        ids = [message.id() for message in messages]
        if any(one >= other for one, other in zip(ids, ids[1:])):
            raise Bad("order")
        if header.root != arithmetic.tree([message.leaf() for message in messages]):
            raise Bad("root")
        if sum(message.size() for message in messages) > parent.rules["maxblock"]:
            raise Bad("size")
        for message in messages:
            self.check_message(message, header.time, parent.rules)
        for before in self.line_to(parent):
            if before.ids.intersection(ids):
                raise Bad("duplicate")
        if any(message.suite == CHUNK for message in messages):
            raise Bad("suite")
        text = self.check_charters(messages, parent)
        for message in messages:
            check_body(message)
        # No rule of blocks: a node that keeps bodies takes none without one that has not expired.
        for message in messages:
            if message.body is None and message.time + message.ttl > now:
                raise Bad("body", "is absent")
        return text

    def check_message(self, message, time, in_force):
        most = CHUNK_MESSAGE_MAX if message.suite == CHUNK else in_force["maxmessage"]
        if message.chain != self.id[:8]:
            raise Bad("chain")
        if message.size() > most:
            raise Bad("size")
        if not 1 <= message.ttl <= in_force["maxttl"]:
            raise Bad("ttl")
        if message.time > time + AHEAD:
            raise Bad("early")
        if time >= message.time + message.ttl:
            raise Bad("expired")
        rate = in_force["blobstamp" if message.suite == CHUNK else "stamp"]
        wanted = arithmetic.stamp_wanted(rate, message.size(), message.ttl)
        if arithmetic.stamp_value(message.leaf()) * wanted >= 2 ** 64:
            raise Bad("stamp")

    def check_charters(self, messages, parent):
        text = None
        for message in messages:
            if message.suite != CHARTER:
                continue
            if self.is_pow or text is not None:
                raise Bad("charter", "another one, or none can be")
            check_body(message)
            text = self.charter_text(message.body, parent.rules, parent.text)
        return text

    def charter_text(self, body, in_force, text):
        """The rules that a charter asks for; Bad if they may not follow those in force."""
        try:
            reader = Reader(body)
            signed, asked = dict(read_seal(reader)), reader.rest()
            new = rules.parse(asked)
        except Bad as fault:
            raise Bad("charter", str(fault)) from fault
        if self.is_pow or new["version"] != in_force["version"] + 1:
            raise Bad("charter", "not the next version")
        for key in ("name", "mode", "access", "time"):
            if new[key] != in_force[key]:
                raise Bad("charter", f"another {key}")
        what = b"bmsg1 charter" + self.id + sha(text) + sha(asked)
        self.check_seal(signed, what, in_force, in_force["endorse"], "charter")
        return asked

    def line_to(self, placed):
        while placed is not None:
            yield placed
            placed = placed.parent

    def take_message(self, data, now):
        """What becomes of one that waits for a block; a charter's rules are those at the tip."""
        try:
            message = decode_message(data)
            if any(message.id() in before.ids for before in self.line_to(self.tip)):
                return "have"
            self.check_message(message, now, self.tip.rules)
            check_body(message)
            if message.suite == CHARTER:
                self.charter_text(message.body, self.tip.rules, self.tip.text)
            if message.suite == CHUNK:
                raise Bad("suite", "kept apart from the pool, or not at all")
        except Bad as fault:
            return "hold" if fault.rule == "early" else f"bad {fault.rule}"
        return "ok"

    def take_bundle(self, data, now):
        """Why it is refused or not wholly taken yet, or none; how many messages were refused."""
        try:
            blocks, messages = read_bundle(data, self.id)
            for block in blocks:
                verdict = self.take_block(block, now)
                if verdict in ("hold", "orphan"):
                    return verdict, 0
                if block.header.hash() not in self.blocks:
                    return "bad seal", 0  # A proposal: these come behind the messages.
        except Bad as fault:
            return f"bad {fault.rule}", 0
        verdicts = [self.take_message(message, now) for message in messages]
        return "hold" if "hold" in verdicts else None, sum("bad" in one for one in verdicts)


def check_body(message):
    if message.body is not None and sha(message.body) != message.digest:
        raise Bad("body")


def read_bundle(data, chain_id):
    """Blocks of one branch, and the bytes of messages, of a pack that is a bundle of this chain."""
    frames = decode_pack(data)
    if not frames or frames[0][0] != "G":
        raise Bad("frame", "it does not begin with the rules")
    try:
        version = rules.parse(frames[0][1])["version"]
    except Bad as fault:
        raise Bad("frame", str(fault)) from fault
    if version != 0:
        raise Bad("frame", "its rules are no first ones")
    if sha(frames[0][1]) != chain_id:
        raise Bad("chain", "it is of another chain")
    kinds = "".join(kind for kind, _ in frames[1:])
    if kinds != "B" * kinds.count("B") + "M" * kinds.count("M") + "C" * kinds.count("C"):
        raise Bad("frame", "what has no place there")
    try:
        blocks = [decode_block(payload) for kind, payload in frames if kind == "B"]
        messages = [payload for kind, payload in frames if kind == "M"]
        for payload in messages:
            decode_message(payload)
        for kind, payload in frames:
            if kind == "C":
                decode_compact(payload)
    except Bad as fault:
        raise Bad("frame", str(fault)) from fault
    headers = [block.header for block in blocks]
    for before, after in zip(headers, headers[1:]):
        if after.prev != before.hash() or after.height != before.height + 1:
            raise Bad("frame", "a block that does not follow")
    return blocks, messages
