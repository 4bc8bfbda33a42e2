#!/usr/bin/env python3
"""Two nodes in network namespaces of their own, joined by a bridge, that know nobody find each
other with --lan, and mail goes from one to the other. Whoever else is on that network can forge,
fill and flood: nothing is lost, and no more than 64 peers come of it. Without --lan, or at a place
that nobody can call, nothing is sent."""
import base64
import contextlib
import hashlib
import pathlib
import select
import signal
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import namespaces
import stores
from neighbours import PORT, Neighbour, build_bridge, eventually

GROUP = "239.255.55.12"
STRANGER = "10.77.0.254"  # This script's own place on the bridge.
CROWD = [f"10.77.1.{number}" for number in range(1, 21)]
FLOOD = 10_000


def group_socket():
    """Hears what is sent to the group on the bridge."""
    heard = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    heard.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    heard.bind((GROUP, PORT))
    wish = socket.inet_aton(GROUP) + socket.inet_aton(STRANGER)
    heard.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, wish)
    heard.setblocking(False)
    return heard


def datagrams(heard, seconds):
    """All that come in this time."""
    came, deadline = [], time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        if select.select([heard], [], [], left)[0]:
            came.append(heard.recvfrom(2000))
    return came


@contextlib.contextmanager
def sender(address):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as made:
        made.bind((address, 0))
        made.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(address))
        yield lambda data: made.sendto(data, (GROUP, PORT))


def beacon(tag, port, key):
    text = base64.urlsafe_b64encode(key).decode().rstrip("=")
    return f"bmsg1 {tag} {port} {text}".encode()


def check_refusals(ana, heard):
    """Who cannot be called sends nothing, and nobody does who was not told to."""
    for place in ("127.0.0.1:0", "unix:" + str(ana.directory / "door")):
        done = ana.start("serve", "--lan", "--listen", place)
        _, complaint = done.communicate(timeout=20)
        assert done.returncode == 78 and b"--listen" in complaint, (done.returncode, complaint)
    with ana.serving():
        assert datagrams(heard, 1.5) == []
        for wanted in ("true", "false"):
            ana.run("config", "set", "serve.lan", wanted)
            ana.server.send_signal(signal.SIGHUP)
            came = datagrams(heard, 1.5)
            assert (came != []) == (wanted == "true"), (wanted, came)


def check_meeting(ana, ben, heard, tag):
    """Each has the other for a peer, by its true key, and each datagram reads as the page says."""
    for one, other in ((ana, ben), (ben, ana)):
        peer = eventually("they meet", lambda one=one, other=other: [
            peer for peer in one.peers_from("lan") if peer["url"] == other.url and peer["state"] == "ok"])
        assert [found["node"] for found in peer] == [other.key], peer
        assert len(one.peers_from("lan")) == 1, one.peers_from("lan")
    came = datagrams(heard, 0.2)
    wanted = {(beacon(tag, PORT, bytes.fromhex(node.key)), (node.address, PORT))
              for node in (ana, ben)}
    assert set(came) == wanted, came


def check_mail(ana, ben, text):
    sent = ana.text("send", "-m", text, "ben")
    eventually(f"'{text}' comes", lambda: sent in [
        message["id"] for message in ben.objects("inbox", exits=(0, 1))])
    assert ben.text("read", "--body", sent) == text


def check_forgery(ana, eve, tag):
    """A key that is not shown there: the call ends with 77, and nothing came of it."""
    with eve.served(listen=f"{STRANGER}:{PORT}"), sender(STRANGER) as send:
        send(beacon(tag, PORT, bytes(range(32))))
        url = f"https://{STRANGER}:{PORT}"
        peer = eventually("the forged place is called", lambda: [
            peer for peer in ana.peers_from("lan") if peer["url"] == url and peer["last_error"]])[0]
        assert "key" in peer["last_error"] and peer["state"] != "ok", peer
        ana.run("sync")  # What anybody can shout makes nothing fail,
        assert "peers" not in [one["name"] for one in ana.objects("status")[0]["attention"]]
        ana.run("sync", url, exits=(77,))
        pool = set(eve.text("ls-pool").split())
    assert not pool & set(ana.text("ls-pool").split()), "something was given to the forged place"


def check_members(place, club, member):
    """On a chain for members only those are heard: who is called is handed the chain."""
    genesis = place / "rules"
    stores.members_rules(genesis, member)
    stores.joined(club.directory, "club", genesis)
    tag = hashlib.sha512(b"bmsg1 lan" + hashlib.sha512(genesis.read_bytes()).digest()).hexdigest()
    with club.serving("--lan"), sender(STRANGER) as send:
        for _ in range(5):
            send(beacon(tag[:16], PORT + 1, bytes(range(32))))

        def heard():  # A datagram may be lost, so it is said again, as every beacon is.
            send(beacon(tag[:16], PORT, bytes.fromhex(member)))
            return club.peers_from("lan")
        eventually("the member is heard", heard)
        assert [one["node"] for one in club.peers_from("lan")] == [member]


def check_flood(nodes, tag, numbers):
    """Nobody ends up with more than 64, whoever shouts what."""
    sent = 0
    with contextlib.ExitStack() as stack:
        crowd = [stack.enter_context(sender(address)) for address in CROWD]
        for number in range(FLOOD):
            good = beacon(tag, 1024 + number % 60_000, numbers.randbytes(32))
            odd = numbers.randbytes(numbers.randrange(200))
            cut = good[:numbers.randrange(len(good))]
            crowd[number % len(crowd)](numbers.choice((good, good, odd, cut, good + b"\n")))
            sent += 1
    assert sent == FLOOD
    for node in nodes:
        count = eventually("some are taken", lambda node=node: len(node.peers_from("lan")))
        assert count <= 64, count
        assert node.server.poll() is None
    return [len(node.peers_from("lan")) for node in nodes]


def try_all(place, numbers):
    build_bridge(*(f"{address}/16" for address in [STRANGER, *CROWD]))
    ana = Neighbour(place / "ana", "10.77.0.1/16")
    stores.new_chain(ana.directory, "ana")
    ben = Neighbour(place / "ben", "10.77.0.2/16")
    eve = stores.joined(place / "eve", "eve", ana.directory / "genesis")
    stores.joined(ben.directory, "ben", ana.directory / "genesis")
    chain = hashlib.sha512((ana.directory / "genesis").read_bytes()).digest()
    tag = hashlib.sha512(b"bmsg1 lan" + chain).hexdigest()[:16]
    with group_socket() as heard:
        check_refusals(ana, heard)
        with ana.serving("--lan"), ben.serving("--lan"):
            check_meeting(ana, ben, heard, tag)
            ana.run("contact", "add", "ben", ben.text("id"))
            check_mail(ana, ben, "the first")
            check_forgery(ana, eve, tag)
            check_members(place, Neighbour(place / "club", "10.77.0.3/16"), ana.key)
            print("peers after the flood:", *check_flood((ana, ben), tag, numbers))
            check_mail(ana, ben, "the second")


def main():
    try:
        namespaces.enter_own_network()
    except namespaces.NotAllowed as reason:
        print(f"skip: {reason}")
        sys.exit(77)
    with stores.workplace() as place:
        try_all(place, stores.seeded_random())


main()
