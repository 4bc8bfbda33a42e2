"""Ways to break a block, a message, a rules text or a pack: one thing each, and all else is right.

Each is also tried at the near side of its limit, where nothing is broken.
"""
import arithmetic
import ed25519
from making import be, text_with


def flipped(data, numbers, first=0, last=None):
    """With one bit changed."""
    changed = bytearray(data)
    at = numbers.randrange(8 * first, 8 * (len(data) if last is None else last))
    changed[at // 8] ^= 1 << at % 8
    return bytes(changed)


def header_breaks(maker, draft):
    """What can be wrong in a header, by name; each sets parts that are fixed then."""
    numbers, parent = maker.numbers, draft.parent
    good = maker.header(draft)
    before = parent.header.time
    others = list(maker.chain.blocks.values())

    def fix(part, value):
        return lambda: draft.fixed.update({part: value})

    return {
        "height": fix("height", numbers.choice((good.height - 1, good.height + 1, 0, 2 ** 32 - 1))),
        "prev": fix("prev", flipped(good.prev, numbers)),
        "another parent": fix("prev", numbers.choice(others).hash),
        "rules": fix("rules", flipped(good.rules, numbers)),
        "past": fix("past", flipped(good.past, numbers)),
        "another past": fix("past", arithmetic.root_of(numbers.choice(others).peaks)),
        "root": fix("root", flipped(good.root, numbers)),
        "time": fix("time", before + numbers.choice((-before, -600, -1, 0, 1))),
        "time of nobody": fix("time", numbers.choice((2 ** 32, 2 ** 63, 2 ** 64 - 1))),
        "bits by a little": fix("bits", max(good.bits + numbers.choice((-1, 1)), 0)),
        "bits": fix("bits", good.bits ^ 1 << numbers.randrange(32)),
        "bits of the parent": fix("bits", parent.header.bits),
        "bits of the floor": fix("bits", parent.rules.get("floor", 1)),
        "count": fix("count", numbers.choice((good.count + 1, 2 ** 32 - 1, 0))),
        "work": lambda: setattr(draft, "is_mined", False),
        "nonce": fix("nonce", numbers.choice((0, 1, 2 ** 63))),
    }


def seal_breaks(maker, draft):
    numbers = maker.numbers
    keys = draft.parent.rules.get("endorser", [])
    some = [(index, numbers.randbytes(64)) for index in sorted(numbers.sample(range(64), 2))]
    breaks = {"signed by nobody": lambda: setattr(draft, "seal", some),
              "one signature": lambda: setattr(draft, "seal", some[:1]),
              "equal indices": lambda: setattr(draft, "seal", [some[0], some[0]]),
              "falling indices": lambda: setattr(draft, "seal", some[::-1]),
              "index 64": lambda: setattr(draft, "seal", [*some, (64, bytes(64))])}
    if keys:
        fewer = draft.parent.rules["endorse"] - 1
        breaks |= {"no seal": lambda: setattr(draft, "signers", []),
                   "all sign": lambda: setattr(draft, "signers", range(len(keys))),
                   "too few sign": lambda: setattr(draft, "signers", range(fewer)),
                   "label": lambda: setattr(draft, "endorse_label", b"bmsg1 charter"),
                   "a signature": lambda: setattr(draft, "spoil", spoiled_signature)}
    return breaks


def spoiled_signature(block, numbers):
    """The first signature of its seal with a bit changed, or the same with S + L."""
    changed = bytearray(block)
    if numbers.random() < 0.5:
        changed[258:322] = flipped(changed[258:322], numbers)
    else:
        s = int.from_bytes(changed[290:322], "little") + ed25519.L
        changed[290:322] = s.to_bytes(32, "little")
    return bytes(changed)


def letter_breaks(maker, draft, one):
    """What can be wrong in a message of a block; `one` is in it."""
    numbers, rules, time = maker.numbers, draft.parent.rules, draft.time
    room = rules["maxmessage"] - len(one.head()) - 8

    def put(**parts):
        return lambda: vars(one).update(parts)

    def expire(late):
        one.ttl = numbers.randrange(1, 200)
        one.time = time - one.ttl + 1 - late

    def oversize(more):
        one.body = numbers.randbytes(room + more)

    return {
        "suite": put(suite=numbers.choice((1, 2, 3, 4, 5, 255))),
        "a chunk": put(suite=3, keys=b""),
        "size of a chunk": put(suite=3, keys=b"", have=0,
                               blen=262264 - 104 + numbers.choice((-1, 0, 1))),
        "a charter": put(suite=4, keys=b"", have=1),
        "a charter without body": put(suite=4, keys=b"", have=0),
        "no head": put(magic=b"bmH1"),
        "the zero": put(zero=numbers.randrange(1, 256)),
        "slots": put(suite=1, keys=bytes(32 + 48 * numbers.choice((0, 1, 63, 64, 65)))),
        "secp256k1 slots": put(suite=2, keys=bytes(65 + 48 * numbers.choice((0, 1, 64, 65)))),
        "half a slot": put(suite=1, keys=bytes(32 + 48 + numbers.choice((-1, 1, 24)))),
        "keys of suite 0": put(suite=0, keys=bytes(numbers.choice((0, 1, 48)))),
        "keys of suite 5": put(suite=5, keys=bytes(numbers.randrange(500))),
        "klen": put(klen=numbers.choice((0, 80, 81, 65535))),
        "chain": put(chain=flipped(one.chain, numbers)),
        "topic": put(topic=flipped(one.topic, numbers)),
        "ttl": put(ttl=numbers.choice((0, 1, rules["maxttl"], rules["maxttl"] + 1)), time=time),
        "early": put(time=time + numbers.choice((119, 120, 121, 122))),
        "much too early": put(time=2 ** 32 - 1),
        "expired": lambda: expire(numbers.choice((-1, 0, 1, 2))),
        "size": lambda: oversize(numbers.choice((-1, 0, 1, 2))),
        "size of nobody": put(blen=numbers.choice((2 ** 32 - 1, 2 ** 31, 65536, 1 << 20)), have=0),
        "stamp": lambda: one.stamp(rules["stamp"], good=False),
        "no stamp": put(nonce=numbers.randrange(1 << 64)),
        "another body": put(digest=flipped(bytes(64), numbers)),
        "body of another length": put(blen=len(one.body) + numbers.choice((-1, 1)) % 2 ** 32),
        "no body": put(have=0, body=b"", suite=0, keys=b"", ttl=rules["maxttl"], time=time),
        "no body any more": put(have=0, ttl=1, time=time),
        "the flag": put(have=numbers.choice((2, 128, 255))),
    }


def list_breaks(maker, draft):
    """What can be wrong in the messages of a block together; some of these are allowed."""
    numbers, rules = maker.numbers, draft.parent.rules
    letters, now = draft.letters, draft.time

    def unsorted():
        draft.is_sorted = False
        letters.extend(maker.letter(now) for _ in range(2))
        letters.sort(key=lambda one: one.id(), reverse=numbers.random() < 0.8)

    def twice():
        letters.append(letters[0] if letters else maker.letter(now))
        letters.append(letters[-1])

    def again(own):
        """What is in some block already: an ancestor, or another branch that does not count."""
        ids = {key for block in maker.chain.line_to(draft.parent) for key in block.ids}
        if found := [one for one in maker.sent if (one.id() in ids) == own]:
            one = numbers.choice(found[-8:])
            draft.fixed.pop("root", None)
            letters.append(one)

    def filled(more):
        letters.clear()
        left = rules["maxblock"] + more
        while left > 0:
            take = left if left <= rules["maxmessage"] else min(
                rules["maxmessage"], max(left - 200, left // 2))
            letters.append(maker.letter(now, ttl=3600, body=numbers.randbytes(max(take - 104, 0))))
            left -= letters[-1].size()

    fill = {"full": lambda: filled(0), "too full": lambda: filled(1)}
    return {"order": unsorted, "twice": twice, "duplicate": lambda: again(True),
            "of another branch": lambda: again(False), "nothing": letters.clear,
            **(fill if rules["maxblock"] < 20000 else {})}  # More would take long.


def charter_breaks(maker, draft):
    """Charters of a chain of endorsers, good and bad."""
    numbers, parent, now = maker.numbers, draft.parent, draft.time
    rules, text = parent.rules, parent.text
    next_text = text_with(text, "version", rules["version"] + 1)

    def add(asked, **options):
        return lambda: draft.letters.append(maker.charter(parent, now, asked, **options))

    def many(key, value):
        return add(text_with(next_text, key, value))

    votes = range(rules["endorse"] - 1)
    keys = sorted(maker.seeds)
    numbers.shuffle(keys)
    count = numbers.randrange(1, len(keys) + 1)
    council = text_with(text_with(next_text, "endorser", None), "endorse", count // 2 + 1)
    council += b"".join(f"endorser {key.hex()}\n".encode() for key in keys[:count])

    def twice():
        add(next_text)()
        add(text_with(next_text, "stamp", 3))()

    def spoiled():
        add(next_text)()
        one = draft.letters[-1]
        one.body = flipped(one.body, numbers)

    return {"good charter": add(next_text), "cheaper stamps": many("stamp", numbers.randrange(3)),
            "smaller messages": many("maxmessage", numbers.choice((4096, 5000))),
            "another council": add(council), "version 0": add(text_with(text, "version", 0)),
            "the same version": add(text), "two versions": many("version", rules["version"] + 2),
            "another name": many("name", "other"), "another access": many("access", "members"),
            "another time": many("time", rules["time"] + 1), "mode": many("mode", "pow"),
            "too few votes": add(next_text, votes=votes), "two charters": twice,
            "votes of a seal": add(next_text, label=b"bmsg1 endorse"), "a bit of it": spoiled,
            "a text that ends late": add(next_text + b"\n"), "no text": add(b""),
            "no halves": many("endorse", len(keys) // 2)}


def breaks_of(maker, draft):
    """All of them by name."""
    found = header_breaks(maker, draft) | list_breaks(maker, draft)
    if draft.letters:
        found |= letter_breaks(maker, draft, maker.numbers.choice(draft.letters))
    return found


def spoil_bytes(data, numbers):
    """What a bad line does: a bit, a cut, a hole, something twice, parts that change places."""
    at, to = sorted((numbers.randrange(len(data)), numbers.randrange(len(data))))
    to = min(to, at + 200)
    kind = numbers.choice(("flip", "flip", "cut", "hole", "twice", "swap", "more", "zeros"))
    if kind == "flip":
        return flipped(data, numbers)
    middle = {"cut": b"", "hole": data[to:], "twice": data[at:to] * 2 + data[to:],
              "swap": data[to:to + 8] + data[at:to] + data[to + 8:],
              "more": numbers.randbytes(8) + data[at:], "zeros": bytes(to - at) + data[to:]}[kind]
    return data[:at] + middle


def limits_in(lines):
    """Line, key and least or greatest value of each number in a rules text of this interval."""
    values = dict(line.split(b" ", 1) for line in lines if line)
    interval = int(values[b"interval"])
    council = sum(line.startswith(b"endorser ") for line in lines)
    limits = {b"time": (2 ** 32 - 1,), b"interval": (10, 86400),
              b"halflife": (interval, 1024 * interval),
              b"maxblock": (int(values[b"maxmessage"]), 4194304), b"maxmessage": (4096, 65536),
              b"maxttl": (1, 2 ** 32 - 1), b"stamp": (10 ** 9,), b"blobstamp": (10 ** 9,),
              b"endorse": (council // 2 + 1, council)}
    return [(lines.index(key + b" " + values[key]), key, one)
            for key in limits if key in values for one in limits[key]]


def text_mutant(text, numbers):
    """A rules text with one line changed."""
    lines = text.split(b"\n")
    at = numbers.randrange(len(lines) - 1)
    key, _, value = lines[at].partition(b" ")
    number = int(value) if value.isdigit() else 0
    others = [b"0", b"1", b"4294967295", b"4294967296", b"18446744073709551617", b"0" + value,
              b"+" + value, value + b" ", b" " + value, value + b"\r", value.upper(), b"",
              b"%d" % (number + 1), b"%d" % max(number - 1, 0), be(numbers.randrange(256), 1),
              b"2100ffff", b"2101ffff", b"21010000", b"01010000", b"00ffff00", b"1d00ffff",
              b"1d800000", b"2007ffff", b"20007fff", b"03000001", b"02008000", b"a" * 65,
              b"a" * 64, b"A", b"a_b", b"pow", b"endorse", b"open", b"members", b"0" * 64,
              b"1" * 64]
    kind = numbers.choice(("value", "value", "limit", "limit", "limit", "gone", "twice", "swap",
                           "bit", "end"))
    if kind == "limit":
        at, key, value = numbers.choice(limits_in(lines))
        lines[at] = key + b" %d" % max(value + numbers.choice((-1, 0, 0, 1)), 0)
    elif kind == "value":
        lines[at] = key + b" " + numbers.choice(others)
    elif kind == "gone":
        del lines[at]
    elif kind == "twice":
        lines.insert(at, lines[at])
    elif kind == "swap":
        lines[at], lines[at - 1] = lines[at - 1], lines[at]
    changed = b"\n".join(lines)
    if kind == "end":
        changed += numbers.choice((b"\n", b"x\n", b"member " + b"2" * 64 + b"\n"))
    return flipped(changed, numbers) if kind == "bit" else changed
