#!/usr/bin/env python3
"""Many peers at once, none of them idle: each takes the whole chain from one node, gives it a message,
hears which others wait and asks for one. Every request is answered, or refused with 429 or 503 and
answered later; own commands and another store's sync go on meanwhile; memory and descriptors are
bounded; nothing that was taken is lost. BMSG_PEERS: how many; './dev soak peers' takes a thousand."""
import asyncio
import collections
import contextlib
import json
import math
import os
import pathlib
import re
import signal
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import bundles  # noqa: E402
import raw_http  # noqa: E402
import stores  # noqa: E402

LONG_CHAIN = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "long_chain"
PEERS = int(os.environ.get("BMSG_PEERS") or 60)
BLOCKS = 160
PER_BLOCK = 5
RESIDENT_MAX = 256 << 20
REFUSALS = (429, 503)
PATIENCE = 300  # Seconds until an honest request is answered, however often it was refused.


class Told:
    def __init__(self):
        self.waits = []
        self.refused = collections.Counter()
        self.bytes = 0


class Peer:
    """One connection, and what a node asks that has nothing yet."""

    def __init__(self, address, number, frame, told):
        self.address = address
        self.number = number
        self.frame = frame
        self.told = told
        self.wire = None

    async def connect(self):
        self.wire = await asyncio.open_connection(*self.address, limit=16 << 20)

    async def once(self, method, target, body):
        if self.wire is None:
            await self.connect()
        reader, writer = self.wire
        head = f"{method} /bmsg/1/{target} HTTP/1.1\r\nHost: a\r\n"
        head += f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
        began = time.monotonic()
        writer.write(head.encode() + b"\r\n" + body)
        answer = await reader.readuntil(b"\r\n\r\n")
        status = int(answer.split(None, 2)[1])
        length = re.search(rb"(?i)\r\ncontent-length: *(\d+)", answer)
        content = await reader.readexactly(int(length[1]))
        self.told.waits.append(time.monotonic() - began)
        self.told.bytes += len(content)
        if re.search(rb"(?i)\r\nconnection: *close", answer):
            writer.close()
            self.wire = None
        return status, content

    async def ask(self, method, target, body=b""):
        deadline = time.monotonic() + PATIENCE
        while True:
            status, content = await self.once(method, target, body)
            if status == 200:
                return content
            assert status in REFUSALS and json.loads(content)["error"], (target, status, content)
            self.told.refused[status] += 1
            assert time.monotonic() < deadline, f"{target}: refused for {PATIENCE} s"
            await asyncio.sleep(0.2 + self.number % 10 / 20)

    async def sync(self):
        info = json.loads(await self.ask("GET", "info"))
        assert info["height"] >= BLOCKS, info
        headers = bundles.frames(await self.ask("GET", "headers/1/2000"))
        assert len([one for one in headers if one[0] == "H"]) >= BLOCKS
        blocks = 0
        for begin in range(0, BLOCKS, 16):
            pack = bundles.frames(await self.ask("GET", f"blocks/{begin}/16"))
            blocks += len([one for one in pack if one[0] == "B"])
        assert blocks == BLOCKS, blocks
        put = await self.ask("POST", "put", b"bmP1" + self.frame)
        assert put.strip() in (b"ok", b"have"), put
        feed = (await self.ask("GET", "feed")).decode().split("\n")
        waiting = [line[2:] for line in feed if line.startswith("m ")]
        assert waiting, feed
        wanted = waiting[self.number % len(waiting)]
        pack = bundles.frames(await self.ask("POST", "get", bytes.fromhex(wanted)[:8]))
        assert [one[0] for one in pack if one[0] != "E"] == ["M"], pack

    async def close(self):
        if self.wire is not None:
            self.wire[1].close()
            with contextlib.suppress(OSError):
                await self.wire[1].wait_closed()


async def all_at_once(peers, connected):
    """None begins before all are there."""
    for peer in peers:
        await peer.connect()
    connected()
    await asyncio.gather(*(peer.sync() for peer in peers))
    for peer in peers:
        await peer.close()


