#!/usr/bin/env python3
"""A thousand who listen at one `bmsg web`, by WebSockets and by event streams: what each of them
costs in memory, that each is told of a message exactly once, and how soon. BMSG_SUBSCRIBERS sets
how many."""
import contextlib
import http.client
import json
import os
import pathlib
import selectors
import socket
import statistics
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import raw_http  # noqa: E402
import stores  # noqa: E402
import web_socket  # noqa: E402
from local_page import link_in, page, port_of  # noqa: E402
from page_client import Browser  # noqa: E402

MANY = int(os.environ.get("BMSG_SUBSCRIBERS") or 1000)
BYTES_MAX = 32 << 10  # For each.
DESCRIPTORS = MANY + 200
SKIPPED = 77
PATIENCE = 30
TOPIC = "0x01020304"


def call(name, *words):
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": name, "params": words})


class Program:
    """Posts, over HTTP."""

    def __init__(self, port):
        self.port = port
        self.result("shh_setMinPoW", 0)
        self.key = self.result("shh_newSymKey")

    def result(self, name, *words):
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)) \
                as line:
            line.request("POST", "/", call(name, *words), {"Content-Type": "application/json"})
            answer = json.loads(line.getresponse().read())
        assert "result" in answer, answer
        return answer["result"]

    def post(self, payload):
        return self.result("shh_post", {"symKeyID": self.key, "topic": TOPIC, "payload": payload,
                                        "ttl": 100, "powTime": 5, "powTarget": 0})


class Subscriber:
    """A WebSocket with one subscription."""

    def __init__(self, port, key):
        self.line = web_socket.WebSocket(("127.0.0.1", port))
        self.sock = self.line.sock
        self.line.say(call("shh_subscribe", "messages", {"symKeyID": key, "topics": [TOPIC]}))
        self.name = json.loads(self.line.hear())["result"]

    def told(self):
        """The payloads that came."""
        texts = self.line.arrived()
        assert self.line.closed is None, self.line.closed
        said = [json.loads(text)["params"] for text in texts]
        assert all(one["subscription"] == self.name for one in said), said
        return [one["result"]["payload"] for one in said]


class Listener:
    """An event stream of the page."""

    def __init__(self, browser):
        host = f"127.0.0.1:{browser.port}"
        self.sock = socket.create_connection(("127.0.0.1", browser.port), timeout=PATIENCE)
        self.sock.sendall(f"GET /api/events HTTP/1.1\r\nHost: {host}\r\n"
                          f"Cookie: {browser.cookie}\r\nX-Bmsg-Token: {browser.token}\r\n"
                          "Sec-Fetch-Site: same-origin\r\n\r\n".encode())
        self.pending = b""
        while b"\r\n\r\n" not in self.pending:
            self.pending += self.sock.recv(4096)
        head, self.pending = self.pending.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 200 "), head

    def told(self):
        """The states that came."""
        piece = self.sock.recv(65536)
        assert piece, "the stream has ended"
        self.pending += piece
        *events, self.pending = self.pending.split(b"\n\n")
        return [event.decode() for event in events if event.startswith(b"event: state\n")]


def collect(all_of_them, is_last):
    """Reads until each was told what is_last() accepts: for each what came, and when that did."""
    came = {one: [] for one in all_of_them}
    at = {}
    end = time.monotonic() + PATIENCE
    with selectors.DefaultSelector() as ready:
        for one in all_of_them:
            ready.register(one.sock, selectors.EVENT_READ, one)
        while ready.get_map():
            assert time.monotonic() < end, f"{len(ready.get_map())} were not told"
            for key, _ in ready.select(1):
                told = key.data.told()
                came[key.data] += told
                if any(map(is_last, told)):
                    at[key.data] = time.monotonic()
                    ready.unregister(key.fileobj)
    return came, at


def measure(name, running, make, count):
    """So many of them, and that each costs little."""
    before = raw_http.resident(running)
    made = [make() for _ in range(count)]
    each = (raw_http.resident(running) - before) / count
    print(f"{name}: {count}, {each / 1024:.1f} KiB each", flush=True)
    assert each <= BYTES_MAX, each
    return made


def print_times(name, began, at):
    waits = sorted(1000 * (one - began) for one in at.values())
    print(f"{name}: told after {statistics.median(waits):.0f} ms, "
          f"99 of 100 within {waits[len(waits) * 99 // 100]:.0f} ms", flush=True)


def check_subscribers(program, subscribers):
    """A second message ends the first one's time: by then it has come once to each."""
    began = time.monotonic()
    program.post("0x0a")
    came, at = collect(subscribers, lambda payload: payload == "0x0a")
    print_times("WebSockets", began, at)
    program.post("0x0b")
    for one, more in collect(subscribers, lambda payload: payload == "0x0b")[0].items():
        assert came[one] + more == ["0x0a", "0x0b"], (came[one], more)


def check_listeners(store, listeners):
    """Each is told of the state that a message makes."""
    def sent(event):
        return sum(json.loads(event.split("data: ", 1)[1])["outbox"].values())

    before = len(store.objects("outbox"))
    began = time.monotonic()
    store.run("send", "--public", "-m", "for all")
    _, at = collect(listeners, lambda event: sent(event) == before + 1)
    print_times("event streams, with the command's own time", began, at)


def check(store, sockets, streams):
    """So many of both at one server, which answers others all the while."""
    with page(store, extra=("--rpc",)) as (running, place, file):
        port = port_of(place)
        program, browser = Program(port), Browser(port).enter(link_in(file))
        warm = [Subscriber(port, program.key), Listener(browser)]
        subscribers = measure("WebSockets", running, lambda: Subscriber(port, program.key),
                              sockets) if sockets else []
        listeners = measure("event streams", running, lambda: Listener(browser), streams) \
            if streams else []
        collect(listeners + warm[1:], lambda _: True)  # What is told at the beginning.
        if subscribers:
            check_subscribers(program, subscribers + warm[:1])
        check_listeners(store, listeners + warm[1:])
        assert browser.get("state")[0]["height"] == 0
        for one in subscribers + listeners + warm:
            one.sock.close()
        raw_http.within(20, lambda: raw_http.descriptors(running) < 200, "all are let go")


def main():
    if raw_http.more_descriptors() < DESCRIPTORS:
        print(f"skip: a process may not open {DESCRIPTORS} descriptors here")
        return SKIPPED
    with stores.workplace() as directory:
        store = stores.new_chain(directory / "ana", "ana")
        check(store, MANY, 0)
        check(store, MANY // 2, MANY // 2)
    return 0


if __name__ == "__main__":
    sys.exit(main())
