#!/usr/bin/env python3
"""The paper's REST: a front end in the manner of the paper's, over these routes alone, against two
nodes that come to one chain by most work; nobody else, no other page and no nonsense gets in."""
import base64
import contextlib
import datetime
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

JSON = {"Content-Type": "application/json"}
PASSPHRASE = "correct horse"


class FrontEnd:
    """Lists posts, submits one, has a block mined, syncs anew; knows nothing but the routes."""

    def __init__(self, port, path=None):
        self.port, self.path = port, path
        self.kind = self.cookie = None

    def ask(self, method, target, body=None, status=200, timeout=60, **changed):
        """The text of an answer. `changed`: headers that are not as usual; None: left out."""
        headers = {"Host": f"127.0.0.1:{self.port}"} | (JSON if method == "POST" else {})
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=timeout)
        if self.path:
            line.sock = socket.socket(socket.AF_UNIX)
            line.sock.connect(self.path)
        with contextlib.closing(line):
            line.request(method, target, data,
                         {name: value for name, value in headers.items() if value is not None})
            answer = line.getresponse()
            text = answer.read().decode()
        assert answer.status == status, f"{method} {target}: {answer.status} {text[:300]}"
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
        assert not [name for name, _ in answer.getheaders() if name.lower().startswith("access-")]
        self.kind = answer.getheader("Content-Type")
        self.cookie = (answer.getheader("Set-Cookie") or "").split(";")[0]
        return text

    def chain(self, query=""):
        return json.loads(self.ask("GET", "/chain" + query))

    def posts(self):
        """As the paper's: all posts with where they stand, the newest first."""
        found = []
        for block in self.chain()["chain"]:
            for post in block["transactions"]:
                found.append(post | {"index": block["index"], "hash": block["previous_hash"]})
        return sorted(found, key=lambda post: post["timestamp"], reverse=True)

    def page(self):
        return [f"{post['author']} {datetime.datetime.fromtimestamp(post['timestamp']):%H:%M}: "
                f"{post['content']}" for post in self.posts()]

    def submit(self, author, content, **more):
        assert self.ask("POST", "/new_transaction", {"author": author, "content": content} | more,
                        201) == "Success"

    def pending(self):
        return json.loads(self.ask("GET", "/pending_tx"))

    def mine(self):
        return self.ask("GET", "/mine")


def port_of(place):
    return int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)", place)[1])


@contextlib.contextmanager
def web(store, *options, listen="127.0.0.1:0"):
    """The command with the routes; a front end to it, and the file with the link of its page."""
    file = store.directory.parent / f"{store.directory.name}-link"
    running = store.start(*options, "--listen", listen, "--link-file", file)
    try:
        place = stores.read_line(running.stdout, 30).removeprefix("listening ")
        yield FrontEnd(4711, place[5:]) if place.startswith("unix:") else FrontEnd(port_of(place))
    finally:
        running.send_signal(signal.SIGTERM)
        said = running.communicate(timeout=60)
        assert running.returncode == 0, (running.returncode, said)


@contextlib.contextmanager
def node(store):
    """A node that serves, with the routes beside it: the front end and where peers find it."""
    with store.served() as url, web(store, "web", "--rest") as front:
        yield front, url


def contents(front):
    return {post["content"] for post in front.posts()}


