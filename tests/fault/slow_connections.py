#!/usr/bin/env python3
"""Callers that drip heads and bodies or do not read, by the hundreds, and floods of connections,
against a node: an honest caller is answered all the while, and nothing is left of them afterwards.
BMSG_HELD and BMSG_CHURNED set how many connections the flood holds and how many come and go,
BMSG_PROBED for how many seconds the honest one asks; './dev soak' asks for more of each."""
import contextlib
import math
import os
import pathlib
import selectors
import signal
import socket
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import raw_http  # noqa: E402
import stores  # noqa: E402

HELD = int(os.environ.get("BMSG_HELD") or 2000)
CHURNED = int(os.environ.get("BMSG_CHURNED") or 5000)
SECONDS = float(os.environ.get("BMSG_PROBED") or 10)
SIZES = (64, 256, 1000)
DEADLINE = 10  # Of one request, and of each 64 KiB of an answer.
SLACK = 2 * stores.PATIENCE  # Seconds: a caller here looks once a second.
KINDS = (  # What each kind sends first, and whether it goes on byte by byte.
    (b"GET /bmsg/1/info HTTP/1.1\r\nX: ", True),
    (b"POST /bmsg/1/put HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\n", True),
    (raw_http.get("/bmsg/1/blocks/0/16") * 20, False),  # More than the sockets hold.
)
READS = len(KINDS) - 1
MIB = 1 << 20


class Slow:
    """One such caller."""

    def __init__(self, address, kind):
        first, self.drips = KINDS[kind]
        self.kind = kind
        self.wire = socket.socket()
        if not self.drips:  # The window is full soon.
            self.wire.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.wire.settimeout(20)
        self.wire.connect(address)
        self.wire.sendall(first)
        self.wire.setblocking(False)
        self.closed_at = None

    def step(self):
        """One second of its life."""
        if self.closed_at is not None:
            return
        try:
            if self.drips:
                self.wire.send(b"x")
                while self.wire.recv(4096):  # A refusal, perhaps; then the end.
                    pass
                self.end()
            elif self.wire.recv(1) == b"":
                self.end()
        except BlockingIOError:
            pass
        except OSError:
            self.end()

    def end(self):
        self.closed_at = time.monotonic()
        self.wire.close()

    def drain(self):
        """Reads to the end, which has come long ago if the node has closed."""
        self.wire.setblocking(True)
        self.wire.settimeout(5)
        with contextlib.suppress(ConnectionResetError):
            while self.wire.recv(1 << 20):
                pass
        self.wire.close()


