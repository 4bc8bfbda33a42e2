#!/usr/bin/env python3
"""JSON-RPC at `bmsg web --rpc` as it is on the wire: batches, ids, content types, sizes; no other
page and no other name gets in, nothing is there without --rpc, and a lock closes the keys."""
import contextlib
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
import web_socket  # noqa: E402
from local_page import link_in, page, port_of  # noqa: E402
from rpc_program import Program  # noqa: E402

PASSPHRASE = "correct horse"
STRANGER = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "stranger"
MOST = 5 << 20
SEARCHES = 8
LOCKED = "keyring is locked: run bmsg unlock or open the page"


def check_texts(program):
    version = {"jsonrpc": "2.0", "id": 1, "method": "shh_version"}
    assert program.post(version) == {"jsonrpc": "2.0", "id": 1, "result": "6.0"}
    assert program.answer.getheader("Content-Type") == "application/json"
    for number in (0, 9007199254740991, "x", -1, None):
        assert program.post(version | {"id": number})["id"] == number
    assert program.post({"jsonrpc": "2.0", "method": "shh_version"}) is None
    both = program.post([version, version | {"id": 2, "method": "shh_no"}, 7])
    assert [one["id"] for one in both] == [1, 2, None]
    assert [one.get("error", {}).get("code") for one in both] == [None, -32601, -32600]
    for text, code in (("{", -32700), (b"\xff", -32700), ("[]", -32600), ("7", -32600),
                       ("[" * 100, -32700)):
        assert program.post(text)["error"]["code"] == code, text
    assert program.post([version] * 1000)[999]["result"] == "6.0"
    assert program.post([version] * 1001)["error"]["code"] == -32600
    assert program.post(version | {"params": {}})["error"] == {
        "code": -32602, "message": "non-array args"}
    assert program.refusal("shh_subscribe", "messages", {}) == "notifications not supported"


def check_http(program):
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "shh_version"})
    for kind, status in (("application/json", 200), ("application/json; charset=utf-8", 200),
                         ("application/json-rpc", 200), ("application/jsonrequest", 200),
                         ("text/plain", 415), ("application/x-www-form-urlencoded", 415),
                         ("multipart/form-data", 415), (None, 415)):
        said = program.post(text, status=status, Content_Type=kind)
        assert ("error" in said) == (status != 200), said
    for method in ("OPTIONS", "PUT", "DELETE"):
        program.ask(method, status=405)
    assert "<html" in program.ask("GET"), "the page"
    padded = text[:-1] + " " * (MOST - len(text)) + "}"
    assert program.post(padded)["result"] == "6.0"
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", program.port)) as line:
        line.putrequest("POST", "/")
        line.putheader("Content-Type", "application/json")
        line.putheader("Content-Length", str(MOST + 1))
        line.endheaders()
        assert line.getresponse().status == 413


def check_strangers(program):
    """Neither another name nor another page, by HTTP and as a WebSocket."""
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "shh_newSymKey"})
    own = f"http://127.0.0.1:{program.port}"
    assert program.handshake() == 101 and program.handshake(Origin=own) == 101
    assert "result" in program.post(text, Origin=own, Sec_Fetch_Site="same-origin")
    for host in ("evil.example", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1.nip.io:{program.port}",
                 f"localhost.:{program.port}", f"evil.example:{program.port}", "[::1]", "0"):
        assert "error" in program.post(text, status=421, Host=host)
        assert program.handshake(Host=host) == 421, host
    for origin in ("null", "", "http://evil.example", f"http://localhost:{program.port}",
                   "https" + own[4:], own + "/", "file://", f"http://127.0.0.1:{program.port + 1}",
                   "http://127.0.0.1"):
        assert "error" in program.post(text, status=403, Origin=origin)
        assert program.handshake(Origin=origin) == 403, origin
    for site in ("cross-site", "same-site", "none"):
        assert "error" in program.post(text, status=403, Sec_Fetch_Site=site)
        assert program.handshake(Sec_Fetch_Site=site) == 403, site
    assert program.handshake(Upgrade="h2c") == 200, "the page"
    for changed in ({"Upgrade": "WebSocket", "Sec_WebSocket_Key": "x"}, {"Sec_WebSocket_Key": None},
                    {"Sec_WebSocket_Version": "12"}, {"Connection": "keep-alive"}):
        assert program.handshake(**changed) in (400, 426), changed
    assert program.handshake("/api/state") == 401, "a token of the page"
    assert program.handshake("/chain") == 404


