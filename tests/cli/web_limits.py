#!/usr/bin/env python3
"""What anybody could ask too much of `bmsg web`: bodies far too long are refused before they are
read, at every route; and streams beyond the limit, while the page is answered all the same."""
import pathlib
import socket
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import page_routes  # noqa: E402
import raw_http  # noqa: E402
import stores  # noqa: E402
from local_page import link_in, page, port_of  # noqa: E402
from page_client import Browser  # noqa: E402

LONG = 10_000_000
LONGER = 20_000_000  # Where a block may come, which is long itself.
SENT = 65536
STREAMS_MAX = 1024
BEYOND = 20
DESCRIPTORS = STREAMS_MAX + 200
SKIPPED = 77


def post(browser, target, size):
    """The status of a POST that claims so much and sends a small part of it."""
    host = f"127.0.0.1:{browser.port}"
    head = (f"POST {target} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\n"
            f"Sec-Fetch-Site: same-origin\r\nCookie: {browser.cookie}\r\n"
            f"X-Bmsg-Token: {browser.token}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {size}\r\n\r\n")
    answer = raw_http.exchange(("127.0.0.1", browser.port), head.encode() + b"x" * SENT,
                               half_close=True)
    return int(answer.split()[1])


def check_bodies(store):
    for extra, size in (((), LONG), (("--rpc",), LONG), (("--rest", "--rpc"), LONGER)):
        with page(store, extra=extra) as (running, place, file):
            browser = Browser(port_of(place)).enter(link_in(file))
            before = raw_http.resident(running)
            targets = page_routes.calls() + [target for method, target in page_routes.PROGRAMS
                                             if method == "POST"]
            for target in targets:
                assert post(browser, target, size) == 413, (extra, target)
            grown = raw_http.resident(running) - before
            assert grown < size, f"{grown} bytes more are held"
            assert browser.get("state")[0]["type"] == "state", "still in"


def stream(browser):
    """An event stream, or None if there is to be none."""
    host = f"127.0.0.1:{browser.port}"
    line = socket.create_connection(("127.0.0.1", browser.port), timeout=30)
    line.sendall(f"GET /api/events HTTP/1.1\r\nHost: {host}\r\nCookie: {browser.cookie}\r\n"
                 f"X-Bmsg-Token: {browser.token}\r\nSec-Fetch-Site: same-origin\r\n\r\n".encode())
    status = int(line.recv(12).split()[1])
    if status == 200:
        return line
    line.close()
    assert status == 503, status
    return None


def check_streams(store):
    with page(store) as (running, place, file):
        browser = Browser(port_of(place)).enter(link_in(file))
        streams = [stream(browser) for _ in range(STREAMS_MAX)]
        assert None not in streams, streams.index(None)
        assert [stream(browser) for _ in range(BEYOND)] == [None] * BEYOND
        assert len(browser.ask("GET", "/")) > 500
        assert browser.get("state")[0]["type"] == "state"
        streams.pop().close()
        raw_http.within(10, lambda: opened(streams, stream(browser)), "room for another")
        for one in streams:
            one.close()
        raw_http.within(20, lambda: raw_http.descriptors(running) < 200, "all are let go")


def opened(streams, one):
    if one:
        streams.append(one)
    return one is not None


def main():
    if raw_http.more_descriptors() < DESCRIPTORS:
        print(f"skip: a process may not open {DESCRIPTORS} descriptors here")
        return SKIPPED
    with stores.workplace() as directory:
        store = stores.new_chain(directory / "ana", "ana")
        check_bodies(store)
        check_streams(store)
    return 0


if __name__ == "__main__":
    sys.exit(main())
