#!/usr/bin/env python3
"""Bad surroundings get a sentence, the exit code of the manual, and change nothing.

Peers that answer garbage or altered blocks, a disk that is full, files that may not be read, parts
of two stores mixed up.
"""
import contextlib
import http.server
import os
import pathlib
import shutil
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from stores import Store, joined, new_chain, seeded_random, workplace

NOBODY = 65534

# What the peer sends to whoever connects, the exit code of `sync`, and what its complaint names.
ANSWERS = [
    (b"\x00\xff" * 500, 76, "not proper HTTP"),
    (b"", 69, "closed before the first byte"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", 76, "malformed info"),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\nx", 76, "longer than"),
    (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", 76, "302"),
    (b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n", 75, "patience"),
]


class Proxy(http.server.BaseHTTPRequestHandler):
    """Passes requests on to `origin` and changes the answers to those for blocks."""
    origin = ""
    change = staticmethod(lambda body: body)
    changed = 0

    def do_GET(self):
        with urllib.request.urlopen(self.origin + self.path) as answer:
            body, kind = answer.read(), answer.headers["Content-Type"]
        if "/blocks/" in self.path:
            body = self.change(body)
            Proxy.changed += 1
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def listening(server):
    """A server on a thread of its own; its URL."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def raw_server(answer):
    class Raw(http.server.socketserver.BaseRequestHandler):
        def handle(self):
            self.request.recv(4096)
            self.request.sendall(answer)

    return http.server.socketserver.ThreadingTCPServer(("127.0.0.1", 0), Raw)


def refused(store, code, text, *arguments, **options):
    done = subprocess.run(store.words(*arguments), capture_output=True, env=store.environment,
                          check=False, timeout=60, **options)
    complaint = done.stderr.decode()
    assert done.returncode == code, f"{arguments} exited {done.returncode}, not {code}: {complaint}"
    assert text in complaint, f"{arguments}: '{text}' is not in: {complaint}"
    assert not done.stdout, f"{arguments} printed {done.stdout!r}"


def peers_that_answer_garbage(place):
    store = new_chain(place / "alone", "alone")
    for answer, code, text in ANSWERS:
        with listening(raw_server(answer)) as url:
            refused(store, code, text, "sync", url)
    store.run("verify", "--full")


def peers_that_alter_blocks(place):
    ana = new_chain(place / "ana", "ana")
    for text in ("one", "two"):
        ana.run("send", "--public", "-m", text)
        ana.run("mine")
    with ana.served() as origin:
        ben = joined(place / "ben", "ben", origin, "--no-sync")
        Proxy.origin = origin
        last = lambda body: body[:-1] + bytes([body[-1] ^ 1])
        middle = lambda body: body[:400] + bytes([body[400] ^ 1]) + body[401:]
        for change in (last, middle, lambda body: body[:-1], lambda body: body + b"x"):
            Proxy.change, before = staticmethod(change), Proxy.changed
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
            with listening(server) as url:
                done = subprocess.run(ben.words("sync", url), capture_output=True, check=False,
                                      env=ben.environment, timeout=60)
            assert Proxy.changed > before, "no block went through the proxy"
            assert done.returncode in (65, 76), f"{done.returncode}: {done.stderr.decode()}"
            assert ben.objects("status")[0]["height"] < 2, "an altered block was taken"
        ben.run("sync", origin)
        assert ben.objects("status")[0]["height"] == 2
        ben.run("verify", "--full")


def full_disk(place):
    """A store on a file system of two megabytes; needs leave to mount."""
    mount = place / "small"
    mount.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", mount],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        print("no leave to mount: the disk-full tests of storage_test stand alone")
        return
    try:
        store = new_chain(mount / "store", "ana")
        first = store.text("send", "--public", "-m", "before")
        store.run("mine")
        free = os.statvfs(mount)
        with open(mount / "filler", "wb") as filler, contextlib.suppress(OSError):
            for _ in range(free.f_bavail * free.f_frsize // 4096):
                filler.write(b"x" * 4096)
                filler.flush()
        refused(store, 74, "space", "send", "--public", "-m", "x" * 30000)
        refused(store, 74, "disk full", "mine", "--allow-empty")
        assert store.objects("show", first)[0]["id"] == first, "reading stopped"
        (mount / "filler").unlink()
        store.run("send", "--public", "-m", "after")
        store.run("mine")
        store.run("verify", "--full")
    finally:
        subprocess.run(["umount", "-l", mount], check=True)


def files_of_somebody_else(place):
    store = new_chain(place / "mine", "ana")
    if os.geteuid() == 0:
        os.chmod(place, 0o755)
        refused(store, 77, "belongs to another user", "status", user=NOBODY)
        os.chmod(store.directory, 0o755)
        refused(store, 77, "belongs to another user", "status", user=NOBODY)
    keyring = store.directory / "keys" / "keyring"
    if os.geteuid() != 0:
        keyring.chmod(0)
        refused(store, 77, "permission", "inbox")
        keyring.chmod(0o600)
    store.run("status")


def two_stores_mixed_up(place):
    one, two = new_chain(place / "one", "one"), new_chain(place / "two", "two", "--chain-name", "b")
    one.run("mine", "--allow-empty")
    shutil.copy(two.directory / "genesis", one.directory / "genesis")
    refused(one, 65, "another chain", "log")
    refused(one, 65, "another chain", "mine", "--allow-empty")
    three = Store(place / "three")
    shutil.copytree(two.directory, three.directory)
    shutil.copy(place / "one" / "witness", three.directory / "witness")
    refused(three, 65, "witness", "status")


def init_takes_nothing_of_others(place):
    """Only what an init has left that was killed goes; the rest is somebody's."""
    for name in ("mail", "keys", "chain", "run", "hooks", "outbox"):
        somebody = Store(place / f"with-{name}")
        (somebody.directory / name).mkdir(parents=True)
        (somebody.directory / name / "letter").write_text("kept")
        refused(somebody, 73, "not empty", "init", somebody.directory, "--no-passphrase")
        assert (somebody.directory / name / "letter").read_text() == "kept"
    headless = new_chain(place / "headless", "ana")
    (headless.directory / "format").unlink()
    keys = (headless.directory / "keys" / "keyring").read_bytes()
    refused(headless, 73, "not empty", "init", headless.directory, "--no-passphrase")
    assert (headless.directory / "keys" / "keyring").read_bytes() == keys
    for number, left in enumerate((["unfinished", ".format.Ab3dEf"], [".unfinished.Ab3dEf"],
                                   ["unfinished", "keys", ".genesis.Ab3dEf"])):
        again = Store(place / f"left{number}")
        again.directory.mkdir()
        for name in left:
            (again.directory / name).touch()
        again.run("init", again.directory, "--floor", 8, "--no-passphrase")
        assert not set(left) - {"keys"} & {one.name for one in again.directory.iterdir()}, left
    strange = Store(place / "strange")
    strange.directory.mkdir()
    (strange.directory / ".format.Ab3dEf").touch()
    refused(strange, 73, "not empty", "init", strange.directory, "--no-passphrase")
    chance = seeded_random()
    began = time.monotonic()
    new_chain(place / "whole", "ana")
    took = time.monotonic() - began
    unfinished = 0
    for turn in range(40):
        store = Store(place / f"killed{turn}")
        with store.start("init", store.directory, "--floor", 8, "--no-passphrase") as process:
            time.sleep(chance.uniform(0, took))
            process.kill()
        unfinished += (store.directory / "unfinished").exists()
        if not (store.directory / "format").exists():
            store.run("init", store.directory, "--floor", 8, "--no-passphrase")
        store.run("verify", "--full")
        if unfinished >= 3:
            break
    assert unfinished >= 3, f"only {unfinished} were killed half way"


def main():
    with workplace() as place:
        os.environ["HOME"] = str(place)
        peers_that_answer_garbage(place)
        peers_that_alter_blocks(place)
        full_disk(place)
        files_of_somebody_else(place)
        two_stores_mixed_up(place)
        init_takes_nothing_of_others(place)


if __name__ == "__main__":
    main()