def check_locked(directory):
    """The page's lock wipes the keys; a passphrase there, or a new agent, brings them back."""
    secret = directory / "secret"
    secret.write_text(PASSPHRASE + "\n")
    zoe = stores.Store(directory / "zoe")
    zoe.run("--passphrase-file", secret, "init", zoe.directory, "--name", "zoe", "--floor", 8,
            "--stamp", 1)
    with page(zoe, "--passphrase-file", str(secret), extra=("--rpc",)) as (_, place, file):
        program = Program(port_of(place))
        key = program.result("shh_newSymKey")
        assert program.result("shh_hasSymKey", key)
        name = program.result("shh_newMessageFilter", {"symKeyID": key})
        enter(program, link_in(file))
        for one in (("shh_newSymKey",), ("shh_hasSymKey", key), ("shh_getFilterMessages", name),
                    ("shh_post", {"symKeyID": key, "topic": "0x01020304"})):
            assert program.refusal(*one) == LOCKED, one
        assert program.result("shh_version") == "6.0"
        zoe.run("--passphrase-file", secret, "unlock")
        for _ in range(100):
            if "result" in program.call("shh_hasSymKey", key):
                break
            time.sleep(0.1)
        assert program.result("shh_hasSymKey", key)
        program.result("shh_setMinPoW", 0)
        program.result("shh_post", {"symKeyID": key, "topic": "0x01020304", "payload": "0x01"})
        for _ in range(100):
            found = program.result("shh_getFilterMessages", name)
            if found:
                break
            time.sleep(0.1)
        assert [one["payload"] for one in found] == ["0x01"]
        zoe.run("lock")
    with page(zoe, "--passphrase-file", str(secret), extra=("--rpc",)) as (_, place, _):
        assert Program(port_of(place)).result("shh_hasSymKey", key), "kept"


def enter(program, link):
    """Goes in by the page and locks it."""
    host = f"http://127.0.0.1:{program.port}"
    session = json.loads(program.ask("POST", json.dumps({"token": link}), target="/api/enter",
                                     Origin=host))
    cookie = program.answer.getheader("Set-Cookie").split(";")[0]
    program.ask("POST", "{}", target="/api/leave", Origin=host, Cookie=cookie,
                X_Bmsg_Token=session["token"])
    for _ in range(100):
        if "error" in program.call("shh_newSymKey"):
            return
        time.sleep(0.1)


def check_without(store):
    with page(store) as (_, place, _):
        program = Program(port_of(place))
        program.ask("POST", "{}", status=405)
        assert program.handshake() == 200, "the page, and no more"
    for words in (("--any-user",), ("--unsafe-export",), ("--rest", "--unsafe-export")):
        store.run("web", "--link-file", store.directory.parent / "link", *words, exits=(64,))


def check_socket(store):
    """Who stands at a unix socket is known as well; the port of a name there does not matter."""
    path = str(store.directory.parent / "s")
    with page(store, listen=f"unix:{path}", extra=("--rpc",)):
        program = Program(None, path)
        text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "net_listening"})
        assert program.post(text, Host="localhost")["result"] is False
        with store.served():
            assert program.post(text, Host="localhost:7")["result"] is True
        program.post(text, Host="evil.example", status=421)


def check_other_user(store):
    if os.geteuid() != 0:
        print("note: not root, so nobody else could ask")
        return
    text = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "shh_version"})
    for extra, status in ((("--rpc",), 403), (("--rpc", "--any-user"), 200)):
        with page(store, extra=extra) as (_, place, _):
            port = port_of(place)
            child = os.fork()
            if child == 0:
                os.setuid(65534)
                try:
                    Program(port).post(text, status=status)
                    assert Program(port).handshake() == (101 if status == 200 else 403)
                    os._exit(0)
                finally:
                    os._exit(1)
            assert os.waitpid(child, 0)[1] == 0, extra


