#!/usr/bin/env python3
"""Five nodes of one /24 wait for news at a sixth, which lets four connections of that subnet in.
None locks the others out: each is let in, the oldest that waits is answered at once, and who asks
something beside them gets an answer. What one address may have at once and in a minute is set."""
import contextlib
import pathlib
import select
import socket
import ssl
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import namespaces
import stores

PORT = 5512
HUB = "11.0.0.1"
WAITERS = [f"11.0.0.{number}" for number in range(2, 7)]
LAST = "11.0.0.7"
WAITING = 2
AT_ONCE = 2


def call(address):
    """A connection from there, as the certificate of a node is no authority's."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    plain = socket.create_connection((HUB, PORT), timeout=10, source_address=(address, 0))
    return context.wrap_socket(plain)


def ask(connection, target):
    connection.sendall(f"GET /bmsg/1/{target} HTTP/1.1\r\nHost: a\r\n\r\n".encode())


def answer(connection):
    """The body of what was asked last."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65536) or sys.exit("closed without an answer")
    head, _, body = got.partition(b"\r\n\r\n")
    assert b" 200 " in head.splitlines()[0], head
    size = int(next(line.split(b":")[1] for line in head.lower().splitlines()
                    if line.startswith(b"content-length")))
    while len(body) < size:
        body += connection.recv(65536) or sys.exit("closed within an answer")
    return body


def is_quiet(connection):
    return not connection.pending() and not select.select([connection], [], [], 0.5)[0]


def check_waiting(running):
    with call(LAST) as first:
        ask(first, "feed")
        cursor = answer(first).decode().splitlines()[-1].removeprefix("c ")
    waiting = []
    for address in WAITERS:
        connection = running.enter_context(call(address))
        ask(connection, f"feed?since={cursor}&wait=50")
        waiting.append(connection)
        if len(waiting) > WAITING:  # One too many: the oldest is answered without news.
            assert cursor.encode() in answer(waiting.pop(0))
        with call(LAST) as other:
            ask(other, "info")
            assert b"height" in answer(other)
    for connection in waiting:
        assert is_quiet(connection)


def fetch(connection, target, code):
    """The bytes of an answer, which must have this code; 0 of a refusal."""
    ask(connection, target)
    got = b""
    while b"\r\n\r\n" not in got:
        got += connection.recv(65536) or sys.exit("closed without an answer")
    head, _, body = got.partition(b"\r\n\r\n")
    assert f" {code} ".encode() in head.splitlines()[0], (target, head)
    size = int(next(line.split(b":")[1] for line in head.lower().splitlines()
                    if line.startswith(b"content-length")))
    while len(body) < size:
        body += connection.recv(65536) or sys.exit("closed within an answer")
    return len(head) + 4 + size if code == 200 else 0


def check_at_once(hub):
    """So many requests of one address are under way at once, and one more is refused."""
    with contextlib.ExitStack() as running:
        running.enter_context(hub.served("-c", f"limits.requests_at_once={AT_ONCE}",
                                         listen=f"{HUB}:{PORT}"))
        with call(LAST) as first:
            ask(first, "feed")
            cursor = answer(first).decode().splitlines()[-1].removeprefix("c ")
        for _ in range(AT_ONCE - 1):
            ask(running.enter_context(call(LAST)), f"feed?since={cursor}&wait=50")
        other = running.enter_context(call(LAST))
        fetch(other, "info", 200)
        ask(other, f"feed?since={cursor}&wait=50")
        assert is_quiet(other)
        fetch(running.enter_context(call(LAST)), "info", 429)
        fetch(running.enter_context(call(WAITERS[0])), "info", 200)  # Another address.


def check_bytes_out(hub):
    """One address is answered until its answers come to so many bytes, and no more."""
    with hub.served("-c", "limits.bytes_out=4000", listen=f"{HUB}:{PORT}"), call(LAST) as one:
        sent = 0
        for _ in range(50):
            if sent >= 4000:
                break
            sent += fetch(one, "genesis", 200)
        assert sent >= 4000
        fetch(one, "genesis", 429)
        with call(WAITERS[0]) as other:
            fetch(other, "genesis", 200)


def main():
    try:
        namespaces.enter_own_network()
    except namespaces.NotAllowed as reason:
        print(f"skip: {reason}")
        sys.exit(77)
    for address in (HUB, *WAITERS, LAST):
        namespaces.ip("address", "add", f"{address}/24", "dev", "lo")
    with stores.workplace() as place:
        hub = stores.new_chain(place / "hub", "hub")
        with contextlib.ExitStack() as running:
            running.enter_context(hub.served(listen=f"{HUB}:{PORT}"))
            check_waiting(running)
        check_at_once(hub)
        check_bytes_out(hub)


main()
