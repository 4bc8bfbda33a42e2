"""Bytes over a socket to a node that serves, as no client of ours would send them."""
import os
import pathlib
import re
import resource
import socket
import time

import stores


def address_of(url):
    host, port = url.removeprefix("http://").rsplit(":", 1)
    return host, int(port)


def more_descriptors():
    """Lets this process and what it starts have as many sockets as the system allows; how many."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


def exchange(address, request, seconds=15, half_close=False):
    """All that comes back for some bytes until the node closes; fails if it never does."""
    got = b""
    with socket.create_connection(address, timeout=seconds) as wire:
        try:
            wire.sendall(request)
            if half_close:
                wire.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # It may have had enough before it has all.
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                piece = wire.recv(65536)
            except ConnectionResetError:
                return got
            if not piece:
                return got
            got += piece
    raise AssertionError(f"still open after {seconds} s: {request[:80]!r} got {got[:80]!r}")


def get(target, host="a", version="1.1", more=""):
    return f"GET {target} HTTP/{version}\r\nHost: {host}\r\n{more}\r\n".encode("latin-1")


def probe(address, seconds=2):
    """Seconds that an honest caller waits for an answer; fails if it takes longer."""
    began = time.monotonic()
    answer = exchange(address, get("/bmsg/1/info", more="Connection: close\r\n"),
                      seconds * stores.PATIENCE)
    assert answer.startswith(b"HTTP/1.1 200 "), answer[:100]
    return time.monotonic() - began


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def resident(process):
    """Bytes of memory that a process has in use; nothing where most are a sanitizer's."""
    if stores.SANITIZED:
        return 0
    status = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024


def within(seconds, condition, what):
    """Waits for a condition; how long it took. Fails when it takes longer."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < seconds * stores.PATIENCE, f"{what}: not within {seconds} s"
        time.sleep(0.05)
    return time.monotonic() - began
