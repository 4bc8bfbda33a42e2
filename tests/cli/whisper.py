#!/usr/bin/env python3
"""Whisper's own client, web3-shh, at `bmsg web --rpc`, over HTTP and over WebSockets: every method,
conversations between two stores whose nodes sync, long posts, a thousand messages without loss or
double, a line that breaks, a restart, a branch that is left, and keys that stay inside."""
import contextlib
import pathlib
import re
import signal
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from whisper import client, installed  # noqa: E402

TOPIC, OTHER_TOPIC = "0x01020304", "0x0a0b0c0d"
PASSWORD_KEY = "0xa82a520aff70f7a989098376e48ec128f25f767085e84d7fb995a9815eebff0a"
MANY = 1000
LOCKED = "keys stay inside: run bmsg web with --unsafe-export"


@contextlib.contextmanager
def gateway(store, *options, port=0):
    """The port where it answers."""
    running = store.start("web", "--rpc", "--listen", f"127.0.0.1:{port}", "--link-file",
                          store.directory.parent / f"{store.directory.name}.link", *options)
    try:
        place = stores.read_line(running.stdout, 30)
        yield int(re.fullmatch(r"listening http://127\.0\.0\.1:(\d+)", place)[1])
    finally:
        running.send_signal(signal.SIGTERM)
        said = running.communicate(timeout=60)
        assert running.returncode == 0 and said == (b"", b""), (running.returncode, said)


def polled(who, name, count, patience=30):
    """So many messages of a filter, however many looks that takes."""
    found = []
    deadline = time.monotonic() + patience
    while len(found) < count and time.monotonic() < deadline:
        found += who.call("getFilterMessages", name)
        time.sleep(0.05)
    assert len(found) == count, (len(found), count)
    return found


def post(with_key, payload, **more):
    return {"symKeyID": with_key, "topic": TOPIC, "payload": payload, "ttl": 100, "powTime": 5,
            "powTarget": 0} | more


def check_keys(who, export):
    pair, symmetric = who.call("newKeyPair"), who.call("newSymKey")
    assert all(re.fullmatch(r"[0-9a-f]{64}", key) for key in (pair, symmetric))
    assert who.call("hasKeyPair", pair) and not who.call("hasKeyPair", symmetric)
    assert who.call("hasSymKey", symmetric) and not who.call("hasSymKey", pair)
    assert re.fullmatch(r"0x04[0-9a-f]{128}", who.call("getPublicKey", pair))
    assert who.refusal("getPublicKey", "nobody") == "invalid id"
    one = "0x" + "00" * 31 + "01"
    added = who.call("addPrivateKey", one)
    assert who.call("getPublicKey", added).startswith("0x0479be667ef9dcbbac55a06295ce870b07")
    shared = who.call("addSymKey", "0x" + "5a" * 32)
    by_word = who.call("generateSymKeyFromPassword", "test")
    if export:
        assert who.call("getPrivateKey", added) == one
        assert who.call("getSymKey", shared) == "0x" + "5a" * 32
        assert who.call("getSymKey", by_word) == PASSWORD_KEY
        assert who.refusal("getPrivateKey", shared) == "invalid id"
        assert who.refusal("getSymKey", added) == "non-existent key ID"
    else:
        assert who.refusal("getPrivateKey", added) == LOCKED
        assert who.refusal("getSymKey", by_word) == LOCKED
    assert who.call("deleteKeyPair", added) is True
    assert who.refusal("deleteKeyPair", added) == "key pair ID not found"
    assert [who.call("deleteSymKey", key) for key in (shared, by_word, by_word)] == [
        True, True, False]
    assert who.refusal("addSymKey", "0x00") == "wrong key size: 1"
    assert who.refusal("addPrivateKey", "00").startswith("invalid argument 0: hex string without")
    assert who.refusal("newMessageFilter", None) == "missing value for required argument 0"
    return pair, symmetric


def check_network(who):
    assert who.call("getVersion") == "6.0"
    assert set(who.call("getInfo")) == {"memory", "messages", "minPow", "maxMessageSize"}
    assert who.call("setMaxMessageSize", 60000) is True
    assert who.call("getInfo")["maxMessageSize"] == 60000
    assert who.call("setMaxMessageSize", 1048576) is True
    assert who.refusal("setMaxMessageSize", 10485761) == \
        "message size too large [10485761>10485760]"
    assert who.refusal("setMinPoW", -1) == "invalid PoW: -1.000000"
    enode = f"enode://{'b' * 128}@127.0.0.1:30303"
    assert who.refusal("markTrustedPeer", enode) == f"could not find peer with ID: {'b' * 128}"
    assert isinstance(who.call("net.getId"), int)
    assert who.call("net.isListening") is True
    assert who.call("net.getPeerCount") == 0


