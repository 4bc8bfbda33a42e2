"""The paper's design as it is written, in Python, on this machine: posts, hashes, a whole check."""
import hashlib
import http.server
import json
import os
import threading
import time
import urllib.request

import stores
from report import Row, seconds_of

DIFFICULTY = "00"


class Chain:
    """Blocks are dictionaries, hashed as sorted JSON; whatever waits goes into the next one."""

    def __init__(self):
        self.waiting = []
        self.blocks = [{"index": 0, "transactions": [], "timestamp": 0, "previous_hash": "0",
                        "nonce": 0}]
        self.hashes = [self.hash(self.blocks[0])]
        self.tried = 0

    @staticmethod
    def hash(block):
        return hashlib.sha256(json.dumps(block, sort_keys=True).encode()).hexdigest()

    def mine(self):
        block = {"index": len(self.blocks), "transactions": self.waiting, "timestamp": time.time(),
                 "previous_hash": self.hashes[-1], "nonce": 0}
        found = self.hash(block)
        while not found.startswith(DIFFICULTY):
            block["nonce"] += 1
            found = self.hash(block)
        self.tried += block["nonce"] + 1
        self.blocks.append(block)
        self.hashes.append(found)
        self.waiting = []

    def is_whole(self):
        for at in range(1, len(self.blocks)):
            found = self.hash(self.blocks[at])
            if found != self.hashes[at] or not found.startswith(DIFFICULTY):
                return False
            if self.blocks[at]["previous_hash"] != self.hashes[at - 1]:
                return False
        return True


def served(chain):
    """Takes posts as its Flask application does."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            post = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if not all(post.get(name) for name in ("author", "content")):
                self.send_error(404)
                return
            post["timestamp"] = time.time()
            chain.waiting.append(post)
            self.send_response(201)
            self.send_header("Content-Length", "7")
            self.end_headers()
            self.wfile.write(b"Success")

        def log_message(self, *arguments):
            pass

    return http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def paper(posts, blocks):
    """Posts a second, hashes a second, seconds of a check, the best of some."""
    chain = Chain()
    server = served(chain)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    url = f"http://127.0.0.1:{server.server_port}/new_transaction"
    begin = time.perf_counter()
    for number in range(posts):
        body = json.dumps({"author": "ana", "content": f"letter {number}"}).encode()
        asked = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        with urllib.request.urlopen(asked) as answer:
            assert answer.status == 201
    rate = posts / (time.perf_counter() - begin)
    server.shutdown()
    server.server_close()
    thread.join()
    assert len(chain.waiting) == posts
    each = posts // blocks
    letters = chain.waiting
    begin = time.perf_counter()
    for number in range(blocks):
        chain.waiting = letters[number * each:(number + 1) * each]
        chain.mine()
    hashes = chain.tried / (time.perf_counter() - begin)
    checks = []
    for _ in range(5):
        begin = time.perf_counter()
        assert chain.is_whole() and len(chain.blocks) == blocks + 1
        checks.append(time.perf_counter() - begin)
    return rate, hashes, min(checks)


def whole_check(store, posts, blocks, check):
    """As many blocks of as many posts, and the best of as many turns. Ours starts a process and
    opens a database in each."""
    def verify():
        took, printed = seconds_of(store.words("verify", "--full", "--json"),
                                   env=store.environment)
        summary = json.loads(printed.splitlines()[-1])
        found = (summary["ok"], summary["blocks"], summary["messages"])
        assert found == (True, blocks, posts), printed[-300:]
        return took

    return Row("a whole check, messages/s", "messages/s", posts / min(verify() for _ in range(5)),
               f"the paper's design, {blocks} blocks too", posts / check, 20, True,
               f"every hash, stamp, index entry and byte on disk; {os.cpu_count()} cores")


def rows(options, places):
    posts, blocks = (1000, 100) if options.quick else (10_000, 1000)
    rate, hashes, check = paper(posts, blocks)
    with stores.workplace() as place:
        ana = stores.Store(place / "ana")
        ana.run("init", ana.directory, "--name", "ana", "--floor", 8, "--stamp", 0,
                "--no-passphrase")
        letters = "".join(json.dumps({"public": True, "body": f"letter {number}"}) + "\n"
                          for number in range(posts)).encode()
        took, printed = seconds_of(ana.words("send", "--stdin"), env=ana.environment, input=letters)
        assert len(set(printed.split())) == posts
    yield Row("posts taken, signed and durable", "posts/s", posts / took,
              "the paper's design, in memory", rate, 50, True,
              "no stamp on either side; each names the one before, so one core signs")
    _, printed = seconds_of([places.tools / "bench_hashes", "1", "100"])
    lines = {line["name"]: line for line in map(json.loads, printed.splitlines())}
    best = max(line["ours"] for name, line in lines.items()
               if name.startswith("search ") and "threads" not in name)
    yield Row("hashes of a search, one thread", "hashes/s", best, "the paper's design", hashes, 200,
              True)
    yield whole_check(places.posts(blocks, posts // blocks), posts, blocks, check)
