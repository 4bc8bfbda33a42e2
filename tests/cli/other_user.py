#!/usr/bin/env python3
"""Another user of this machine: of the page he gets nothing without its token, programs of his get
403 unless all users are let in, and no socket of ours lets him near. Only root can be somebody
else."""
import contextlib
import encodings.idna  # noqa: F401  # Needed by http.client, and not to be found by a nobody.
import http.client
import json
import os
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import page_routes  # noqa: E402
import stores  # noqa: E402
import web_socket  # noqa: E402
from local_page import page, port_of  # noqa: E402

NOBODY = 65534
SKIPPED = 77
VERSION = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "shh_version"})
OURS = 0o600


def as_nobody(work):
    """What `work` gives, done by another user."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writer, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as said:
        text = said.read()
    os.waitpid(child, 0)
    assert text, "the other user's program has failed"
    return json.loads(text)


def ask(place, method, target, body=None):
    """The status that an answer has."""
    at_file = isinstance(place, str)
    host = "localhost" if at_file else f"127.0.0.1:{place}"
    headers = {"Host": host}
    if method == "POST":
        headers |= {"Content-Type": "application/json"}
        body = body or "{}"
    if target.startswith("/api/"):
        headers |= {"Sec-Fetch-Site": "same-origin", "Origin": f"http://{host}"}
    line = http.client.HTTPConnection("127.0.0.1", 80 if at_file else place, timeout=60)
    with contextlib.closing(line):
        if at_file:
            line.sock = socket.socket(socket.AF_UNIX)
            line.sock.connect(place)
        line.request(method, target, body, headers)
        return line.getresponse().status


def shake_hands(port):
    """The status that a request to become a WebSocket gets."""
    try:
        web_socket.WebSocket(("127.0.0.1", port)).close()
    except web_socket.Refused as why:
        return int(str(why).split()[1])
    return 101


def refused(work):
    """The name of the error that keeps it from being done; None: it was done."""
    try:
        work()
    except OSError as error:
        return type(error).__name__
    return None


def connect(path):
    with socket.socket(socket.AF_UNIX) as line:
        line.connect(path)


def check_page(store):
    """Every call is asked for its token, whether it looks or changes; the page says nothing."""
    asked = [(method, call) for call in page_routes.calls() for method in ("GET", "POST")]
    with page(store) as (_, place, file):
        port = port_of(place)
        got = dict(zip(asked, as_nobody(lambda: [ask(port, *one) for one in asked])))
        open_to_him = {one: status for one, status in got.items() if status not in (401, 404, 405)}
        assert open_to_him == {("POST", "/api/enter"): 400}, open_to_him
        assert sum(status == 401 for status in got.values()) >= len(page_routes.calls()) - 1, got
        got = as_nobody(lambda: [ask(port, *one) for one in page_routes.PROGRAMS])
        assert min(got) >= 400, got
        assert as_nobody(lambda: refused(file.read_text)) == "PermissionError"
        assert as_nobody(lambda: ask(port, "GET", "/")) == 200


def check_programs(store):
    with page(store, extra=("--rest", "--rpc")) as (_, place, _):
        port = port_of(place)
        got = as_nobody(lambda: [ask(port, *one) for one in page_routes.PROGRAMS])
        assert got == [403] * len(page_routes.PROGRAMS), got
        assert as_nobody(lambda: shake_hands(port)) == 403
        assert as_nobody(lambda: ask(port, "GET", "/api/state")) == 401
        assert ask(port, "GET", "/chain") == 200 and shake_hands(port) == 101, "we may"
    with page(store, extra=("--rest", "--rpc", "--any-user")) as (_, place, _):
        port = port_of(place)
        assert as_nobody(lambda: [ask(port, "GET", "/chain"), ask(port, "POST", "/", VERSION),
                                  shake_hands(port)]) == [200, 200, 101]
        assert as_nobody(lambda: ask(port, "GET", "/api/state")) == 401, "that is no program's"


def check_unix_socket(store):
    """Its mode keeps him out; where somebody has opened that, the kernel still tells who he is."""
    path = str(store.directory.parent / "page.sock")
    with page(store, listen=f"unix:{path}", extra=("--rest", "--rpc")):
        assert os.stat(path).st_mode & 0o777 == OURS
        assert as_nobody(lambda: refused(lambda: connect(path))) == "PermissionError"
        os.chmod(path, 0o666)
        assert as_nobody(lambda: [ask(path, "GET", "/chain"), ask(path, "POST", "/", VERSION),
                                  ask(path, "GET", "/api/state")]) == [403, 403, 401]
        assert ask(path, "GET", "/chain") == 200


def check_store(store):
    """Neither the directory nor what is in it, and behind that each socket by itself."""
    run = store.directory / "run"
    with store.served(), page(store):
        sockets = sorted(run.glob("*.sock"))
        assert sockets, "no node has a socket"
        for place in (store.directory, run, store.directory / "keys"):
            assert place.stat().st_mode & 0o077 == 0, place
            assert as_nobody(lambda: refused(lambda: os.listdir(place))) == "PermissionError"
        for place in (store.directory, run):
            place.chmod(0o755)
        for path in map(str, sockets):
            assert as_nobody(lambda: refused(lambda: connect(path))) == "PermissionError"
            connect(path)
        for place in (store.directory, run):
            place.chmod(0o700)


def main():
    if os.geteuid() != 0:
        print("skip: not root, so nobody else can be tried")
        return SKIPPED
    with stores.workplace() as directory:
        store = stores.new_chain(directory / "ana", "ana")
        directory.chmod(0o755)  # What keeps him out is to be ours.
        check_page(store)
        check_programs(store)
        check_unix_socket(store)
        check_store(store)
    return 0


if __name__ == "__main__":
    sys.exit(main())