def check_posts(who, pair, symmetric):
    """What a post is refused for, and the work that it is asked for."""
    for changed, why in (({"symKeyID": "x"}, "invalid symmetric key"),
                         ({"symKeyID": None}, "specify either a symmetric or an asymmetric key"),
                         ({"topic": None}, "missing topic(s)"), ({"sig": "x"}, "invalid id"),
                         ({"ttl": "10"}, "invalid argument 0: ttl: not a whole number from 0 to "
                                         "4294967295"),
                         ({"pubKey": "0x04"}, "specify either a symmetric or an asymmetric key"),
                         ({"powTarget": 0.1}, "message rejected, PoW too low")):
        assert who.refusal("post", post(symmetric, "0x01", powTarget=0.2) | changed) == why, why
    assert "pow time (0 seconds) was insufficient" in who.refusal(
        "post", post(symmetric, "0x01", powTarget=5, powTime=0))
    name = who.call("newMessageFilter", {"symKeyID": symmetric, "minPow": 0.2})
    hashed = who.call("post", post(symmetric, "0xabcd", powTarget=0.2, sig=pair))
    got = polled(who, name, 1)[0]
    assert got["hash"] == hashed and re.fullmatch(r"0x[0-9a-f]{64}", hashed)
    assert got["sig"] == who.call("getPublicKey", pair) and got["pow"] >= 0.2
    assert (got["payload"], got["topic"], got["padding"], got["ttl"]) == \
        ("0xabcd", TOPIC, "0x", 3600), got
    assert abs(got["timestamp"] - time.time()) < 130 and "recipientPublicKey" not in got
    assert who.call("deleteMessageFilter", name) is True
    assert who.refusal("deleteMessageFilter", name) == "Unsubscribe: Invalid ID"
    assert who.refusal("getFilterMessages", name) == "filter not found"
    assert who.call("setMinPoW", 0) is True


def check_methods(port, export):
    for url in (f"http://127.0.0.1:{port}", f"ws://127.0.0.1:{port}"):
        with client(url) as who:
            pair, symmetric = check_keys(who, export)
            check_network(who)
            who.call("setMinPoW", 0.2)
            check_posts(who, pair, symmetric)
            both = who.ask(batch=[["getVersion"], ["hasSymKey", symmetric], ["getSymKey", "x"]])
            assert both["result"][:2] == [{"result": "6.0"}, {"result": True}], both
            assert "error" in both["result"][2]
            if url.startswith("http"):
                asked = who.ask(subscribe={"symKeyID": symmetric, "topics": [TOPIC]})
                assert "doesn't support subscriptions" in asked["error"], asked
            else:
                assert who.ask(subscribe={"symKeyID": symmetric})["error"].endswith(
                    "missing topic(s)")
            who.call("deleteKeyPair", pair)
            who.call("deleteSymKey", symmetric)


def check_conversation(ana, ben, exchange):
    """With a key that both have, and each to the key pair of the other; over two nodes."""
    shared = [one.call("addSymKey", "0x" + "77" * 32) for one in (ana, ben)]
    pairs = [one.call("newKeyPair") for one in (ana, ben)]
    public = [one.call("getPublicKey", pair) for one, pair in zip((ana, ben), pairs)]
    for_ben = ben.subscribe(symKeyID=shared[1], topics=[TOPIC], sig=public[0])
    to_ben = ben.subscribe(privateKeyID=pairs[1])
    elsewhere = ben.subscribe(symKeyID=shared[1], topics=[OTHER_TOPIC])
    to_ana = ana.call("newMessageFilter", {"privateKeyID": pairs[0]})
    ana.call("post", post(shared[0], "0x01", sig=pairs[0]))
    ana.call("post", post(shared[0], "0x02"))
    ana.call("post", {"pubKey": public[1], "payload": "0x03", "sig": pairs[0], "powTarget": 0})
    exchange()
    got = {event["of"]: event["message"] for event in ben.messages(2)}
    assert set(got) == {for_ben, to_ben}, got
    assert got[for_ben]["payload"] == "0x01" and got[for_ben]["sig"] == public[0]
    assert got[to_ben]["payload"] == "0x03" and got[to_ben]["recipientPublicKey"] == public[1]
    ben.call("post", {"pubKey": public[0], "payload": "0x04", "powTarget": 0})
    exchange()
    answer = polled(ana, to_ana, 1)[0]
    assert answer["payload"] == "0x04" and "sig" not in answer
    ben.nothing()
    for name in (for_ben, to_ben, elsewhere):
        assert ben.ask(unsubscribe=name).get("result") is True
    return shared


