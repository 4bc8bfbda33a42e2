#!/usr/bin/env python3
"""Files of a store decay: a bit flips, a page is zeroed, the end is lost, or all of it. Whatever the
kind of file, every command then says what it says of the whole store, or `verify --full` reports it;
whoever fails names what is damaged and what to do, and none crashes. A chain is made whole from a peer.
A kind of file that is not in tests/support/store_kinds.py makes it fail, and so does damage that nobody
sees, but for what is listed here with its reason. BMSG_FLIPS says how often each kind."""
import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import store_kinds
import stores

FLIPS = int(os.environ.get("BMSG_FLIPS") or 1)
PAGE = 4096
READS = [words.split() for words in (
    "verify --full --signatures", "log --json -n 1000 --messages", "inbox --json --all --bodies",
    "outbox --json", "contact export", "contact show ben --json", "id --json", "id device list --json",
    "room list --json", "config list", "policy list --json", "hooks --json", "peers --json",
    "checkpoint list", "ls-pool", "id --node", "endorsers key", "endorsers --json")]
VERIFY = " ".join(READS[0])
READS_TEXT = [" ".join(words) for words in READS]


# What may be another content without that anybody sees it, and why.
OF_ITS_OWNER = "text that its owner may change: what is still in its form counts as his"
UNSEEN = {
    "contacts": OF_ITS_OWNER, "settings": OF_ITS_OWNER, "policies": OF_ITS_OWNER, "hook": OF_ITS_OWNER,
    "enabled hooks": OF_ITS_OWNER,
    "node key": "any 64 digits are a key; peers that know the other one refuse it",
    "chain log": "its end looks like a crash: the pool loses what waits, and outboxes queue it again",
    "index log": "its end looks like a crash: flags and positions of readers go back",
}
# What is gone and was in no list; of the chain and of keys that is seen.
UNMISSED = {"contacts", "settings", "policies", "hook", "enabled hooks", "outbox file", "outbox pack",
            "held file", "card", "statements", "cards' position", "key of a send", "conversation",
            "own chunk", "relay mark", "endorser log", "signed checkpoint", "endorser key", "chain log",
            "index log"}


