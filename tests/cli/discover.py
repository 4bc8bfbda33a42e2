#!/usr/bin/env python3
"""Two stores that know nobody meet in a hash table whose one other node is a third's, in network
namespaces with addresses that look public. With a secret nobody without it finds them, nor can the
address be read in what travels; what is no record of the chain does no harm. Needs bmsg-discover,
which is built where OpenDHT is installed."""
import base64
import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import namespaces
import stores
from neighbours import Neighbour, build_bridge, eventually

PROGRAM = pathlib.Path(os.environ.get("BMSG_DISCOVER")
                       or pathlib.Path(stores.PROGRAM).resolve().parent / "bmsg-discover")
JUNK = os.environ.get("BMSG_DHT_JUNK") or PROGRAM.parent / "tests" / "dht_junk"
PAGE = pathlib.Path(__file__).resolve().parents[2] / "man" / "bmsg-discover.1"
TABLE = "11.0.0.9:4222"
ALL_PACKETS = 3
SOME, MANY = 100, 10_000


class Seeker(Neighbour):
    def discover(self, *words, exits=(0,)):
        """Runs bmsg-discover to its end; the lines it prints, and what it complains of."""
        with self.namespace:
            done = subprocess.run([PROGRAM, "-C", self.directory, *map(str, words)], check=False,
                                  capture_output=True, env=self.environment, timeout=100)
        assert done.returncode in exits, (words, done.returncode, done.stdout, done.stderr)
        return done.stdout.decode().splitlines(), done.stderr.decode()

    def look(self, *words):
        lines, complaint = self.discover("--once", "--bootstrap", TABLE, *words)
        assert complaint == "", complaint
        return lines

    @contextlib.contextmanager
    def discovering(self, *words):
        with self.namespace:
            running = subprocess.Popen([PROGRAM, "-C", self.directory, *words],
                                       env=self.environment, stdout=subprocess.PIPE,
                                       preexec_fn=namespaces.end_with_parent)
        try:
            yield running
        finally:
            running.terminate()
            assert running.wait(30) == 0, running.returncode
            running.stdout.close()


@contextlib.contextmanager
def wiretap():
    """All that crosses the bridge."""
    heard = []
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PACKETS)) as tap:
        tap.settimeout(0.2)
        ended = threading.Event()

        def listen():
            while not ended.is_set():
                with contextlib.suppress(socket.timeout):
                    heard.append(tap.recv(65536))

        ear = threading.Thread(target=listen, daemon=True)
        ear.start()
        try:
            yield heard
        finally:
            ended.set()
            ear.join()


def make_seeker(place, name, number, genesis=None):
    seeker = Seeker(place / name, f"11.0.0.{number}/24")
    if genesis is None:
        stores.new_chain(seeker.directory, name)
    else:
        stores.joined(seeker.directory, name, genesis)
    return seeker


def check_words(ana, members):
    ana.discover("--once", exits=(64,))
    ana.discover("--frob", exits=(64,))
    ana.discover("--chain", "0" * 128, exits=(64,))
    ana.discover("--once", "--bootstrap", TABLE, "--chain", "0" * 128, exits=(64,))  # And a store.
    ana.discover("--advertise", "10.0.0.1:5512", exits=(64,))
    ana.discover("--bootstrap", "nowhere", exits=(64,))
    ana.discover("-C", ana.directory / "nothing", exits=(64, 66))
    ana.discover("--secret-file", ana.directory / "nothing", exits=(66,))
    ana.discover("--secret-file", ana.directory / "format", exits=(65,))
    _, said = members.discover("--once", "--bootstrap", TABLE, exits=(78,))
    assert "--secret-file" in said, said
    ana.run("config", "set", "sync.proxy", "socks5h://127.0.0.1:9")
    _, said = ana.discover("--once", "--bootstrap", TABLE, exits=(78,))
    assert "sync.proxy" in said, said
    ana.run("config", "unset", "sync.proxy")
    told, _ = ana.discover("--help")
    named = set(re.findall(r"--?[a-zA-Z][a-z-]*", "\n".join(
        line[:26] for line in told if line.startswith("  -"))))
    text = PAGE.read_text().replace(r"\-", "-")
    listed = set(re.findall(r"^\.It Fl ((?:-|C).*)$", text, flags=re.M))
    shown = {f"-{word}" for line in listed for word in re.findall(r"-?[A-Za-z][a-z-]*", line)
             if word == "C" or word.startswith("-")}
    assert named - {"-h", "--help", "--version"} == shown, (named, shown)


def check_open(ana, ben):
    """The record can be read by all, and found; the node behind it proves itself."""
    with ana.serving():
        with wiretap() as heard:
            assert ana.look("--advertise", f"{ana.address}:5512") == []
        assert any(f"{ana.address}:5512 ".encode() in packet for packet in heard), "nothing was put"
        assert ben.look() == [f"found {ana.url}"]
        assert [(peer["url"], peer["node"]) for peer in ben.peers_from("dht")] == \
            [(ana.url, ana.key)]
        ana.run("mine", "--allow-empty")
        ben.run("sync")
        tips = [store.objects("log", "-n", 1)[0] for store in (ana, ben)]
        assert tips[0] == tips[1] and tips[0]["height"] == 1, tips


