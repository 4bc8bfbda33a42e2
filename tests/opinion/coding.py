"""Bytes of packs, headers, seals, blocks and messages, read strictly: see bmsg-format(5)."""
import hashlib
import typing

FRAME_MAX = 8 << 20
ENDORSERS_MAX = 64
SLOT = 48
SLOTS_MAX = 64
KNOWN_FRAMES = b"GHBCMIPE"
PUBLIC, SEALED, SEALED_SECP, CHUNK, CHARTER = range(5)


class Bad(Exception):
    """What breaks a rule, with the rule's name."""

    def __init__(self, rule, why=""):
        super().__init__(f"{rule}: {why}" if why else rule)
        self.rule, self.why = rule, why


def sha(data):
    return hashlib.sha512(data).digest()


class Reader:
    """Takes bytes from the front; too few are a fault of the layout."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, count):
        if self.left() < count:
            raise Bad("layout", f"{count} bytes are due at {self.at}, {self.left()} are left")
        self.at += count
        return self.data[self.at - count:self.at]

    def number(self, count):
        return int.from_bytes(self.take(count), "big")

    def left(self):
        return len(self.data) - self.at

    def rest(self):
        return self.take(self.left())

    def end(self):
        if self.left():
            raise Bad("layout", f"{self.left()} bytes after the end")


class Header(typing.NamedTuple):
    """The 256 bytes by their names."""

    height: int
    time: int
    bits: int
    count: int
    rules: bytes
    prev: bytes
    root: bytes
    past: bytes
    nonce: int

    def encoded(self):
        numbers = ((self.height, 4), (self.time, 8), (self.bits, 4), (self.count, 4))
        return (b"bmH1" + b"".join(value.to_bytes(size, "big") for value, size in numbers) +
                self.rules + self.prev + self.root + self.past + self.nonce.to_bytes(8, "big"))

    def hash(self):
        return sha(self.encoded())


class Message(typing.NamedTuple):
    """A head as it stands and what it says, the stamp, and the body or None."""

    head: bytes
    suite: int
    chain: bytes
    time: int
    ttl: int
    blen: int
    digest: bytes
    nonce: int
    body: typing.Optional[bytes]

    def id(self):
        return sha(self.head)

    def leaf(self):
        return self.id() + self.nonce.to_bytes(8, "big")

    def size(self):
        return len(self.head) + 8 + self.blen


class Block(typing.NamedTuple):
    """With its seal as a list of (index, signature)."""

    header: Header
    seal: list
    messages: list


def read_header(reader):
    if reader.take(4) != b"bmH1":
        raise Bad("magic")
    number, take = reader.number, reader.take
    return Header(number(4), number(8), number(4), number(4), take(32), take(64), take(64),
                  take(64), number(8))


def read_seal(reader):
    count = reader.number(1)
    seal = [(reader.number(1), reader.take(64)) for _ in range(count)]
    indices = [index for index, _ in seal]
    if count > ENDORSERS_MAX or any(index >= ENDORSERS_MAX for index in indices):
        raise Bad("layout", "no chain has so many endorsers")
    if any(one >= other for one, other in zip(indices, indices[1:])):
        raise Bad("layout", "the indices of a seal do not ascend")
    return seal


def encoded_seal(seal):
    return bytes([len(seal)]) + b"".join(bytes([index]) + signature for index, signature in seal)


def slots_fit(length, enc):
    return (length - enc) % SLOT == 0 and 1 <= (length - enc) // SLOT <= SLOTS_MAX


def read_head(reader):
    """All of a message up to its nonce; its body is not there yet."""
    begin = reader.at
    if reader.take(4) != b"bmM1":
        raise Bad("layout", "no head")
    suite, zero, klen = reader.number(1), reader.number(1), reader.number(2)
    if zero != 0:
        raise Bad("layout", "the byte behind the suite is not zero")
    fits = {PUBLIC: klen == 0, CHUNK: klen == 0, CHARTER: klen == 0, SEALED: slots_fit(klen, 32),
            SEALED_SECP: slots_fit(klen, 65)}
    if not fits.get(suite, True):
        raise Bad("layout", f"{klen} bytes of keys in suite {suite}")
    chain = reader.take(8)
    reader.take(4)
    time, ttl, blen = reader.number(4), reader.number(4), reader.number(4)
    reader.take(klen)
    digest = reader.take(64)
    head = reader.data[begin:reader.at]
    return Message(head, suite, chain, time, ttl, blen, digest, reader.number(8), None)


def read_block_message(reader):
    message = read_head(reader)
    have = reader.number(1)
    if have > 1:
        raise Bad("layout", f"the flag of a body is {have}")
    if have == 0 and message.suite == CHARTER:
        raise Bad("layout", "a charter without its body")
    return message._replace(body=reader.take(message.blen) if have else None)


def decode_block(data):
    reader = Reader(data)
    header = read_header(reader)
    seal = read_seal(reader)
    messages = []
    for _ in range(header.count):
        messages.append(read_block_message(reader))
    reader.end()
    return Block(header, seal, messages)


def encoded_block(block):
    parts = [block.header.encoded(), encoded_seal(block.seal)]
    for one in block.messages:
        have = b"\0" if one.body is None else b"\1"
        parts += [one.head, one.nonce.to_bytes(8, "big"), have, one.body or b""]
    return b"".join(parts)


def decode_message(data):
    reader = Reader(data)
    message = read_head(reader)
    if reader.left() != message.blen:
        raise Bad("layout", f"a body of {reader.left()} bytes, the head says {message.blen}")
    return message._replace(body=reader.rest())


def encoded_message(message):
    return message.head + message.nonce.to_bytes(8, "big") + message.body


def decode_compact(data):
    """A header, its seal, and for each message 8 bytes of its id and its nonce."""
    reader = Reader(data)
    header, seal = read_header(reader), read_seal(reader)
    entries = [(reader.take(8), reader.number(8)) for _ in range(header.count)]
    reader.end()
    return header, seal, entries


def decode_pack(data, needs_end=True):
    """Its frames of known types; the digest at its end must fit."""
    if data[:4] != b"bmP1":
        raise Bad("frame", "not a pack")
    frames, at = [], 4
    while at < len(data):
        if len(data) - at < 5:
            raise Bad("frame", "cut short")
        kind, length = data[at:at + 1], int.from_bytes(data[at + 1:at + 5], "big")
        payload = data[at + 5:at + 5 + length]
        if length > FRAME_MAX or len(payload) < length:
            raise Bad("frame", "too long" if length > FRAME_MAX else "cut short")
        if kind == b"E":
            if length != 64 or at + 69 != len(data):
                raise Bad("frame", "an end of another length, or bytes after it")
            if payload != sha(data[:at]):
                raise Bad("digest")
            return frames
        if kind in KNOWN_FRAMES:
            frames.append((kind.decode(), payload))
        at += 5 + length
    if needs_end:
        raise Bad("frame", "no end")
    return frames


def encoded_pack(frames, with_end=True):
    pack = b"bmP1" + b"".join(kind.encode() + len(payload).to_bytes(4, "big") + payload
                              for kind, payload in frames)
    return pack + b"E" + (64).to_bytes(4, "big") + sha(pack) if with_end else pack
