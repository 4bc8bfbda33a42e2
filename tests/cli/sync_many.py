#!/usr/bin/env python3
"""One sync with several peers: the blocks come from all of them, what one has the others get, a
slow one holds nobody up, a lying one is refused and nothing of it is kept."""
import http.server
import pathlib
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

BLOCKS = 80


class Between(http.server.ThreadingHTTPServer):
    """Passes on what is asked of a node; `change` may alter the answers to /blocks/, and `delay`
    them. Counts those."""

    daemon_threads = True

    def __init__(self, url, change=None, delay=0):
        super().__init__(("127.0.0.1", 0), Handler)
        self.node, self.change, self.delay, self.asked = url, change, delay, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.pass_on(None)

    def do_POST(self):
        self.pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def pass_on(self, body):
        with urllib.request.urlopen(self.server.node + self.path, body, timeout=60) as answer:
            content = answer.read()
        if "/blocks/" in self.path:
            self.server.asked += 1
            time.sleep(self.server.delay)
            if self.server.change:
                content = self.server.change(content)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def flipped(content):
    """Other bodies under the same heads."""
    assert b"honest" in content, "nothing to lie about"
    return content.replace(b"honest", b"honesT")


def check_sharing(place, url, tip):
    ben = stores.joined(place / "ben", "ben", place / "ana" / "genesis")
    peers = [Between(url, delay=0.1) for _ in range(3)]  # Time for each to begin.
    done = ben.objects("sync", *[peer.url for peer in peers])
    assert ben.objects("status")[0]["tip"] == tip
    asked = [peer.asked for peer in peers]
    assert sum(asked) <= BLOCKS // 16 + 4, f"asked {asked} times: more than once for some"
    assert sum(one > 0 for one in asked) >= 2, f"asked {asked} times: one alone gave all"
    assert sum(one.get("pulled_blocks", 0) for one in done if one["type"] == "sync") == BLOCKS
    ben.run("verify", "--full")


def check_slow(place, url, tip):
    ben = stores.joined(place / "slow", "ben", place / "ana" / "genesis")
    slow = Between(url, delay=8)
    began = time.monotonic()
    ben.run("sync", slow.url, Between(url, delay=0.3).url)
    took = time.monotonic() - began
    assert slow.asked >= 1, "nobody was slow"
    assert slow.asked <= 2, f"the slow one was asked {slow.asked} times"
    assert ben.objects("status")[0]["tip"] == tip
    print(f"beside a peer that takes 8 s for each answer: {took:.1f} s")


def check_liar(place, url, tip):
    ben = stores.joined(place / "liar", "ben", place / "ana" / "genesis")
    liar = Between(url, change=flipped)
    done = ben.objects("sync", liar.url, Between(url, delay=0.3).url, exits=(3,))
    assert liar.asked >= 1, "nobody lied"
    answers = {one["peer"]: one["error"] for one in done if one["type"] == "sync"}
    assert "body" in answers[liar.url], answers
    assert ben.objects("status")[0]["tip"] == tip
    ben.run("verify", "--full")


def check_relay(place):
    """What one peer has the other gets in the same sync, whichever was named first."""
    for first in (0, 1):
        where = place / f"relay{first}"
        where.mkdir()
        one = stores.new_chain(where / "one", "one")
        one.run("mine", "--no-relay")
        two = stores.joined(where / "two", "two", where / "one" / "genesis")
        both = stores.joined(where / "both", "both", where / "one" / "genesis")
        sent = one.text("send", "--public", "-m", "still in the pool")
        with one.served() as one_url, two.served() as two_url:
            urls = [one_url, two_url]
            both.run("sync", urls[first], urls[1 - first])
            assert two.objects("status")[0]["tip"] == one.objects("status")[0]["tip"]
            assert sent in two.text("ls-pool").split()


def check_jobs(place, url):
    ben = stores.joined(place / "jobs", "ben", place / "ana" / "genesis")
    for bad in ("0", "65", "x"):
        ben.run("sync", "--jobs", bad, url, exits=(64,))
    ben.run("sync", "--jobs", "1", url, url)


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        for number in range(BLOCKS):
            ana.run("send", "--public", "-m", f"honest {number}")
            ana.run("mine", "--no-relay")
        tip = ana.objects("status")[0]["tip"]
        with ana.served() as url:
            check_sharing(place, url, tip)
            check_slow(place, url, tip)
            check_liar(place, url, tip)
            check_jobs(place, url)
        check_relay(place)


main()