def check_secret(carl, dan, place):
    secrets = [place / "right", place / "wrong"]
    for file in secrets:
        file.write_text(base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=") + "\n")
    right, wrong = (("--secret-file", file) for file in secrets)
    with wiretap() as heard:
        carl.look("--advertise", f"{carl.address}:5512", *right)
    assert heard and not any(b":5512" in packet for packet in heard), "the address can be read"
    assert dan.look(*wrong) == [] and dan.peers_from("dht") == []
    shutil.copy(secrets[0], dan.directory / "keys" / "discovery.secret")
    assert dan.look() == [f"found {carl.url}"]


def check_service(ana, ben):
    """As long as it runs, and as `bmsg discover` starts it."""
    ben.run("peers", "rm", ana.url)
    with ben.discovering("--bootstrap", TABLE) as running:
        assert stores.read_line(running.stdout, 60) == f"found {ana.url}"
        eventually("the peer is known", lambda: ben.peers_from("dht"))
    ben.environment["PATH"] = f"{PROGRAM.parent}:{ben.environment['PATH']}"
    assert ben.text("discover", "--once", "--bootstrap", TABLE) == f"found {ana.url}"
    _, said = ben.discover("--once", "--bootstrap", "11.0.0.77:4222", exits=(69,))
    assert "--bootstrap" in said, said


def check_clone(ana, ben, place):
    """Whose invite names a node that is gone comes in by another, and only to the same chain."""
    uri = ana.text("invite", "--host", "11.0.0.88:5512")
    place = place / "cloned"
    place.mkdir()
    path = f"{PROGRAM.parent}:{os.environ['PATH']}"
    with ana.serving():
        ana.look("--advertise", f"{ana.address}:5512")
        with ben.namespace:
            done = subprocess.run([stores.PROGRAM, "clone", uri, "fresh", "--no-passphrase",
                                   "--bootstrap", TABLE], cwd=place, capture_output=True,
                                  env=stores.environment(place) | {"PATH": path}, check=False,
                                  timeout=100)
        assert done.returncode == 0 and b"others are looked for" in done.stderr, done
    new = stores.Store(place / "fresh")
    assert new.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
    peer = new.objects("peers")[0]
    assert (peer["url"], peer["node"], peer["source"]) == (ana.url, ana.key, "dht"), peer


@contextlib.contextmanager
def junk(table, port, chain, count):
    """A table with so many values of no use under the chain's key."""
    key = hashlib.sha512(b"bmsg1 dht" + chain).hexdigest()
    with table.namespace:
        running = subprocess.Popen([JUNK, str(port), key, str(count)], stdout=subprocess.PIPE,
                                   preexec_fn=namespaces.end_with_parent)
    try:
        assert stores.read_line(running.stdout, 60) == f"ready {count} {count}"
        yield ["--once", "--bootstrap", f"{table.address}:{port}"]
    finally:
        running.kill()
        running.wait()
        running.stdout.close()


def check_junk(table, ana, ben):
    """A node is found among some values of no use. Of ten thousand the library may bring none, and
    says so; whatever it brings, nobody comes of it who is not there, and nobody goes."""
    chain = hashlib.sha512((ana.directory / "genesis").read_bytes()).digest()
    before = ben.objects("peers")
    with junk(table, 4333, chain, SOME) as words:
        ana.discover(*words, "--advertise", f"{ana.address}:5512")
        assert ben.discover(*words)[0] == [f"found {ana.url}"]
    with junk(table, 4334, chain, MANY) as words:
        ana.discover(*words, "--advertise", f"{ana.address}:5512", exits=(0, 69))
        lines, _ = ben.discover(*words, exits=(0, 69))
        assert set(lines) <= {f"found {ana.url}"}, lines
        print(f"found among {MANY} others: {len(lines)} of 1")
    assert [peer["url"] for peer in ben.objects("peers")] == [peer["url"] for peer in before]


def try_all(place):
    build_bridge("11.0.0.254/24")
    table = make_seeker(place, "table", 9)
    ana = make_seeker(place, "ana", 1)
    ben = make_seeker(place, "ben", 2, ana.directory / "genesis")
    text = (ana.directory / "genesis").read_text()
    (place / "genesis").write_text(text.replace("access open", "access members"))
    carl = make_seeker(place, "carl", 3, place / "genesis")
    dan = make_seeker(place, "dan", 4, place / "genesis")
    check_words(ana, carl)
    with table.discovering("--port", "4222"):
        check_open(ana, ben)
        check_secret(carl, dan, place)
        check_service(ana, ben)
        check_clone(ana, ben, place)
    if pathlib.Path(JUNK).exists():
        check_junk(table, ana, ben)
    else:
        print("not tried: a table full of junk, for dht_junk is not built")


def main():
    if not PROGRAM.exists():
        print("skip: bmsg-discover is not built; ./dev deps --discover installs what it needs")
        sys.exit(77)
    try:
        namespaces.enter_own_network()
    except namespaces.NotAllowed as reason:
        print(f"skip: {reason}")
        sys.exit(77)
    with stores.workplace() as place:
        try_all(place)


main()