def check_second_machine(store):
    """Keys go where their owner goes."""
    directory = store.directory.parent
    with page(store, extra=("--rpc",)) as (_, place, _):
        key = Program(port_of(place)).result("shh_newKeyPair")
        public = Program(port_of(place)).result("shh_getPublicKey", key)
    files = (directory / "pair", "--code-file", directory / "code")
    store.run("pair", "export", *files)
    second = stores.Store(directory / "second")
    second.run("init", second.directory, "--no-identity", "--genesis",
               store.directory / "genesis", "--no-passphrase")
    second.run("pair", "import", *files)
    with page(second, extra=("--rpc",)) as (_, place, _):
        assert Program(port_of(place)).result("shh_getPublicKey", key) == public


def check_unknown_signer(store):
    """What a key of these clients has signed is no known person's word, wherever it is shown."""
    card = store.directory.parent / "card"
    card.write_bytes(store.run("id", "--card"))
    subprocess.run([STRANGER, store.directory / "genesis", card, store.directory / "outbox", "eve",
                    "hello", "pair"], input=b"I am ana", check=True)
    store.run("mine", "--no-relay")
    listed = next(one for one in store.objects("inbox") if one["subject"] == "hello")
    assert (listed["from"], listed["signature"], listed["trust"]) == (None, "good", "unknown")
    said = store.text("read", listed["id"]).splitlines()
    assert re.fullmatch(r"from    secp256k1 key 04[0-9a-f]{16} \(unknown\)", said[1]), said
    assert "signed  good, unknown" in said, said
    store.run("verify", "--full")


def check_stop(store):
    """A search for a stamp that would take for ever ends when the command ends."""
    with page(store, extra=("--rpc",)) as (_, place, _):
        program = Program(port_of(place))
        key = program.result("shh_newSymKey")
        asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "shh_post", "params": [{
            "symKeyID": key, "topic": "0x01020304", "powTarget": 1e9, "powTime": 4000}]})
        line = http.client.HTTPConnection("127.0.0.1", program.port, timeout=60)
        line.request("POST", "/", asked, {"Content-Type": "application/json"})
        time.sleep(0.3)
        assert program.result("shh_version") == "6.0"
        began = time.monotonic()
        assert isinstance(program.result("shh_newMessageFilter", {"symKeyID": key}), str)
        assert time.monotonic() - began < 5, "others wait for no stamp"
    line.close()


def by_post(program, text):
    line = http.client.HTTPConnection("127.0.0.1", program.port, timeout=60)
    line.request("POST", "/", text, {"Content-Type": "application/json"})
    return line


def by_socket(program, text):
    line = web_socket.WebSocket(("127.0.0.1", program.port))
    line.say(text)
    return line


def check_leavers(store):
    """As many searches that would take for ever as are made at once: calls about keys wait for none,
    and once those who asked have left, somebody else's post is made."""
    with page(store, extra=("--rpc",)) as (_, place, _):
        program = Program(port_of(place))
        key = program.result("shh_newSymKey")
        post = {"symKeyID": key, "topic": "0x01020304", "payload": "0x00"}
        asked = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "shh_post", "params": [
            post | {"powTarget": 1e12, "powTime": 100_000}]})
        program.result("shh_setMinPoW", 0)
        for way in (by_post, by_socket):
            lines = [way(program, asked) for _ in range(SEARCHES)]
            for _ in range(20):
                assert program.result("shh_hasSymKey", key)
                assert isinstance(program.result("shh_newSymKey"), str)
            for line in lines:
                line.close()
            assert len(program.result("shh_post", post)) == 66


def main():
    with stores.workplace() as directory:
        ana = stores.new_chain(directory / "ana", "ana")
        with page(ana, extra=("--rpc",)) as (_, place, _):
            program = Program(port_of(place))
            check_texts(program)
            check_http(program)
            check_strangers(program)
        check_without(ana)
        check_socket(ana)
        check_other_user(ana)
        check_stop(ana)
        check_leavers(ana)
        check_second_machine(ana)
        check_unknown_signer(ana)
        check_locked(directory)


if __name__ == "__main__":
    main()