def check_one(front):
    """What the paper's front end does with one node."""
    assert front.posts() == [] and front.chain()["length"] == 1
    assert front.kind == "application/json"
    first = front.chain()["chain"][0]
    assert first["index"] == 0 and set(first) == {
        "index", "transactions", "timestamp", "previous_hash", "nonce", "hash"}
    while front.mine() != "No transactions to mine":  # The card of the store.
        pass
    assert front.pending() == []
    length = front.chain()["length"]
    front.submit("ana", "first <b>post</b> \u00e4\u20ac")
    front.submit("ana", "with a mood", mood={"is": ["good", 1.5]}, timestamp=1, id="mine")
    waiting = {post["content"]: post for post in front.pending()}
    assert set(waiting) == {"first <b>post</b> \u00e4\u20ac", "with a mood"}, waiting
    assert front.mine() == f"Block #{length} is mined."
    assert front.kind.startswith("text/plain")
    assert front.mine() == "No transactions to mine" and front.pending() == []
    posts = {post["content"]: post for post in front.posts()}
    assert set(posts) == set(waiting) and len(front.page()) == 2
    assert posts["with a mood"]["mood"] == {"is": ["good", 1.5]}
    for content, post in posts.items():
        assert post["author"] == "ana" and post["index"] == length
        assert abs(post["timestamp"] - datetime.datetime.now().timestamp()) < 600
        assert post["id"] == waiting[content]["id"] and post["address"].startswith("bmsg1")
    blocks = front.chain()["chain"]
    assert len(blocks) == front.chain()["length"] == length + 1
    for before, block in zip(blocks, blocks[1:]):
        assert block["previous_hash"] == before["hash"] and block["index"] == before["index"] + 1


def check_commands_agree(ana, front):
    """Posts are messages of the chain, by the store's identity."""
    address = ana.text("id")
    by_id = {post["id"]: post for post in front.posts()}
    for ident in by_id:
        one = ana.objects("read", ident)[0]
        assert one["subject"] == by_id[one["id"]]["author"] and one["signature"] == "good"
        assert by_id[one["id"]]["address"] == address
    ana.run("send", "--public", "-s", "ana at a shell", "-m", "by a command")
    front.mine()
    assert "by a command" in contents(front)
    assert [one["hash"] for one in ana.objects("log", "--reverse")] == [
        block["hash"] for block in front.chain()["chain"]]


def check_consensus(ana, ben, ana_url, ben_url):
    """Both mine alone and fork; once they know each other, the branch with most work is both's, and
    what the other branch held is not lost. The paper's nodes stay apart for ever."""
    ben.submit("ben", "on the short branch")
    assert ben.mine().startswith("Block #")
    for number in range(3):
        ana.submit("ana", f"on the long branch {number}")
        assert ana.mine().startswith("Block #")
    assert ana.chain()["chain"][-1]["hash"] not in {
        block["hash"] for block in ben.chain()["chain"]}
    assert ben.ask("POST", "/register_with", {"node_address": ana_url}) == "Registration successful"
    answer = json.loads(ana.ask("POST", "/register_node", {"node_address": ben_url + "/"}))
    assert answer["peers"] == [ben_url], answer["peers"]
    assert ben.chain()["peers"] == [ana_url]
    assert ana.chain()["chain"] == ben.chain()["chain"] == answer["chain"], "one chain"
    assert "on the long branch 2" in contents(ben)
    while ben.mine() != "No transactions to mine":
        pass
    assert "on the short branch" in contents(ben), "it went back to the pool and was mined again"
    assert contents(ana) == contents(ben), "told as soon as it was mined"
    for front, other in ((ana, ben), (ben, ana), (ana, ben)):
        length = front.chain()["length"]
        front.submit("both", f"block {length}")
        assert front.mine() == f"Block #{length} is mined."
        assert front.chain()["chain"] == other.chain()["chain"], "they stay together"


def check_blocks(front, other):
    """A block travels by hand, with its pack; the paper's members alone cannot carry ours."""
    front.submit("ana", "by hand")
    front.mine()
    block = front.chain("?pack=1")["chain"][-1]
    plain = front.chain()["chain"][-1]
    assert {name: value for name, value in block.items() if name != "pack"} == plain
    assert "pack" in other.ask("POST", "/add_block", plain, 400)
    assert other.chain()["chain"][-1]["hash"] == block["previous_hash"]
    for pack in ("", "AAAA", "%", block["pack"][:-8], 1):
        other.ask("POST", "/add_block", block | {"pack": pack}, 400)
    flipped = bytearray(base64.b64decode(block["pack"]))
    flipped[-100] ^= 1
    other.ask("POST", "/add_block", {"pack": base64.b64encode(flipped).decode()}, 400)
    assert other.ask("POST", "/add_block", block, 201) == "Block added to the chain"
    assert other.ask("POST", "/add_block", block, 201) == "Block added to the chain", "once more"
    assert other.chain()["chain"] == front.chain()["chain"]


