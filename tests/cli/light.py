#!/usr/bin/env python3
"""Light stores: heads of everybody's messages, bodies of one's own. What they cost beside a full
store, what they can and cannot do, and servers that lie to them."""
import json
import pathlib
import sys
import urllib.error
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
import web  # noqa: E402

BULK = 40
BODY_BYTES = 20000
PACK = b"bmP1"


class Line:
    """What went over a wire to a node, and lies told on it: path and answer in, answer out."""

    def __init__(self):
        self.sent = self.received = 0
        self.asked = []  # Short ids of each request for bodies.
        self.lie = None

    def __call__(self, path, sent, answer):
        self.sent += len(sent)
        if path.endswith("/get"):
            self.asked.append([sent[at:at + 8] for at in range(0, len(sent), 8)])
        if self.lie:
            answer = self.lie(path, answer)
        self.received += len(answer)
        return answer


def size_of(directory):
    return sum(file.stat().st_size for file in directory.rglob("*") if file.is_file())


def make_world(place):
    """A chain with much that is nobody's but Ana's and Carl's; who are all of it."""
    ana = stores.new_chain(place / "ana", "ana", "--interval", "60")
    carl = stores.joined(place / "carl", "carl", place / "ana" / "genesis", "--no-sync")
    card = place / "carl.card"
    card.write_text(carl.text("id", "--card") + "\n")
    ana.run("contact", "add", "carl", card)
    numbers = stores.seeded_random()
    for number in range(BULK):
        (place / "bulk").write_text(numbers.randbytes(BODY_BYTES // 2).hex())
        ana.run("send", "--public", "--topic", "bulk", "-s", f"bulk {number}", "-F", place / "bulk")
    for number in range(12):
        ana.run("send", "-m", f"for carl {number}", "carl")
    ana.run("mine", "-n", 3)
    return ana


def clone_both(place, port):
    """A light and a full store of the same chain from the same node: a small one and a large one."""
    costs = {}
    for name, options in (("lea", ["--light"]), ("full", [])):
        line = Line()
        store = stores.Store(place / name)
        with web.counting(port, line) as (own, _):
            store.run("clone", f"http://127.0.0.1:{own}", place / name, "--name", name,
                      "--no-passphrase", *options)
        costs[name] = (line.received, size_of(place / name / "chain"))
    print("clone: bytes on the wire, bytes on disk:", costs, flush=True)
    assert costs["full"][0] > BULK * BODY_BYTES, costs
    assert costs["lea"][0] * 5 < costs["full"][0] and costs["lea"][1] * 2 < costs["full"][1], costs
    return stores.Store(place / "lea"), stores.Store(place / "full")


def errors_of(store, *arguments):
    done = store.start(*arguments)
    _, told = done.communicate(timeout=60)
    return done.returncode, told.decode()


def receive(ana, lea, port):
    """Found by its head, asked for among others, read."""
    ana.run("mine")  # Lea's card.
    address = lea.text("id").split()[0]
    ana.run("contact", "add", "lea", address)
    text = "between the lines"
    sent = ana.text("send", "-m", text, "lea")
    ana.run("mine")
    line = Line()
    with web.counting(port, line) as (own, _):
        url = f"http://127.0.0.1:{own}"
        lea.run("sync", url)
        assert all(len(ids) < 8 or bytes.fromhex(sent[:16]) not in ids for ids in line.asked)
        code, told = errors_of(lea, "inbox")
        assert code == 0 and "1 message of yours is not here yet: run 'bmsg sync'" in told, told
        assert lea.objects("status")[0]["attention"][0]["name"] == "absent"
        code, told = errors_of(lea, "read", sent)
        assert code == 66 and "not here yet" in told, told
        del line.asked[:]
        lea.run("sync", url)
        assert lea.text("read", "@", "--body") == text
        code, told = errors_of(lea, "inbox")
        assert code == 0 and "not here" not in told, told
    own = [ids for ids in line.asked if bytes.fromhex(sent[:16]) in ids]
    assert own and all(len(ids) >= 8 and ids == sorted(ids) for ids in own), line.asked
    return url


def answer_and_keep(ana, lea, url):
    """What a light store sends arrives, and stays readable when the outbox has let it go."""
    ana.run("contact", "add", "lea2", lea.text("id").split()[0], exits=(0, 65, 73))
    lea.run("contact", "add", "ana", ana.text("id").split()[0])
    sent = lea.text("send", "-m", "an answer", "ana")
    lea.run("sync", url)
    ana.run("mine")
    assert ana.text("read", "@", "--body") == "an answer"
    ana.run("mine", "-n", 7, "--allow-empty")
    lea.run("sync", url)
    lea.run("inbox")
    assert lea.text("outbox") == "", lea.text("outbox")
    assert lea.text("read", sent, "--body") == "an answer"


def refused(place, lea):
    """What needs bodies says so."""
    for words in (["mine"], ["mirror", place / "mirror"], ["bundle", "create", place / "bundle"],
                  ["serve", "--mine"], ["make-block"]):
        code, told = errors_of(lea, *words)
        assert code == 69 and "light store" in told, (words, code, told)
    lea.run("sync", "--topic", "bulk", "--dry-run")
    assert lea.objects("status")[0]["light"] is True
    assert "light" in lea.text("status")
    report = lea.objects("verify", "--full")[-1]
    assert report["ok"] and report["dropped_bodies"] >= BULK, report


def ask(url, path):
    try:
        with urllib.request.urlopen(f"{url}/bmsg/1/{path}", timeout=20) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def check_served(place, lea, full):
    """A light node serves heads, says that it does, and is no source of blocks for a full one."""
    with lea.served() as url:
        assert json.loads(ask(url, "info")[1])["light"] is True
        status, body = ask(url, "blocks/0/16")
        assert status == 404 and json.loads(body)["error"] == "light", body
        tip = lea.text("rev-parse", "tip")
        assert ask(url, f"block/{tip}")[0] == 404 and ask(url, f"block/{tip}?light=1")[0] == 200
        status, body = ask(url, "blocks/0/16?light=1")
        assert status == 200 and body.startswith(PACK)
        before = full.text("count")
        full.run("sync", url)
        assert full.text("count") == before, "blocks without bodies were taken"
        other = stores.Store(place / "lia")
        other.run("clone", "--light", url, place / "lia", "--name", "lia", "--no-passphrase")
        assert other.text("rev-parse", "tip") == tip


def frames(pack):
    at = len(PACK)
    while at < len(pack):
        size = int.from_bytes(pack[at + 1:at + 5], "big")
        yield pack[at:at + 1], pack[at + 5:at + 5 + size]
        at += 5 + size


def packed(parts):
    return PACK + b"".join(kind + len(data).to_bytes(4, "big") + data for kind, data in parts)


def in_blocks(change):
    """A lie about the last block of each answer with light blocks."""

    def lie(path, answer):
        if "/blocks/" not in path or "light=1" not in path:
            return answer
        parts = list(frames(answer))
        kind, data = parts[-1]
        return packed(parts[:-1] + [(kind, change(data))])

    return lie


def liars(place, ana, lea, port):
    """A changed, a hidden and a withheld message."""
    ana.run("send", "--public", "-m", "of no topic")
    ana.run("mine")
    line = Line()
    with web.counting(port, line) as (own, _):
        url = f"http://127.0.0.1:{own}"
        line.lie = in_blocks(lambda data: data[:-40] + bytes([data[-40] ^ 1]) + data[-39:])
        code, told = errors_of(lea, "sync", url)
        assert code == 76 and "breaks the rule root" in told, told
        line.lie = in_blocks(lambda data: data[:-272])
        code, told = errors_of(lea, "sync", url)
        assert code == 76, told
        before = lea.text("rev-parse", "tip")
        assert before != ana.text("rev-parse", "tip")
        line.lie = lambda path, answer: PACK if path.endswith("/get") else answer
        code, told = errors_of(lea, "sync", url)
        assert code == 0 and "not given" in told, (code, told)
        assert lea.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
        line.lie = None
        code, told = errors_of(lea, "sync", url)
        assert code == 0 and "not given" not in told, (code, told)


def topics(lea, port):
    before = size_of(lea.directory / "chain")
    lea.run("sync", f"http://127.0.0.1:{port}", "--topic", "bulk")
    grown = size_of(lea.directory / "chain") - before
    assert grown > BULK * BODY_BYTES // 2, grown


def late_for_readers(ana, lea, url):
    """A reader whose place has passed a message is given it when its body comes, and once."""
    lea.run("watch", "--cursor", "bot", "--since", "now", "--drain")
    ana.run("send", "-m", "for the bot", "lea")
    ana.run("mine")
    lea.run("sync", url)
    assert lea.objects("watch", "--cursor", "bot", "--drain") == []
    assert lea.objects("inbox", "--cursor", "bot") == []
    lea.run("sync", url)
    given = lea.objects("watch", "--cursor", "bot", "--drain")
    assert [one["type"] for one in given] == ["message"], given
    assert lea.objects("watch", "--cursor", "bot", "--drain") == []
    assert lea.text("read", "@", "--body") == "for the bot"


def reorganised(ana, lea, full, url):
    """What was ours on a branch that is left waits again, and stays readable all the time."""
    sent = lea.text("send", "-m", "over the fork", "ana")
    lea.run("sync", url)
    ana.run("mine")
    lea.run("sync", url)
    assert lea.text("read", sent, "--body") == "over the fork"
    ahead = int(ana.text("status", "--porcelain").split("height ")[1].split()[0])
    full.run("mine", "--allow-empty", "--no-relay", "-n", ahead)
    with full.served() as other:
        code, told = errors_of(lea, "sync", other)
        assert code == 0 and "branch" in told, told
        assert lea.text("read", sent, "--body") == "over the fork"
        full.run("mine")
        lea.run("sync", other)
        shown = lea.objects("show", sent)[0]
        assert lea.text("read", sent, "--body") == "over the fork" and shown["block"], shown


def repaired(place, ana, lea, url):
    """It is light again, what is its own is read again, and what comes later is noticed."""
    mended = lea.copy_to(place / "mended")
    ids = [one["id"] for one in mended.objects("inbox")]
    assert ids
    stores.flip_tables(mended)
    mended.run("verify", "--full", exits=(65,))
    mended.run("repair", "--yes", "--from-peer", url, exits=(0, 3))
    assert mended.objects("status")[0]["light"] is True
    assert mended.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
    mended.run("inbox")
    mended.run("sync", url)
    for one in ids:
        mended.run("read", one)
    mended.run("verify", "--full")
    ana.run("send", "-m", "after the repair", "lea")
    ana.run("mine")
    mended.run("sync", url)
    mended.run("inbox")
    mended.run("sync", url)
    assert mended.text("read", "@", "--body") == "after the repair"


def other_sources(place, ana, full):
    """A bundle and a mirror hold whole blocks: heads of them are kept, and cards."""
    full.run("bundle", "create", place / "all.bundle")
    tip = full.text("rev-parse", "tip")
    full.run("-c", "max_reorg=1", "mirror", place / "tree")
    with web.files(place) as (port, _):
        for name, source in (("b", place / "all.bundle"), ("m", f"http://127.0.0.1:{port}/tree")):
            store = stores.Store(place / name)
            store.run("clone", "--light", source, place / name, "--name", name, "--no-passphrase")
            assert name == "m" or store.text("rev-parse", "tip") == tip
            assert size_of(place / name / "chain") < BULK * BODY_BYTES // 4
            assert any((place / name / "cards").glob(ana.text("id").split()[0] + ".*")), name


def main():
    with stores.workplace() as place:
        ana = make_world(place)
        with ana.served() as url:
            port = int(url.rsplit(":", 1)[1])
            lea, full = clone_both(place, port)
            receive(ana, lea, port)
            answer_and_keep(ana, lea, url)
            refused(place, lea)
            check_served(place, lea, full)
            liars(place, ana, lea, port)
            late_for_readers(ana, lea, url)
            repaired(place, ana, lea, url)
            reorganised(ana, lea, full, url)
            other_sources(place, ana, full)
            topics(lea, port)
    return 0


if __name__ == "__main__":
    sys.exit(main())
