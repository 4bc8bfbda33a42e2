#!/usr/bin/env python3
"""Peers tell each other of third ones, by records that these have signed. Whoever was told of
somebody calls him once a connection has shown his key, and nobody is led into this machine."""
import contextlib
import ctypes
import os
import pathlib
import re
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import namespaces  # noqa: E402
from stores import joined, new_chain, read_line, workplace  # noqa: E402

CLONE_NEWNS = 0x20000
INSIDE = "inside.example.org"
ANA, BEN, EVE = "11.0.0.1:5512", "11.1.0.1:5512", "11.2.0.1:5512"


@contextlib.contextmanager
def serving(store, place, advertise, every="1s"):
    """A node at a place of its own; ends with the test's process."""
    server = store.start("serve", "--listen", place, "--advertise", advertise, "--sync-every",
                         every, preexec_fn=namespaces.end_with_parent)
    try:
        assert read_line(server.stdout, 20) == f"listening https://{place}"
        yield
    finally:
        server.terminate()
        assert server.wait(20) == 0, server.stderr.read().decode()
        server.stdout.close()
        server.stderr.close()


def eventually(look, what, seconds=30):
    end = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < end, what
        time.sleep(0.1)


def peer(store, place):
    """What a store knows of the peer at a place; None: nothing."""
    return next((one for one in store.objects("peers") if one["url"] == f"https://{place}"), None)


def is_reached(store, place):
    one = peer(store, place)
    return one is not None and one["source"] == "learned" and one["state"] == "ok"


def records(store):
    """What others would be told."""
    return store.text("peers", "export", "--records").splitlines()


def lead_names_inside(work):
    """On this machine the name is one of loopback; False if nobody may do that here."""
    hosts = work / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {INSIDE}\n", encoding="ascii")
    if ctypes.CDLL(None).unshare(CLONE_NEWNS) != 0:
        return False
    mounts = (["mount", "--make-rprivate", "/"], ["mount", "--bind", str(hosts), "/etc/hosts"])
    done = all(subprocess.run(one, capture_output=True, check=False).returncode == 0
               for one in mounts)
    with contextlib.suppress(OSError):
        return done and socket.gethostbyname(INSIDE) == "127.0.0.1"
    return False


def check_addresses(store):
    """What no other node would call is not told."""
    for place in ("127.0.0.1:5512", "10.0.0.1:5512", "11.0.0.1:22", "localhost:5512", "11.0.0.1"):
        store.run("serve", "--listen", "127.0.0.1:0", "--advertise", place, exits=(64,))
    store.run("-c", "serve.advertise=127.0.0.1:1", "serve", "--listen", "127.0.0.1:0", exits=(78,))


def check_learning(ana, ben, cyd):
    """Ben tells Ana of himself, and she tells Cyd, once she has reached him."""
    ben.run("peers", "add", "--no-probe", f"https://{ANA}")
    cyd.run("peers", "add", "--no-probe", f"https://{ANA}")
    with serving(ana, ANA, ANA):
        with serving(ben, BEN, BEN):
            eventually(lambda: is_reached(ana, BEN), "Ana has not reached Ben")
        assert peer(ana, ANA) is None, "she has learned of herself"
        cyd.run("sync")
        told = cyd.text("peers", "show", f"https://{BEN}")
        assert re.search(r"^source +learned from 11\.0\.0\.0/16; unproven", told, re.M), told
        assert "1 learned and not reached yet" in cyd.text("status")
        assert len(cyd.text("sync", "--dry-run").splitlines()) == 2
        # Ben is away. That a stranger is, is no failure.
        cyd.run("sync")
        assert peer(cyd, BEN)["state"] == "backoff"
        cyd.run("peers", "unban", f"https://{BEN}")
        assert [one.split()[0] for one in records(cyd)] == [ANA], "Ben's, though he never met him"


def check_use(ben, cyd):
    """When the peer that he was given is gone, the one that he learned of serves him."""
    ben.run("send", "--public", "-m", "from Ben")
    ben.run("mine")
    with serving(ben, BEN, BEN):
        cyd.run("sync", exits=(3,))
        assert is_reached(cyd, BEN)
        assert "it has answered" in cyd.text("peers", "show", f"https://{BEN}")
        assert cyd.objects("status")[0]["height"] == ben.objects("status")[0]["height"] > 0
        bens = [one for one in records(cyd) if one.startswith(BEN)]
        assert len(bens) == 1 and len(records(cyd)) == 2
        return bens[0]