def check_strangers(front):
    """Neither another name, nor another page, nor nonsense; and nothing is left behind."""
    front.submit("ana", "waits")
    before = (front.chain(), front.pending())
    post = {"author": "eve", "content": "not from us"}
    for host in ("evil.example", "127.0.0.1", f"localhost.:{front.port}", "127.0.0.1:1"):
        for target in ("/chain", "/pending_tx", "/mine"):
            front.ask("GET", target, Host=host, status=421)
        front.ask("POST", "/new_transaction", post, Host=host, status=421)
    for site in ("cross-site", "same-site"):
        for target in ("/chain", "/pending_tx", "/mine"):
            front.ask("GET", target, Sec_Fetch_Site=site, status=403)
        front.ask("POST", "/new_transaction", post, Sec_Fetch_Site=site, status=403)
    front.ask("GET", "/mine", Sec_Fetch_Site="none", status=403)
    front.ask("GET", "/chain", Sec_Fetch_Site="none")
    for origin in ("null", "http://evil.example", f"http://localhost:{front.port}"):
        front.ask("GET", "/mine", Origin=origin, status=403)
        front.ask("POST", "/new_transaction", post, Origin=origin, status=403)
        front.ask("POST", "/register_node", {"node_address": "http://127.0.0.1:1"}, Origin=origin,
                  status=403)
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        for target in ("new_transaction", "register_node", "register_with", "add_block"):
            front.ask("POST", "/" + target, post, Content_Type=kind, status=415)
    front.ask("OPTIONS", "/new_transaction", status=405)
    front.ask("POST", "/mine", {}, status=405)
    front.ask("GET", "/new_transaction", status=405)
    for body in (b"", b"{", b"\xff", b"[" * 100000, b'{"author": "a", "author": "b"}'):
        for target in ("new_transaction", "register_node", "register_with", "add_block"):
            front.ask("POST", "/" + target, body, 400)
    for bad in ({}, [], {"author": "a"}, post | {"content": ""}, post | {"author": 1}):
        assert front.ask("POST", "/new_transaction", bad, 404) == "Invalid transaction data"
    front.ask("POST", "/new_transaction", post | {"content": "x" * (256 << 10)}, 400)
    front.ask("POST", "/new_transaction", post | {"content": "x" * (200 << 10)}, 400)
    assert (front.chain(), front.pending()) == before
    front.mine()


def check_peers(front, url):
    """Nodes of this chain alone, and only where one answers."""
    before = front.chain()["peers"]
    with contextlib.closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}"
    for address, status in (("", 400), (1, 400), ("nonsense", 400), ("http://192.0.2.1:80", 400),
                            ("unix:/tmp/x", 400), ("ssh://host/dir", 400),
                            ("http://127.0.0.1:1/path", 400), (nobody, 502),
                            (f"http://127.0.0.1:{front.port}", 502), (url, 502)):
        for target in ("register_node", "register_with"):
            front.ask("POST", f"/{target}", {"node_address": address}, status)
    assert front.chain()["peers"] == before


def as_nobody(front, method, target, body=None):
    """The status that a program of another user gets."""
    script = ("import encodings.idna, http.client, os\n"
              "os.setgid(65534); os.setuid(65534)\n"
              f"line = http.client.HTTPConnection('127.0.0.1', {front.port}, timeout=60)\n"
              f"line.request({method!r}, {target!r}, {body!r}, {JSON!r})\n"
              "print(line.getresponse().status)\n")
    return int(subprocess.run([sys.executable, "-c", script], capture_output=True, check=True,
                              timeout=60).stdout)


