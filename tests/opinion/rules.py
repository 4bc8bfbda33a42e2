"""The rules text of a chain, read as bmsg-format(5) has it: one text for each set of rules."""
import re

import ed25519
from arithmetic import is_canonical
from coding import Bad

ANY = 2 ** 32 - 1


def bad(key, why="is not as it must be"):
    raise Bad("rules text", f"{key} {why}")


class Lines:
    """The lines of a text, taken in their order."""

    def __init__(self, text):
        lines = text.split(b"\n")
        if lines.pop() != b"":
            bad("the last line", "has no end")
        self.lines = [line.decode("latin-1") for line in lines]

    def next_is(self, key):
        return bool(self.lines) and self.lines[0].startswith(key + " ")

    def word(self, key, pattern):
        if not self.next_is(key):
            bad(key, "is due")
        value = self.lines.pop(0)[len(key) + 1:]
        if not re.fullmatch(pattern, value, re.ASCII):
            bad(key)
        return value

    def number(self, key, least, most):
        value = int(self.word(key, "0|[1-9][0-9]{0,19}"))
        if not least <= value <= most:
            bad(key, f"is not from {least} to {most}")
        return value

    def keys(self, key, most):
        found = []
        while self.next_is(key):
            found.append(bytes.fromhex(self.word(key, "[0-9a-f]{64}")))
        if len(found) > most or len(set(found)) < len(found):
            bad(key, "stands too often, or twice the same")
        return found


def read_pow(lines, rules):
    rules["halflife"] = lines.number("halflife", rules["interval"], 1024 * rules["interval"])
    rules["floor"] = int(lines.word("floor", "[0-9a-f]{8}"), 16)
    if not is_canonical(rules["floor"]):
        bad("floor")


def read_endorsers(lines, rules):
    rules["endorse"] = lines.number("endorse", 1, 64)
    rules["endorser"] = lines.keys("endorser", 64)
    count = len(rules["endorser"])
    if not count or not rules["endorse"] <= count < 2 * rules["endorse"]:
        bad("endorse", f"of {count} endorsers")
    if any(ed25519.is_weak(key) for key in rules["endorser"]):
        bad("endorser", "is weak")


def parse(text):
    """A dictionary of what the text says; Bad where it is not what a writer would write."""
    lines, rules = Lines(text), {}
    lines.word("bmsg", "1")
    rules["version"] = lines.number("version", 0, ANY)
    rules["name"] = lines.word("name", "[a-z0-9.-]{1,64}")
    rules["mode"] = lines.word("mode", "pow|endorse")
    rules["access"] = lines.word("access", "open|members")
    rules["time"] = lines.number("time", 0, ANY)
    rules["interval"] = lines.number("interval", 10, 86400)
    if rules["mode"] == "pow":
        read_pow(lines, rules)
    rules["maxblock"] = lines.number("maxblock", 4096, 4194304)
    rules["maxmessage"] = lines.number("maxmessage", 4096, 65536)
    if rules["maxblock"] < rules["maxmessage"]:
        bad("maxblock", "is less than maxmessage")
    rules["maxttl"] = lines.number("maxttl", 1, ANY)
    rules["stamp"] = lines.number("stamp", 0, 10 ** 9)
    rules["blobstamp"] = lines.number("blobstamp", 0, 10 ** 9)
    if rules["mode"] == "endorse":
        read_endorsers(lines, rules)
    rules["member"] = lines.keys("member", 512 if rules["access"] == "members" else 0)
    if lines.lines:
        bad("the end", "is due")
    return rules