def check_given(dan, record):
    """A record is as good as url and key, if all of it is as it was signed."""
    forged = record.replace("11.1.0.1", "11.1.0.2")
    dan.run("peers", "add", "--no-probe", forged, exits=(64,))
    assert dan.objects("peers") == []
    dan.run("peers", "add", "--no-probe", record)
    (one,) = dan.objects("peers")
    assert one["url"] == f"https://{BEN}" and one["source"] == "config" and len(one["node"]) == 64


def check_squatter(ben, fay, gil):
    """Gil says that he is where Ben is. When another key shows there, his record goes."""
    gil.run("peers", "add", "--no-probe", f"https://{EVE}")
    with serving(fay, EVE, EVE, every="0"), serving(gil, ANA, BEN):
        eventually(lambda: peer(fay, BEN), "Gil has told nothing")
    assert peer(fay, BEN)["source"] == "learned" and peer(fay, BEN)["state"] == "never"
    with serving(ben, BEN, BEN):
        fay.run("sync", exits=(69,))  # That a stranger lied asks nothing of her.
    assert peer(fay, BEN) is None


def check_given_meanwhile(cyd, record):
    """Somebody gives the peer while it is called for a stranger's word: he is not undone."""
    url = f"https://{BEN}"
    with contextlib.suppress(subprocess.CalledProcessError, AssertionError):
        cyd.run("peers", "rm", url)
    cyd.run("peers", "learn", input=record.encode() + b"\n")
    assert peer(cyd, BEN)["source"] == "dht"
    for change, wanted in ((("peers", "add", "--no-probe", url), "config"),
                           (("peers", "rm", url), None)):
        with socket.create_server(tuple(BEN.split(":")[:1]) + (5512,)) as slow:
            slow.settimeout(20)
            calls = cyd.start("sync", url)
            held = slow.accept()[0]
            cyd.run(*change)
            held.close()
            calls.communicate(timeout=30)
        one = peer(cyd, BEN)
        assert (one and one["source"]) == wanted, (change, one)


def check_inside(ana, eve):
    """Eve's address is a name of Ana's own machine: nothing there sees a connection."""
    eve.run("peers", "add", "--no-probe", f"https://{ANA}")
    with socket.socket() as trap:
        trap.bind(("127.0.0.1", 5599))
        trap.listen()
        trap.settimeout(0.2)
        with serving(ana, ANA, ANA), serving(eve, EVE, f"{INSIDE}:5599"):
            url = f"https://{INSIDE}:5599"
            eventually(lambda: any(one["url"] == url and one["state"] == "backoff"
                                   for one in ana.objects("peers")), "Ana has not tried")
            (one,) = [one for one in ana.objects("peers") if one["url"] == url]
            assert "no public address" in one["last_error"], one
            ana.run("peers", "probe", url, exits=(69,))
        with contextlib.suppress(TimeoutError):
            trap.accept()
            raise AssertionError("somebody was led inside")
        with socket.create_connection(("127.0.0.1", 5599)):
            trap.accept()[0].close()  # It would have seen it.


def main():
    try:
        namespaces.enter_own_network()
    except namespaces.NotAllowed as reason:
        print(f"skip: {reason}")
        sys.exit(77)
    for place in (ANA, BEN, EVE):
        namespaces.ip("addr", "add", place.split(":")[0] + "/32", "dev", "lo")
    with workplace() as work:
        ana = new_chain(work / "ana", "Ana")
        genesis = ana.directory / "genesis"
        ben, cyd, dan, eve, fay, gil = (joined(work / name, name.title(), genesis)
                                        for name in ("ben", "cyd", "dan", "eve", "fay", "gil"))
        check_addresses(ana)
        check_learning(ana, ben, cyd)
        bens = check_use(ben, cyd)
        check_given(dan, bens)
        check_given_meanwhile(fay, bens)
        check_squatter(ben, fay, gil)
        if os.geteuid() == 0 and lead_names_inside(work):
            check_inside(ana, eve)
        else:
            print("skipped: names cannot be led astray here")


main()
