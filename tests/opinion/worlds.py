"""A chain in a store of ours and the same in a judge of theirs, and what both say of one thing."""
import collections
import http.client
import json
import re
import subprocess
import time

import breaking
import coding
import stores
from judge import Chain
from making import Maker
from opine import standing

FORM = ("layout", "magic", "count")  # What does not decode has one name on the wire.
COUNTS = collections.Counter()
FAULTS = []
SAYS = ((r"(?:: |error: )frame: ", "bad frame"), (r": digest: ", "bad digest"),
        (r"of another chain", "bad chain"), (r"its first block", "orphan"),
        (r"parent was dropped", "orphan"), (r"in the future", "hold"))


def agree(what, ours, theirs, data, how=""):
    """Counts, and keeps what is judged in two ways."""
    COUNTS[what, theirs] += 1
    if ours != theirs:
        FAULTS.append(f"{what}: ours {ours!r}, theirs {theirs!r} {how}\n{data.hex()}")
        print(FAULTS[-1][:300], flush=True)


def count_of(what, *verdicts):
    """How often one of these was the verdict on something whose name begins so."""
    return sum(count for (name, verdict), count in COUNTS.items()
               if name.startswith(what) and verdict in verdicts)


class Ours:
    """A node of ours that is asked over HTTP."""

    def __init__(self, url):
        self.line = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)

    def ask(self, method, path, body=None):
        self.line.request(method, f"/bmsg/1/{path}", body)
        answer = self.line.getresponse()
        content = answer.read()
        assert answer.status == 200, (path, answer.status, content)
        return content

    def put(self, frames):
        return self.ask("POST", "put", coding.encoded_pack(frames)).decode().splitlines()

    def standing(self):
        info = json.loads(self.ask("GET", "info"))
        return info["height"], info["tip"], int(info["work"], 16)


def on_the_wire(verdict):
    """The line of a node for it."""
    rule = verdict.removeprefix("bad ")
    return "bad layout" if rule in FORM and rule != verdict else verdict


def applied(store, data):
    """Our verdict on a bundle in their words, and how many of its messages were refused."""
    file = store.directory.with_suffix(".bundle")
    file.write_bytes(data)
    done = subprocess.run(store.words("bundle", "apply", file), capture_output=True,
                          env=store.environment, check=False, timeout=60)
    said = done.stderr.decode()
    refused = re.search(r"(\d+) messages were refused", said)
    if done.returncode in (0, 3):
        return None, int(refused[1]) if refused else 0
    for pattern, verdict in SAYS:
        if re.search(pattern, said):
            return verdict, 0
    named = re.search(r"breaks the rule (\w+)", said)
    return f"bad {named[1]}" if named else f"{done.returncode} {said}", 0


def standing_of(store):
    state = store.objects("status")[0]
    return state["height"], state["tip"], int(state["total_work"])


class World:
    """One chain on both sides, and a maker of what could follow there."""

    def __init__(self, place, name, text, numbers, seeds=()):
        (place / f"{name}.genesis").write_bytes(text)
        self.name, self.text, self.numbers = name, text, numbers
        self.store = stores.joined(place / name, "ana", place / f"{name}.genesis")
        self.store.run("config", "set", "max_reorg", 100000)
        self.chain = Chain(text)
        self.maker = Maker(self.chain, numbers, seeds)
        self.recent, self.deck, self.letters = [self.chain.tip], [], []

    def standing(self):
        return standing(self.chain.tip)

    def breaks(self, draft):
        breaks = breaking.breaks_of(self.maker, draft) | breaking.seal_breaks(self.maker, draft)
        if not self.chain.is_pow:
            breaks |= breaking.charter_breaks(self.maker, draft)
        return breaks

    def next_break(self, draft):
        """Each comes as often as any other, but for those that a draft has no place for."""
        breaks = self.breaks(draft)
        if not self.deck:
            self.deck = sorted(breaks)
            self.numbers.shuffle(self.deck)
        name = self.deck.pop()
        if name in breaks:
            breaks[name]()
            return name
        self.deck.insert(0, name)
        return "nothing"

    def drafted(self, chain):
        """What could follow somewhere near the tip, with at most two things wrong; their names."""
        numbers, maker = self.numbers, self.maker
        maker.chain = chain
        known = [one for one in self.recent[-6:] if one.hash in chain.blocks]
        near = [chain.tip] * 12 + [chain.tip.parent or chain.tip] * 4  # A sibling may be better.
        parent = numbers.choice(near + known)
        draft = maker.draft(parent)
        how_many = numbers.choice((0, 0, 1, 1, 1, 1, 1, 2))
        return draft, [self.next_break(draft) for _ in range(how_many)]

    def block(self, chain):
        """The bytes of one more block, good or bad, and how it was made."""
        draft, names = self.drafted(chain)
        if self.numbers.random() < 0.02 and draft.parent.header.height > 2:
            self.date_by_the_clock(draft)
        data = self.maker.finished(draft)
        if self.numbers.random() < 0.08:
            data = breaking.spoil_bytes(data, self.numbers)
            names.append("spoiled bytes")
        self.letters = draft.letters
        return data, names

    def date_by_the_clock(self, draft):
        """Not near the tip: once it is the best, nothing can follow any more."""
        draft.parent = draft.parent.parent.parent
        draft.time = int(time.time()) + self.numbers.choice((60, 100, 400, 600))
        draft.fixed.clear()

    def took(self, data):
        """Notes a block that was found good, as one to build on."""
        placed = self.chain.blocks[coding.sha(data[:256])]
        if placed.header.time < time.time() - 1000:
            self.recent.append(placed)
        self.maker.sent += self.letters

    def message(self):
        """The bytes of one that waits for a block, and how it was made."""
        numbers, draft = self.numbers, self.maker.draft(self.chain.tip)
        now = int(time.time())
        one = self.maker.letter(now - 30, suite=numbers.choice((0, 1, 2, 7)))
        breaks = breaking.letter_breaks(self.maker, draft, one)
        name = numbers.choice((*sorted(breaks), "expired", "nothing"))
        # Never so near to a limit that a second decides.
        draft.time = now - 60 if name == "expired" else now + 60
        if name not in ("nothing", "early"):
            breaking.letter_breaks(self.maker, draft, one)[name]()
        if one.nonce is None:
            one.stamp(self.chain.tip.rules["stamp"])
        data = one.alone()
        if numbers.random() < 0.1:
            return breaking.spoil_bytes(data, numbers), f"{name}, spoiled bytes"
        return data, name

    def bundle(self):
        """Blocks one after the other, seldom the last one good; messages; now and then spoiled."""
        numbers, chain, frames = self.numbers, self.chain.copy(), [("G", self.text)]
        for _ in range(numbers.randrange(4)):
            data, _ = self.block(chain)
            frames.append(("B", data))
            if chain.take(data, int(time.time())) != "ok":
                break
            self.recent.append(chain.blocks[coding.sha(data[:256])])
        frames += [("M", self.message()[0]) for _ in range(numbers.randrange(3))]
        spoil = numbers.choice(("", "", "", "", "pack", "frames", "type"))
        at = numbers.randrange(1, len(frames)) if len(frames) > 1 else 0
        if spoil == "type":
            frames.insert(at, (numbers.choice("HIPCZ"), numbers.randbytes(40)))
        if spoil == "frames":
            frames[at], frames[-1] = frames[-1], frames[at]
        pack = coding.encoded_pack(frames)
        return breaking.spoil_bytes(pack, numbers) if spoil == "pack" else pack