class Node:
    """A store that serves, and its process."""

    def __init__(self, store, *options):
        self.process = store.start("serve", "--listen", "127.0.0.1:0", "--sync-every", "0", *options)
        url = stores.read_line(self.process.stdout, 20).removeprefix("listening ")
        self.address = raw_http.address_of(url)
        # With the files of the chain open, and nobody there.
        raw_http.exchange(self.address, raw_http.get("/bmsg/1/blocks/0/16", more="Connection: close\r\n"))
        time.sleep(0.3)
        self.at_rest = raw_http.descriptors(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(20)
        told = self.process.stderr.read().decode()
        self.process.stdout.close()
        self.process.stderr.close()
        assert code == 0, (code, told[-2000:])

    def is_at_rest(self):
        return raw_http.descriptors(self.process) <= self.at_rest


def drip_until_closed(callers, stop):
    while not stop.is_set():
        began = time.monotonic()
        for one in callers:
            one.step()
        stop.wait(max(0.0, 1 - (time.monotonic() - began)))


def p99(waits):
    """What 99 of a hundred waits do not exceed."""
    return sorted(waits)[math.ceil(len(waits) * 0.99) - 1]


def attack(store, size, told):
    with Node(store) as node:
        callers = [Slow(node.address, READS if at % 8 == 0 else at % 2) for at in range(size)]
        most_of_them = node.at_rest + size * 9 // 10  # The first may go before the last is in.
        raw_http.within(9, lambda: raw_http.descriptors(node.process) >= most_of_them,
                        f"{size} slow callers were never in")
        inside = time.monotonic()
        stop = threading.Event()
        dripping = threading.Thread(target=drip_until_closed, args=(callers, stop))
        dripping.start()
        waits = []
        end = time.monotonic() + SECONDS
        try:
            while time.monotonic() < end:
                waits.append(raw_http.probe(node.address))  # Fails after two seconds.
                time.sleep(max(0.0, 0.5 - waits[-1]))
            drippers = [one for one in callers if one.drips]
            raw_http.within(DEADLINE + SLACK, lambda: all(one.closed_at for one in drippers),
                            "slow callers stay")
        finally:
            stop.set()
            dripping.join()
        late = max(one.closed_at for one in drippers) - inside
        assert late < DEADLINE + SLACK, f"one of {size} was closed after {late:.1f} s"
        back = raw_http.within(5, node.is_at_rest, "descriptors are left over")
        for one in callers:
            if not one.drips:
                one.drain()
    told.append(f"{size} slow: {len(waits)} probes, median {statistics.median(waits) * 1000:.1f} ms, "
                f"p99 {p99(waits) * 1000:.1f} ms, longest {max(waits) * 1000:.0f} ms, "
                f"the last closed after {late:.1f} s, all descriptors back {back:.1f} s later")


def attack_all(places, told):
    """The sizes at once, each against a node of its own."""
    faults = []

    def guarded(store, size):
        try:
            attack(store, size, told)
        except BaseException as fault:  # Told by the main thread.
            faults.append(f"{size}: {fault!r}")

    threads = [threading.Thread(target=guarded, args=pair) for pair in zip(places, SIZES)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert not faults, "\n".join(faults)


def hold(address, count):
    """Connections that say nothing, and how many of them heard 503 or were closed at once."""
    wires, refused = [], 0
    with selectors.DefaultSelector() as seen:
        for _ in range(count):
            wire = socket.create_connection(address, timeout=20)
            wire.setblocking(False)
            wires.append(wire)
            seen.register(wire, selectors.EVENT_READ)
        end = time.monotonic() + 2
        while time.monotonic() < end:
            for key, _ in seen.select(0.2):
                with contextlib.suppress(ConnectionResetError):
                    said = key.fileobj.recv(100)
                    assert not said or said.startswith(b"HTTP/1.1 503 "), said
                refused += 1
                seen.unregister(key.fileobj)
    return wires, refused


def flood(store):
    most = 1024
    with Node(store, "--max-connections", most) as node:
        before = raw_http.resident(node.process)
        wires, refused = hold(node.address, HELD)
        inside = raw_http.descriptors(node.process) - node.at_rest
        assert refused >= HELD - most and inside <= most, (refused, inside)
        assert inside >= most - 8, f"only {inside} were held"
        grown = raw_http.resident(node.process) - before
        for wire in wires:
            wire.close()
        freed = raw_http.within(5, node.is_at_rest, "held connections are left over")
        raw_http.probe(node.address)
        for _ in range(CHURNED):
            socket.create_connection(node.address, timeout=20).close()
        recovered = raw_http.within(5, node.is_at_rest, "connections that left are left over")
        raw_http.probe(node.address)
        churned = raw_http.resident(node.process) - before
    assert max(grown, churned) <= 64 * MIB, (grown, churned)
    return (f"{HELD} held: {inside} let in, {refused} refused, {grown / MIB:.1f} MiB more, freed in "
            f"{freed:.1f} s; {CHURNED} came and went: {churned / MIB:.1f} MiB more, recovered in "
            f"{recovered:.1f} s")


def busy_chain(place):
    """A store with an answer that fills the buffers of a connection."""
    store = stores.Store(place / "node0")
    store.run("init", store.directory, "--floor", 0, "--stamp", 0, "--no-passphrase")
    text = place / "text"
    text.write_text("many words " * 5000)
    for _ in range(5):
        store.run("send", "--public", "-F", text)
    store.run("mine")
    return store


def main():
    if raw_http.more_descriptors() < HELD + 2500:
        print(f"skip: too few descriptors for {HELD} connections")
        sys.exit(77)
    with stores.workplace() as place:
        first = busy_chain(place)
        nodes = [first, *(first.copy_to(place / f"node{at}") for at in range(1, len(SIZES)))]
        for one in nodes:
            (one.directory / "run").mkdir(mode=0o700, exist_ok=True)
        told = []
        attack_all(nodes, told)
        told.append(flood(first))
    print("\n".join(told))


main()
