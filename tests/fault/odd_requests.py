#!/usr/bin/env python3
"""Requests that no server may take for two, for a file or for more than it can hold, sent to a node
that serves: one refusal or none, nothing of a file, no word about the program."""
import collections
import ctypes
import os
import pathlib
import re
import signal
import statistics
import struct
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import raw_http  # noqa: E402
import stores  # noqa: E402

MIB = 1 << 20
PUT_MAX = 8 * MIB + 65536  # With framing.
INFO = "/bmsg/1/info"
SECOND = raw_http.get("/bmsg/1/genesis")  # Stands where a body or a second head might be.
TIMED = 200
REFUSALS = {"400", "413", "431", "501"}


def head(*lines, method="POST", target="/bmsg/1/have", version="HTTP/1.1", host="Host: a"):
    first = [f"{method} {target} {version}", *([host] if host else []), *lines]
    return ("\r\n".join(first) + "\r\n\r\n").encode("latin-1")


def odd_requests():
    """By name: what is sent, each with SECOND behind it."""
    found = {}
    for name, value in (("chunked", "chunked"), ("gzip", "gzip"), ("identity", "identity"),
                        ("both", "gzip, chunked"), ("twice", "chunked, chunked"), ("none", ""),
                        ("not quite", "xchunked"), ("quoted", '"chunked"'), ("deflate", "deflate")):
        coding = f"Transfer-Encoding: {value}"
        found[f"coding {name}"] = head(coding) + b"0\r\n\r\n"
        found[f"coding {name}, then length"] = head(coding, "Content-Length: 0") + b"0\r\n\r\n"
        found[f"length, then coding {name}"] = head("Content-Length: 0", coding) + b"0\r\n\r\n"
    for value in ("+0", "-1", "0x0", "0a", "0 0", "0.0", "", "18446744073709551616", "0" * 30, "0, 0",
                  "2147483648", "1e1", "٠"):
        found[f"length {value!r}"] = ("POST /bmsg/1/have HTTP/1.1\r\nHost: a\r\nContent-Length: "
                                      f"{value}\r\n\r\n").encode()
    for lines in (("Content-Length: 0", "Content-Length: 5"), ("Content-Length: 0",) * 2,
                  ("Content-Length : 0",), ("Content-Length\t: 0",), ("X: a\r\n b",), ("X: a\r\n\tb",),
                  ("nothing",), (": 0",), ('"X": 0',), ("X(y): 0",), ("X: a\rb",), ("X: a\0b",),
                  ("X\0y: a",), ("X: \x1b[2J",), ("X: \xe4",), ("Host: b",), ("Host: a",),
                  ("X: y",) * 65, ("X: " + "x" * 10000,)):
        found[f"lines {lines[-1][:20]!r} of {len(lines)}"] = head(*lines)
    for host in (None, "Host:", "Host: a b", "Host: a/b", "Host: u@a"):
        found[f"host {host!r}"] = head(host=host, method="GET", target=INFO)
    for target in ("http://a" + INFO, "bmsg", INFO + "#x", INFO + " x", "*", "a:80", "\\" + INFO):
        found[f"target {target}"] = head(method="GET", target=target)
    for method in ("CONNECT", "TRACE", "BREW", "get", "GE(T", " GET"):
        found[f"method {method}"] = head(method=method, target=INFO)
    for version in ("HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "http/1.1", "HTTP/1.1 ", "HTTP", ""):
        found[f"version {version!r}"] = head(method="GET", target=INFO, version=version)
    found |= {
        "only LF": b"GET /bmsg/1/info HTTP/1.1\nHost: a\n\n",
        "LF after the first line": b"GET /bmsg/1/info HTTP/1.1\nHost: a\r\n\r\n",
        "CR CR LF": b"GET /bmsg/1/info HTTP/1.1\r\r\nHost: a\r\n\r\n",
        "an empty line first": b"\r\nGET /bmsg/1/info HTTP/1.1\r\nHost: a\r\n\r\n",
        "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        "trailers": head("Transfer-Encoding: chunked", "Trailer: X") + b"0\r\nX: 1\r\n\r\n",
        "a long chunk extension": head("Transfer-Encoding: chunked") + b"3;" + b"x" * MIB + b"\r\nabc\r\n",
        "an endless line": b"G" * 100000,
        "a line of 10 MB": b"GET /bmsg/1/info HTTP/1.1\r\nHost: a\r\nX: " + b"x" * (10 * MIB),
    }
    return found


def check_framing(address):
    """One refusal, or a closed connection, and never an answer to SECOND."""
    odd = odd_requests()
    assert len(odd) >= 60, len(odd)
    kinds = collections.Counter()
    for name, request in odd.items():
        answer = raw_http.exchange(address, request + SECOND, half_close=True)
        statuses = re.findall(rb"HTTP/1\.1 (\d+)", answer)
        assert len(statuses) <= 1, (name, answer[:500])
        assert not statuses or statuses[0].decode() in REFUSALS, (name, answer[:500])
        assert b"bmsg 1\nversion" not in answer, (name, "the second was answered")
        assert not answer or b"Connection: close\r\n" in answer, (name, answer)
        kinds[statuses[0].decode() if statuses else "closed"] += 1
    assert kinds.total() - kinds["closed"] >= 60, kinds
    # A body is a body, whatever it looks like; and what is good is answered a hundred times over.
    inside = head(f"Content-Length: {len(SECOND)}", "Connection: close") + SECOND
    assert raw_http.exchange(address, inside).count(b"HTTP/1.1 ") == 1
    many = raw_http.exchange(address, raw_http.get(INFO) * 99 + raw_http.get(
        INFO, more="Connection: close\r\n"))
    assert many.count(b"HTTP/1.1 200 ") == 100, many.count(b"HTTP/1.1 ")
    return f"{len(odd)} odd requests: {dict(kinds)}"


class OpenedFiles:
    """Tells whether anybody opened one of these files (inotify)."""
    IN_OPEN, NONBLOCK = 0x20, 0o4000

    def __init__(self, files):
        libc = ctypes.CDLL(None, use_errno=True)
        self.descriptor = libc.inotify_init1(self.NONBLOCK)
        for file in files:
            assert libc.inotify_add_watch(self.descriptor, os.fsencode(file), self.IN_OPEN) > 0, file

    def count(self):
        try:
            return len(os.read(self.descriptor, 65536)) // struct.calcsize("iIII")
        except BlockingIOError:
            return 0


def traversals(store, chance):
    """Five hundred paths that mean to lead to a file."""
    ups = ("../", "..%2f", "%2e%2e/", ".%2E/", "..\\", "..%5c", "....//", "%252e%252e/", "..%c0%af",
           "..%ef%bc%8f", "/..;/", "../%00", "%c0%ae%c0%ae/", "./", "//")
    ends = (str(store / "keys/node.key").lstrip("/"), "etc/passwd", "keys/node.key", "genesis",
            "keys/keyring", "%2fetc%2fpasswd", "etc/passwd%00.html", "genesis%0d%0aX: y")
    starts = ("/", INFO + "/", "/bmsg/1/", "/bmsg/1/blocks/", "/local/1/", "//", "/bmsg/1/genesis/")
    made = {chance.choice(starts) + chance.choice(ups) * chance.randrange(1, 12) + chance.choice(ends)
            for _ in range(4000)}
    made |= {"/" + "p" * 10240, "/\xe4", "/bmsg/1/" + "../" * 3000}
    return sorted(made, key=len)[-500:]


def check_paths(address, store, chance):
    places = [store / "keys" / "node.key", store / "genesis", pathlib.Path("/etc/passwd")]
    opened = OpenedFiles(places)
    secrets = [place.read_bytes().strip() for place in places]
    assert opened.count() == len(places), "the watch sees nothing"
    kinds = collections.Counter()
    paths = traversals(store, chance)
    for path in paths:
        answer = raw_http.exchange(address, raw_http.get(path, more="Connection: close\r\n"),
                                   half_close=True)
        status = answer[9:12].decode()
        assert status in ("400", "404", "431"), (path, answer[:300])
        assert not any(secret in answer for secret in secrets), path
        kinds[status] += 1
    assert len(paths) == 500 and opened.count() == 0, "a file was opened for a path"
    return f"{len(paths)} paths: {dict(kinds)}, no file was opened"


def check_sizes(address, process):
    """What is too much is cut, and memory does not grow with what is claimed."""
    before = raw_http.resident(process)
    close = "Connection: close"
    put = {"target": "/bmsg/1/put"}
    for length in (2**31, PUT_MAX + 1, 2**40):
        answer = raw_http.exchange(address, head(f"Content-Length: {length}", close, **put) + b"x" * MIB)
        assert answer.startswith(b"HTTP/1.1 413 ") and answer.count(b"HTTP/") == 1, (length, answer)
    whole = raw_http.exchange(address, head(f"Content-Length: {PUT_MAX}", close, **put) + bytes(PUT_MAX))
    assert whole.startswith(b"HTTP/1.1 400 "), whole[:200]  # Of the limit: read, and no pack.
    endless = head("Transfer-Encoding: chunked", close, **put) + (b"10000\r\n" + bytes(65536) + b"\r\n") * 320
    told = raw_http.exchange(address, endless)
    assert told[9:12] in (b"400", b"501", b"") and told.count(b"HTTP/") <= 1, told[:300]
    # A length that is more than comes, and less.
    short = raw_http.exchange(address, head("Content-Length: 1000", **put) + b"x", half_close=True)
    assert short == b"", short
    more = raw_http.exchange(address, head("Content-Length: 8", close) + bytes(8) + SECOND)
    assert more.count(b"HTTP/1.1 ") == 1 and more.startswith(b"HTTP/1.1 200 "), more[:300]
    grown = raw_http.resident(process) - before
    assert grown <= PUT_MAX + 16 * MIB, f"{grown / MIB:.1f} MiB more"
    return f"bodies cut at their limit, {grown / MIB:.1f} MiB more"


def split(answer):
    fields, _, body = answer.partition(b"\r\n\r\n")
    return fields.split(b"\r\n"), body


def check_silence(address, store, chance):
    """Nothing in an answer names program, version, place or time of the machine; what is not there
    is not there in the same words whatever it is."""
    words = [b"server:", b"date:", b"boost", b"beast", b"rocksdb", b"openssl", os.fsencode(store),
             os.fsencode(pathlib.Path.home()), b"/home/", b"x-powered-by", b"via:", b".cc"]
    targets = [INFO, "/bmsg/1/genesis", "/bmsg/1/feed", "/nothing", "/bmsg/1/obj/zz", "/bmsg/1/peers",
               "/bmsg/1/blocks/0/99", "/bmsg/1/headers/1/x", "/local/1/info", "/bmsg/1/receipt/00"]
    close = "Connection: close\r\n"
    answers = [raw_http.exchange(address, raw_http.get(one, more=close)) for one in targets]
    answers += [raw_http.exchange(address, request + SECOND, half_close=True)
                for request in (b"nonsense\r\n\r\n", head("Transfer-Encoding: gzip"))]
    for answer in answers:
        fields, body = split(answer)
        seen = answer if INFO.encode() not in fields[0] else body
        assert not [word for word in words if word in seen.lower()], answer[:500]
    assert answers[0].startswith(b"HTTP/1.1 200 ")
    for kind, size in (("obj", 128), ("obj", 16), ("block", 128)):
        unknown = {raw_http.exchange(address, raw_http.get(
            f"/bmsg/1/{kind}/" + "".join(chance.choices("0123456789abcdef", k=size)), more=close))
            for _ in range(20)}
        assert len(unknown) == 1, unknown
        assert unknown.pop().startswith(b"HTTP/1.1 404 "), kind
    return f"{len(answers)} answers name nothing, and what is unknown is answered alike"


def answering_times(address, store, chance):
    """Medians of how long it takes to answer for a message that is there and for one that is not,
    in turn. Printed and not judged: the status tells the two apart anyway, so that their times hide
    nothing. What must not be told apart are ids that are unknown, which check_silence() judges by the
    whole of their answers."""
    known = store.text("ls-messages", "tip").split()[0]
    waits = {"200": [], "404": []}
    for _ in range(TIMED):
        for name in (known, "".join(chance.choices("0123456789abcdef", k=len(known)))):
            began = time.perf_counter()
            answer = raw_http.exchange(address, raw_http.get(f"/bmsg/1/obj/{name}",
                                                             more="Connection: close\r\n"))
            waits[answer[9:12].decode()].append(time.perf_counter() - began)
    assert len(waits["200"]) == len(waits["404"]) == TIMED, waits
    there, absent = (statistics.median(one) * 1e6 for one in waits.values())
    return f"at the median {there:.0f} us for a known message, {absent:.0f} us for an unknown one"


def main():
    chance = stores.seeded_random()
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        ana.run("mine")
        process = ana.start("serve", "--listen", "127.0.0.1:0", "--sync-every", "0")
        address = raw_http.address_of(
            stores.read_line(process.stdout, 20).removeprefix("listening "))
        raw_http.probe(address)
        print(check_framing(address))
        print(check_paths(address, ana.directory, chance))
        print(check_sizes(address, process))
        print(check_silence(address, ana.directory, chance))
        print(answering_times(address, ana, chance))
        raw_http.probe(address)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0, process.stderr.read()
        process.stdout.close()
        process.stderr.close()


main()