class Honest:
    """The owner of the node who writes, and somebody else who syncs, again and again."""

    def __init__(self, owner, other, url):
        self.owner, self.other, self.url = owner, other, url
        self.sent = set()
        self.syncs = collections.Counter()
        self.faults = []
        self.stop = threading.Event()
        self.threads = [threading.Thread(target=self.again, args=(step,))
                        for step in (self.send, self.sync)]

    def again(self, step):
        try:
            while not self.stop.is_set():
                step()
        except BaseException as fault:  # Told by the main thread.
            self.faults.append(repr(fault))

    def send(self):
        self.sent.add(self.owner.text("send", "--public", "-m", f"own {len(self.sent)}"))

    def sync(self):
        done = subprocess.run(self.other.words("sync", self.url), env=self.other.environment,
                              capture_output=True, check=False, timeout=PATIENCE)
        assert done.returncode in (0, 75), done
        self.syncs[done.returncode] += 1

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        for thread in self.threads:
            thread.join()


def make_stores(place):
    """The node, somebody who has only the rules, and a message for each peer."""
    bundle, blocks = place / "bundle", place / "blocks"
    with open(bundle, "wb") as out:
        subprocess.run([LONG_CHAIN, str(BLOCKS), str(PER_BLOCK), str(PEERS)], stdout=out, check=True)
    parts = bundles.frames(bundle.read_bytes())
    blocks.write_bytes(bundles.pack_of(*((kind, load) for kind, _, load in parts if kind in "GB")))
    node = stores.Store(place / "node")
    node.run("clone", blocks, node.directory, "--name", "node", "--no-passphrase")
    other = stores.joined(place / "other", "other", node.directory / "genesis")
    frames = [struct.pack(">cI", b"M", len(load)) + load for kind, _, load in parts if kind == "M"]
    assert len(frames) == PEERS
    return node, other, frames


def p99(waits):
    return sorted(waits)[math.ceil(len(waits) * 0.99) - 1]


def run_peers(process, url, frames, honest_stores):
    address = raw_http.address_of(url)
    at_rest = raw_http.descriptors(process)
    told = Told()
    peers = [Peer(address, number, frame, told) for number, frame in enumerate(frames)]
    most = {"resident": 0, "descriptors": 0}
    over = threading.Event()

    def watch():
        while not over.wait(0.1):
            most["resident"] = max(most["resident"], raw_http.resident(process))
            most["descriptors"] = max(most["descriptors"], raw_http.descriptors(process))

    def all_there():
        raw_http.within(20, lambda: raw_http.descriptors(process) >= at_rest + PEERS,
                        "not all peers were let in")

    watcher = threading.Thread(target=watch)
    watcher.start()
    began = time.monotonic()
    try:
        with Honest(*honest_stores, url) as honest:
            asyncio.run(all_at_once(peers, all_there))
    finally:
        over.set()
        watcher.join()
    seconds = time.monotonic() - began
    assert not honest.faults, honest.faults
    assert honest.sent and honest.syncs[0], honest.syncs
    assert most["resident"] <= RESIDENT_MAX, most
    assert at_rest + PEERS <= most["descriptors"] <= at_rest + PEERS + 64, (at_rest, most)
    raw_http.within(15, lambda: raw_http.descriptors(process) <= at_rest + 16,
                    "descriptors are left over")
    print(f"{PEERS} peers at once: {len(told.waits)} requests, {len(told.waits) / seconds:.0f} a second, "
          f"{told.bytes >> 20} MiB, p99 {p99(told.waits) * 1000:.0f} ms, longest "
          f"{max(told.waits) * 1000:.0f} ms, refused {dict(told.refused)}; "
          f"{most['resident'] >> 20} MiB of memory; {len(honest.sent)} sent and {honest.syncs[0]} syncs "
          f"meanwhile, {honest.syncs[75]} told to come again", flush=True)
    return honest.sent


def main():
    if raw_http.more_descriptors() < PEERS + 200:
        print(f"skip: too few descriptors for {PEERS} connections")
        sys.exit(77)
    with stores.workplace() as place:
        node, other, frames = make_stores(place)
        process = node.start("serve", "--listen", "127.0.0.1:0", "--sync-every", "0")
        try:
            url = stores.read_line(process.stdout, 20).removeprefix("listening ")
            raw_http.probe(raw_http.address_of(url))
            sent = run_peers(process, url, frames, (node, other))
            other.run("sync", url)
            for store in (node, other):
                waiting = set(store.text("ls-pool").split())
                assert sent <= waiting and len(waiting) >= PEERS + len(sent), len(waiting)
        finally:
            process.send_signal(signal.SIGTERM)
            code, complaint = process.wait(20), process.stderr.read().decode()
            process.stdout.close()
            process.stderr.close()
        assert code == 0, (code, complaint[-2000:])
        for store in (node, other):
            store.run("verify", "--full")
            assert len(set(store.text("ls-pool").split())) >= PEERS + len(sent)


main()
