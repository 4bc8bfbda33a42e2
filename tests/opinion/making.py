"""Blocks and messages of which every part can be made wrong while all else is right."""
import hashlib

import arithmetic
import ed25519
from coding import Header, encoded_seal, sha

HARDEST = 1 << 244  # A target below which mining here would take long.


def be(number, size):
    return (number % (1 << 8 * size)).to_bytes(size, "big")


class Letter:
    """A message whose parts can be set; what is None is made to fit."""

    def __init__(self, chain_id, time, ttl=86400, body=b"", suite=0, keys=b""):
        self.chain, self.time, self.ttl, self.body = chain_id[:8], time, ttl, body
        self.suite, self.keys, self.topic, self.zero = suite, keys, bytes(4), 0
        self.klen = self.blen = self.digest = self.nonce = self.have = None
        self.magic = b"bmM1"

    def head(self):
        klen = len(self.keys) if self.klen is None else self.klen
        blen = len(self.body) if self.blen is None else self.blen
        digest = sha(self.body) if self.digest is None else self.digest
        return (self.magic + be(self.suite, 1) + be(self.zero, 1) + be(klen, 2) + self.chain +
                self.topic + be(self.time, 4) + be(self.ttl, 4) + be(blen, 4) + self.keys + digest)

    def id(self):
        return sha(self.head())

    def size(self):
        return len(self.head()) + 8 + (len(self.body) if self.blen is None else self.blen)

    def stamp(self, rate, good=True):
        """The first nonce that is enough, or is not; 0 where that would take too long."""
        wanted = arithmetic.stamp_wanted(rate, self.size(), self.ttl)
        tries = range(1 << 18 if wanted < 1 << 16 else 0)
        message_id = self.id()
        self.nonce = next((nonce for nonce in tries if good == (
            arithmetic.stamp_value(message_id + be(nonce, 8)) * wanted < 2 ** 64)), 0)

    def in_block(self):
        have = 1 if self.have is None else self.have
        return self.head() + be(self.nonce, 8) + be(have, 1) + (self.body if have else b"")

    def alone(self):
        return self.head() + be(self.nonce, 8) + self.body


class Draft:
    """A block that is still being made: `fixed` parts of its header stay as they were set."""

    def __init__(self, parent, time, letters):
        self.parent, self.time, self.letters = parent, time, letters
        self.fixed, self.seal, self.signers = {}, None, None
        self.is_sorted, self.is_mined, self.is_stamped = True, True, True
        self.endorse_label, self.spoil = b"bmsg1 endorse", None


class Maker:
    """Makes blocks for a chain that was judged. `seeds`: secrets of all its endorsers, by key."""

    def __init__(self, chain, numbers, seeds=()):
        self.chain, self.numbers, self.sent = chain, numbers, []
        self.seeds = {ed25519.public_key(seed): seed for seed in seeds}

    def letter(self, time, **parts):
        body = self.numbers.randbytes(self.numbers.randrange(120))
        parts = {"body": body, "ttl": self.numbers.choice((3600, 86400, 86401))} | parts
        made = Letter(self.chain.id, time, **parts)
        made.topic = self.numbers.randbytes(4)  # No two are the same.
        if made.suite in (1, 2) and not made.keys:
            slots = self.numbers.choice((1, 1, 2, 4))
            made.keys = self.numbers.randbytes((32, 65)[made.suite - 1] + 48 * slots)
        return made

    def letters(self, time):
        count = self.numbers.choice((0, 1, 1, 2, 3, 3, 1, 1, 2, self.numbers.randrange(30)))
        suites = self.numbers.choices((0, 1, 2, 5, 200), (9, 9, 3, 1, 1), k=count)
        return [self.letter(time - self.numbers.randrange(1000), suite=suite) for suite in suites]

    def draft(self, parent, seconds=None):
        """One that keeps all rules, and that this machine can mine."""
        if seconds is None:
            seconds = self.numbers.choice((1, 30, 300, 599, 600, 601, 900, 1800))
        time = parent.header.time + seconds
        if self.chain.is_pow:
            while target_at(parent, time) < HARDEST:
                time += 600
        return Draft(parent, time, self.letters(time))

    def header(self, draft):
        parent = draft.parent
        time = draft.fixed.get("time", draft.time)
        bits = 0
        if self.chain.is_pow:
            seconds_later = max(time, parent.header.time + 1)
            bits = arithmetic.bits_due(parent.rules, parent.header, seconds_later)
        leaves = [one.id() + be(one.nonce or 0, 8) for one in draft.letters]
        parts = {"height": parent.header.height + 1, "time": time, "bits": bits,
                 "count": len(leaves), "rules": sha(parent.text)[:32], "prev": parent.hash,
                 "root": arithmetic.tree(leaves), "past": arithmetic.root_of(parent.peaks),
                 "nonce": 0}
        return Header(**parts | draft.fixed)

    def finished(self, draft):
        """The bytes of the block."""
        for one in draft.letters:
            if one.nonce is None:
                one.stamp(draft.parent.rules["stamp"])
        if draft.is_sorted:
            draft.letters.sort(key=Letter.id)
        header = self.header(draft)
        if self.chain.is_pow:
            header = mined(header, draft.is_mined)
        seal = draft.seal
        if seal is None:
            seal = self.endorsed(header.hash(), draft)
        block = header.encoded() + encoded_seal(seal) + b"".join(
            one.in_block() for one in draft.letters)
        return draft.spoil(block, self.numbers) if draft.spoil else block

    def endorsed(self, digest, draft):
        if self.chain.is_pow:
            return []
        rules = draft.parent.rules
        text = draft.endorse_label + self.chain.id + digest
        return self.signed(rules, text, draft.signers)

    def signed(self, rules, text, signers=None):
        """A seal by the endorsers of these indices, or by some k or more of them."""
        keys = rules["endorser"]
        if signers is None:
            count = self.numbers.randrange(rules["endorse"], len(keys) + 1)
            signers = self.numbers.sample(range(len(keys)), count)
        return [(index, ed25519.sign(self.seeds[keys[index]], text)) for index in sorted(signers)]

    def charter(self, parent, time, text, votes=None, label=b"bmsg1 charter"):
        what = label + self.chain.id + sha(parent.text) + sha(text)
        seal = self.signed(parent.rules, what, votes)
        return self.letter(time, suite=4, body=encoded_seal(seal) + text)


def target_at(parent, time):
    return arithmetic.target(arithmetic.bits_due(parent.rules, parent.header, time))


def mined(header, good=True):
    """With a nonce that meets the target, or that does not."""
    front = hashlib.sha512(header.encoded()[:-8])
    goal = arithmetic.target(header.bits)
    if header.bits >> 24 > 40 or goal < HARDEST:
        return header  # Who asks for more gets none.
    for nonce in range(1 << 16):
        with_nonce = front.copy()
        with_nonce.update(nonce.to_bytes(8, "big"))
        if (int.from_bytes(with_nonce.digest()[:32], "big") <= goal) == good:
            return header._replace(nonce=nonce)
    return header


def text_with(text, key, value):
    """A rules text with another value of one key; with None, without that line."""
    lines = text.decode("latin-1").splitlines()
    kept = [f"{key} {value}" if line.split(" ")[0] == key else line for line in lines
            if value is not None or line.split(" ")[0] != key]
    return "".join(line + "\n" for line in kept).encode("latin-1")
