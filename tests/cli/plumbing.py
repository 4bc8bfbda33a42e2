#!/usr/bin/env python3
"""Plumbing over pipes: sealing, the steps of mining, lists, bytes in batches, headers, the witness."""
import hashlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402


def check_mining_in_steps(ana):
    block = ana.run("make-block")
    assert int(ana.text("count").split()[1]) == 1, "make-block stored something"
    other = stores.Store(ana.directory.parent / "none")  # No store is needed for the search.
    mined = other.run("pow", "--threads", 1, input=block)
    assert len(mined) == len(block) and mined != block
    tip = ana.text("submit-block", "-", input=mined)
    assert ana.text("rev-parse", "tip") == tip
    other.run("pow", input=block[:12] + bytes(8) + bytes(4) + block[24:], exits=(65,))
    other.run("pow", input=block[:100], exits=(65,))
    header = mined[:256]
    assert other.text("check-header", input=header) == tip
    assert other.text("check-header", input=ana.run("cat", "0")[:256]) == ana.text("rev-parse", "0")
    # Of 256 nonces one has enough work: not that.
    without_work = next(other_nonce for bit in range(8)
                        if hashlib.sha512(other_nonce := header[:-1] + bytes([header[-1] ^ 1 << bit]))
                        .digest()[0] != 0)
    for broken in (header[:255], header + b"x", b"x" + header[1:], without_work):
        other.run("check-header", input=broken, exits=(65,))


def check_lists(ana):
    hashes = ana.text("rev-list").split("\n")
    assert [ana.text("rev-parse", "tip"), ana.text("rev-parse", "0")] == [hashes[0], hashes[-1]]
    assert ana.text("rev-list", "--reverse").split("\n") == hashes[::-1]
    assert ana.text("rev-list", "0..tip").split("\n") == hashes[:-1]
    assert ana.run("rev-list", "-z") == "".join(h + "\0" for h in hashes).encode()
    ana.run("rev-list", "0", exits=(64,))
    ids = ana.text("ls-messages", "tip").split("\n")
    assert len(ids) == 2, ids  # Two cards.
    assert [one["id"] for one in ana.objects("ls-messages", "tip")] == ids
    waiting = ana.text("send", "--public", "-m", "waits")
    ana.run("make-block")  # Takes the outbox into the pool.
    assert ana.text("ls-pool") == waiting
    numbers = dict(line.split() for line in ana.text("count").split("\n"))
    assert numbers == {"blocks": "2", "messages": "2", "pool": "1", "mine": "0", "peers": "1"}, numbers
    assert ana.objects("count")[0]["messages"] == 2
    assert ana.text("ls-peers") == ana.objects("ls-peers")[0]["url"]
    return ids


def check_batch(ana, ids):
    asked = "\n".join(["tip", ids[0], "f" * 128, "what?"]) + "\n"
    answer = ana.run("cat", "--batch", input=asked.encode(), exits=(3,))
    for ref, kind in (("tip", "block"), (ids[0], "message")):
        body = ana.run("cat", ref)
        full = ana.text("rev-parse", ref)
        want = f"{full} {kind} {len(body)}\n".encode() + body + b"\n"
        assert answer.startswith(want), (ref, answer[:200])
        answer = answer[len(want):]
    assert answer == b"f" * 128 + b" missing\nwhat? missing\n", answer
    assert ana.run("cat", "--batch", "-z", input=ids[0].encode() + b"\0").startswith(ids[0].encode())
    kinds = [one["type"] for one in ana.objects("cat", "--batch", input=asked.encode(), exits=(3,))]
    assert kinds == ["block", "object", "error", "error"], kinds
    ana.run("cat", exits=(64,))
    ana.run("cat", "--batch", "tip", exits=(64,))


def check_sealing(ana, ben):
    ben.run("contact", "add", "ana", "-", input=ana.run("id", "--card"))
    plain = bytes(range(256)) * 4
    sealed = ben.run("seal", "-r", "ana", "--sign", input=plain)
    assert plain[:64] not in sealed
    assert ana.run("open", input=sealed) == plain
    ben.run("open", input=sealed, exits=(77,))
    ana.run("open", input=sealed[:-1], exits=(65,))
    ana.run("open", input=sealed[:-1] + bytes([sealed[-1] ^ 1]), exits=(65,))
    ben.run("seal", "-r", "nobody", input=plain, exits=(67,))
    ben.run("seal", "-r", ana.text("id"), input=bytes(70000), exits=(65,))
    assert ana.run("open", input=ben.run("seal", "-r", ana.text("id"), input=b"")) == b""


def check_witness(ana):
    height, tip, work = ana.text("witness", "show").split()
    assert (height, tip) == ("1", ana.text("rev-parse", "tip")) and int(work) > 0
    file = ana.directory / "witness"
    whole = file.read_bytes()
    newest = whole.rindex(b"1 " + tip.encode())
    file.write_bytes(whole[:newest] + b"2" + whole[newest + 1:])
    ana.run("log")  # It may have crashed while it wrote this line: it is ahead of the other one.
    file.write_bytes(b"".join(b"9" + line for line in whole.splitlines(keepends=True)))
    ana.run("witness", "show", exits=(65,))
    ana.run("log", exits=(65,))
    ana.run("witness", "set", f"1:{tip[-8:]}", exits=(64,))  # Nobody there to ask.
    ana.run("witness", "set", f"0:{tip}", "--yes", exits=(66,))
    ana.run("witness", "set", "1", "--yes", exits=(64,))
    ana.run("witness", "set", f"1:{tip}", "--yes")
    assert ana.text("witness", "show").split()[1] == tip
    ana.run("verify")


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
        with ben.served() as url:
            ana.run("peers", "add", url)
            ana.run("sync")
        check_mining_in_steps(ana)
        check_sealing(ana, ben)
        check_batch(ana, check_lists(ana))
        check_witness(ana)


main()