def flip(content, random):
    at = random.randrange(len(content) * 8)
    content[at // 8] ^= 1 << at % 8
    return f"bit {at}"


def zero(content, random):
    begin = random.randrange(0, len(content), PAGE)
    content[begin:begin + PAGE] = bytes(len(content[begin:begin + PAGE]))
    return f"zeros from byte {begin}"


def cut(content, random):
    size = random.randrange(len(content))
    del content[size:]
    return f"cut to {size} bytes"


def said_by(store, words):
    done = subprocess.run(store.words(*words), env=store.environment, capture_output=True,
                          check=False, timeout=60)
    return done.returncode, done.stdout, done.stderr.decode(errors="replace")


def reading(store):
    """What the commands say. Times are left out: they differ."""
    said = {}
    for words in READS:
        code, out, errors = said_by(store, words)
        if words[0] == "verify":
            out = out.partition(b"(")[0]
        if words[0] == "endorsers":  # Whoever has not signed for a while is late.
            out = re.sub(rb'"late":(true|false)', b"", out)
        said[" ".join(words)] = (code, out, errors)
    return said


def has_next_step(errors):
    return "hint: " in errors or '"hint":"' in errors


class Decay:
    def __init__(self, base, place, random):
        self.base = base
        self.place = place
        self.random = random
        self.whole = reading(base.copy_to(place / "decayed"))
        shutil.rmtree(place / "decayed")
        for words, (code, _, errors) in self.whole.items():
            assert code in (0, 1, 64, 66, 67, 77), (words, code, errors)
        self.reported, self.harmless, self.unseen = (collections.Counter() for _ in range(3))
        self.wrong = []
        self.peer = None  # Whom a chain is fetched from.
        self.repaired = 0

    def spoil(self, path, damage):
        kind, says = store_kinds.kind_of(path)
        store = self.base.copy_to(self.place / "decayed")
        file = store.directory / path
        content = bytearray(file.read_bytes())
        what = damage(content, self.random) if damage else "removed"
        file.write_bytes(content) if damage else file.unlink()
        said = reading(store)
        code, out, errors = said[VERIFY]
        differs = [words for words in READS_TEXT if said[words][:2] != self.whole[words][:2]]
        if code != self.whole[VERIFY][0]:
            self.reported[kind] += 1
        elif not differs:
            self.harmless[kind] += 1
        elif kind in UNSEEN or (damage is None and kind in UNMISSED):
            self.unseen[kind] += 1
        else:
            self.wrong.append(f"{path}, {what}: nobody sees it, and '{differs[0]}' differs: " +
                              repr(first_difference(self.whole[differs[0]][1], said[differs[0]][1])))
        is_unseen = code == self.whole[VERIFY][0] and (kind in UNSEEN or damage is None)
        self.wrong += [f"{path}, {what}: {fault}"
                       for fault in self.badly_told(said, says, is_unseen)]
        if self.peer and kind.startswith("chain ") and code != self.whole[VERIFY][0]:
            self.repair(store, f"{path}, {what}")
        shutil.rmtree(store.directory)

    def badly_told(self, said, says, is_unseen):
        for words, (code, out, errors) in said.items():
            if code < 0 or code >= 128:
                yield f"'{words}' died: {code} {errors[-300:]}"
            if is_unseen or code in (0, self.whole[words][0]):
                continue
            if not says.search(errors + out.decode(errors="replace")):
                yield f"'{words}' exits {code} and does not name it: {errors[-300:]!r}"
            # What is wrong with a setting, 78, says by itself what to change.
            if code not in (1, 3, 78) and not has_next_step(errors):
                yield f"'{words}' exits {code} without a next step: {errors[-300:]!r}"

    def repair(self, store, what):
        done = subprocess.run(store.words("repair", "--yes", "--from-peer", self.peer),
                              env=store.environment, capture_output=True, check=False, timeout=60)
        code, out, errors = said_by(store, ["verify", "--full"])
        tip = said_by(store, ["rev-parse", "tip"])
        if code or tip != said_by(self.base, ["rev-parse", "tip"]):
            self.wrong.append(f"{what}: repair exits {done.returncode}, verify {code}: "
                              f"{out[-200:]!r} {done.stderr[-300:]!r}")
        self.repaired += 1


def first_difference(one, other):
    lines = zip(one.split(b"\n") + [b""], other.split(b"\n") + [b""])
    return next(((a[:150], b[:150]) for a, b in lines if a != b), "(lines fewer or more)")


def decay(base, place, random, seen, peer=None):
    made = Decay(base, place, random)
    made.peer = peer
    kinds = collections.defaultdict(list)
    for path in store_kinds.files_of(base):
        kinds[store_kinds.kind_of(path)[0]].append(path)
    seen.update(kinds)
    damages = [flip, zero, cut, None]
    for kind, paths in kinds.items():
        paths = [path for path in paths if (base.directory / path).stat().st_size]
        for number in range(FLIPS * 2 if paths else 0):
            damage = flip if number % 2 == 0 else random.choice(damages[1:])
            made.spoil(random.choice(paths), damage)
    return made


def report(decays):
    total = collections.Counter()
    for word in ("reported", "harmless", "unseen"):
        counts = sum((getattr(made, word) for made in decays), collections.Counter())
        total[word] = counts.total()
        print(f"{word}: " + ", ".join(f"{kind} {count}" for kind, count in sorted(counts.items())))
    wrong = [fault for made in decays for fault in made.wrong]
    for fault in wrong:
        print(fault)
    assert not wrong, f"{len(wrong)} faults"
    repaired = sum(made.repaired for made in decays)
    print(f"{total.total()} damages: {total['reported']} reported, {total['harmless']} harmless, "
          f"{total['unseen']} unseen as listed; {repaired} chains made whole from a peer")
    assert repaired > 0 and total["reported"] > total.total() / 3, "too few were damages"


def check_rolled_back(ana, ben, older, place):
    """An older copy is put back: the witness tells, or, where that is as old, a peer."""
    chain_only = ana.copy_to(place / "chain-only")
    for part in ("chain", "mail"):
        shutil.rmtree(chain_only.directory / part)
        shutil.copytree(older.directory / part, chain_only.directory / part)
    code, _, errors = said_by(chain_only, ["verify", "--full"])
    assert code == 65 and "witness" in errors and has_next_step(errors), (code, errors)
    older.run("verify", "--full")
    with ben.served() as url:
        assert "behind" in older.text("verify", "--against", url)
    print("rolled back: seen by the witness, and where that is as old by verify --against")


def main():
    random = stores.seeded_random()
    with stores.workplace() as place:
        ana, ben, older = store_kinds.talking(place)
        check_rolled_back(ana, ben, older, place)
        seen = set()
        with ben.served() as url:
            decays = [decay(ana, place, random, seen, url),
                      decay(store_kinds.endorsing(place), place, random, seen)]
        report(decays)
        missing = {name for name, _, _ in store_kinds.KINDS} - seen
        assert not missing, f"no such file was made: {missing}"


main()