def check_long(ana, ben, shared, exchange):
    long = "0x" + "5e" * 60000
    name = ben.subscribe(symKeyID=shared[1], topics=[TOPIC])
    ana.call("post", post(shared[0], long))
    exchange()
    assert ben.messages(1)[0]["message"]["payload"] == long
    for size, why in ((65000, "(chain rule maxmessage)"), (65537, "too large [65537>65536]")):
        assert ana.refusal("post", post(shared[0], "0x" + "5e" * size)).endswith(why), size
    ben.ask(unsubscribe=name)
    name = ana.call("newMessageFilter", {"symKeyID": shared[0]})
    of_ben = ben.call("newMessageFilter", {"symKeyID": shared[1]})
    ana.many("post", [[post(shared[0], long)]] * 20)
    for _ in range(200):
        if ana.call("getInfo")["messages"] == 20:
            break
        time.sleep(0.1)
    at_once = ana.call("getFilterMessages", name)  # More than the client takes in one frame.
    assert [one["payload"] for one in at_once] == [long] * 20
    exchange()
    polled(ben, of_ben, 20)
    for one, made in ((ana, name), (ben, of_ben)):
        one.call("deleteMessageFilter", made)


def check_many(ana, ben, shared, exchange):
    """Each once, at the one who posts and at the other, by looking and by being told."""
    names = [one.call("newMessageFilter", {"symKeyID": key, "topics": [TOPIC]})
             for one, key in zip((ana, ben), shared)]
    subscriptions = [one.subscribe(symKeyID=key, topics=[TOPIC])
                     for one, key in zip((ana, ben), shared)]
    began = time.monotonic()
    hashes = ana.many("post", [[post(shared[0], f"0x{number:08x}")] for number in range(MANY)])
    posted = time.monotonic() - began
    assert len(set(hashes)) == MANY
    found = [polled(ana, names[0], MANY)]
    exchange()
    found.append(polled(ben, names[1], MANY))
    for one, messages, subscription in zip((ana, ben), found, subscriptions):
        told = one.messages(MANY)
        assert {event["of"] for event in told} == {subscription}
        for all_of_them in (messages, [event["message"] for event in told]):
            assert sorted(message["hash"] for message in all_of_them) == sorted(hashes)
        one.nothing()
        one.ask(unsubscribe=subscription)
    print(f"{MANY} posts in {posted:.1f} s, here and there after {time.monotonic() - began:.1f} s")
    return names


def check_reorg(ana_store, other, ana, ben, shared, names):
    """What was in blocks that are left, and is mined again, is given out no second time."""
    ana_store.run("mine", "--no-relay")
    left = ana_store.objects("log", "-n", 1)[0]
    posted = ana.call("post", post(shared[0], "0x0a"))
    polled(ana, names[0], 1)
    ana_store.run("mine", "--no-relay")
    higher = left["height"] + 3
    other.run("mine", "-n", higher, "--allow-empty", "--no-relay")
    with other.served() as url:
        ana_store.run("sync", url)
    assert ana_store.objects("log", "-n", 1)[0]["height"] == higher, "the other branch won"
    ana_store.run("mine", "--no-relay")
    last = ana.call("post", post(shared[0], "0x0b"))
    assert posted != last
    assert [one["hash"] for one in polled(ana, names[0], 1)] == [last]
    ben.nothing()


def check_break_and_restart(store, port_before, shared):
    """Keys stay, filters go; a client whose line broke comes back and misses nothing new."""
    with client(f"ws://127.0.0.1:{port_before[0]}") as who:
        who.subscribe(symKeyID=shared, topics=[TOPIC])
        port_before[1].close()
        with gateway(store, port=port_before[0]):
            who.event("reconnect")
            assert who.event("subscribed")
            assert who.call("hasSymKey", shared) is True
            who.call("setMinPoW", 0)
            hashed = who.call("post", post(shared, "0x0c"))
            assert who.messages(1)[0]["message"]["hash"] == hashed
            time.sleep(0.5)
            who.nothing()


def main():
    installed()
    with stores.workplace() as directory:
        ana = stores.new_chain(directory / "ana", "ana")
        ben = stores.joined(directory / "ben", "ben", ana.directory / "genesis")
        other = stores.joined(directory / "other", "other", ana.directory / "genesis")
        with contextlib.ExitStack() as stack:
            stack.enter_context(ana.served())
            ben_url = stack.enter_context(ben.served())
            ana_gateway = contextlib.ExitStack()
            stack.enter_context(ana_gateway)
            port = ana_gateway.enter_context(gateway(ana, "--unsafe-export"))
            check_methods(port, export=True)
            ben_port = stack.enter_context(gateway(ben))
            with client(f"ws://127.0.0.1:{ben_port}") as told, \
                    client(f"ws://127.0.0.1:{port}") as tells:
                for one in (told, tells):
                    one.call("setMinPoW", 0)
                shared = check_conversation(tells, told, lambda: ana.run("sync", ben_url))
                check_long(tells, told, shared, lambda: ana.run("sync", ben_url))
                names = check_many(tells, told, shared, lambda: ana.run("sync", ben_url))
                check_reorg(ana, other, tells, told, shared, names)
            check_methods(ben_port, export=False)
            check_break_and_restart(ana, (port, ana_gateway), shared[0])


if __name__ == "__main__":
    main()