def check_users(ana):
    """Programs of other users are turned away, unless all are let in; peers they add never."""
    if os.geteuid() != 0:
        return
    post = json.dumps({"author": "eve", "content": "by another user"})
    peer = json.dumps({"node_address": "http://127.0.0.1:1"})
    asked = (("GET", "/chain", None), ("GET", "/pending_tx", None), ("GET", "/mine", None),
             ("POST", "/new_transaction", post), ("POST", "/register_node", peer))
    with web(ana, "web", "--rest") as front:
        assert [as_nobody(front, *one) for one in asked] == [403] * 5
        assert front.pending() == []
    with web(ana, "web", "--rest", "--any-user") as front:
        assert [as_nobody(front, *one) for one in asked] == [200, 200, 200, 201, 403]


def check_waiting(directory):
    """While a block is searched for, others are answered; who asks for one too waits for it."""
    hard = stores.Store(directory / "hard")
    hard.run("init", hard.directory, "--name", "ana", "--floor", 60, "--stamp", 1,
             "--no-passphrase")
    with web(hard, "-c", "mine.timeout=3s", "web", "--rest") as front:
        told = []
        threads = [threading.Thread(target=lambda: told.append(
            json.loads(front.ask("GET", "/mine", status=503)))) for _ in range(3)]
        for thread in threads:
            thread.start()
        assert front.chain()["length"] == 1
        front.submit("ana", "meanwhile")
        for thread in threads:
            thread.join()
        assert [one["type"] for one in told] == ["error"] * 3
    with web(hard, "web", "--rest") as front:
        line = http.client.HTTPConnection("127.0.0.1", front.port, timeout=60)
        line.request("GET", "/mine")  # Ends with the command.
        assert front.chain()["length"] == 1


def check_locked(directory):
    """Once somebody locks the page nothing is signed; the rest is answered."""
    secret = directory / "secret"
    secret.write_text(PASSPHRASE + "\n")
    zoe = stores.Store(directory / "zoe")
    zoe.run("--passphrase-file", secret, "init", zoe.directory, "--name", "zoe", "--floor", 8,
            "--stamp", 1)
    with web(zoe, "--passphrase-file", secret, "web", "--rest") as front:
        front.submit("zoe", "signed")
        ours = {"Origin": f"http://127.0.0.1:{front.port}"}
        link = (directory / "zoe-link").read_text().strip().split("#t=")[1]
        session = json.loads(front.ask("POST", "/api/enter", {"token": link}, **ours))
        ours |= {"Cookie": front.cookie, "X_Bmsg_Token": session["token"]}
        front.ask("POST", "/api/leave", {}, **ours)
        front.ask("POST", "/new_transaction", {"author": "zoe", "content": "unsigned"}, 423)
        assert front.mine().startswith("Block #") and contents(front) == {"signed"}


def check_places(ana, directory):
    """A unix socket, what is not offered, and what is refused."""
    with web(ana, "web", "--rest", listen=f"unix:{directory / 'page.sock'}") as front:
        assert front.chain()["length"] > 1
    with web(ana, "web") as front:
        for target in ("/chain", "/pending_tx", "/mine"):
            front.ask("GET", target, status=404)
        front.ask("POST", "/new_transaction", {"author": "a", "content": "c"}, status=405)
    ana.run("web", "--any-user", "--link-file", directory / "link", exits=(64,))


def main():
    with stores.workplace() as directory:
        ana = stores.new_chain(directory / "ana", "ana")
        genesis = directory / "ana" / "genesis"
        with web(ana, "web", "--rest") as front:
            check_one(front)
            check_commands_agree(ana, front)
        ben = stores.joined(directory / "ben", "ben", genesis)
        third = stores.joined(directory / "third", "third", genesis)
        other = stores.new_chain(directory / "other", "eve")
        with node(ana) as (one, one_url), node(ben) as (two, two_url):
            check_consensus(one, two, one_url, two_url)
            check_strangers(one)
            with other.served() as foreign:
                check_peers(one, foreign)
            with web(third, "web", "--rest") as apart:
                for block in one.chain("?pack=1")["chain"][1:]:
                    apart.ask("POST", "/add_block", block, 201)
                check_blocks(one, apart)
        check_users(third)
        check_waiting(directory)
        check_locked(directory)
        check_places(ana, directory)


main()
