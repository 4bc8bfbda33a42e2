#!/usr/bin/env python3
"""Mail on the page over HTTP: what has changed is told over a stream as it happens; conversations,
searching, marking, letters, the outbox and rooms do what the commands do."""
import contextlib
import json
import pathlib
import re
import sys
import threading
import time
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from local_page import link_in, met, page, port_of  # noqa: E402
from page_client import Browser  # noqa: E402

PASSPHRASE = "correct horse"


class Stream:
    """The events of one stream, as they come."""

    def __init__(self, browser, status=200):
        self.line = browser.connection()
        host = f"127.0.0.1:{browser.port}"
        self.line.request("GET", "/api/events", headers={
            "Host": host, "Sec-Fetch-Site": "same-origin", "Cookie": browser.cookie or "",
            "X-Bmsg-Token": browser.token or ""})
        self.answer = self.line.getresponse()
        assert self.answer.status == status, self.answer.status
        if status == 200:
            assert self.answer.getheader("Content-Type").startswith("text/event-stream")
            assert self.answer.getheader("X-Content-Type-Options") == "nosniff"

    def next(self, seconds=20):
        """The next event; None: it has ended. Comments are passed over."""
        self.answer.fp.raw._sock.settimeout(seconds)
        kind = data = None
        while True:
            line = self.answer.fp.readline().decode()
            if not line:
                return None
            if line.startswith("event: "):
                kind = line[7:].strip()
            if line.startswith("data: "):
                data = json.loads(line[6:])
            if line == "\n" and data is not None:
                assert kind == "state" and data["type"] == "state", (kind, data)
                return data

    def close(self):
        self.line.close()


def check_events(ana, ben, browser):
    """The first event says how things stand; each change by whomever is told within half a second,
    nothing where nothing changes, and the end of the session ends it."""
    Stream(Browser(browser.port), status=401).close()
    with contextlib.closing(Stream(browser)) as stream:
        first = stream.next()
        assert first["height"] == ana.objects("status")[0]["height"]
        for round_trip in range(3):
            began = time.monotonic()
            ana.run("send", "-m", f"letter {round_trip}", "ben")
            sent = time.monotonic()
            told = stream.next()
            assert told["outbox"] != first["outbox"], told
            late = time.monotonic() - sent
            assert late < 2, f"told after {late:.2f} s, the command took {sent - began:.2f} s"
            first = told
        ana.run("mine", "--no-relay")
        while stream.next()["height"] != ana.objects("status")[0]["height"]:
            pass
        newest = ana.objects("inbox")[0]["id"]
        before = stream_is_quiet(stream)
        ana.run("mark", "+flagged", newest)
        assert stream.next(), "flags are a change"
        ana.run("mark", "+unread", newest)
        while stream.next()["unread"] != 1:
            pass
        assert before is not None
        stream_is_quiet(stream)
        browser.get("conversations")
        browser.get("inbox")
        stream_is_quiet(stream)


def stream_is_quiet(stream):
    """Nothing comes for a second, once what was under way has come: looking changes nothing."""
    for _ in range(10):
        try:
            stream.next(seconds=1)
        except (TimeoutError, OSError):
            # After a timeout http.client reads no more from this file: go on by the socket.
            stream.answer.fp = stream.answer.fp.raw._sock.makefile("rb")
            return True
    raise AssertionError("events without an end")


def check_streams_end(directory):
    """By the lock, and by being idle: an open stream keeps nobody awake."""
    secret = directory / "secret"
    secret.write_text(PASSPHRASE + "\n")
    zoe = stores.Store(directory / "zoe")
    zoe.run("--passphrase-file", secret, "init", zoe.directory, "--name", "zoe", "--floor", 8,
            "--stamp", 1)
    named = ("--passphrase-file", secret)
    with page(zoe, *named) as (_, place, file):
        first = link_in(file)
        browser = Browser(port_of(place)).enter(first)
        stream = Stream(browser)
        assert stream.next()
        ticket = browser.post("file/begin", {"name": "a", "size": 0})[0]["file"]
        browser.post("leave")
        assert stream.next() is None
        Stream(browser, status=401)
        browser.enter(link_in(file, first))
        browser.post("unlock", {"passphrase": PASSPHRASE})
        letter = {"public": True, "body": "x", "files": [ticket]}
        browser.post("send", letter, status=404)
    with page(zoe, *named, "-c", "web.idle_lock=2s") as (_, place, file):
        browser = Browser(port_of(place)).enter(link_in(file))
        stream = Stream(browser)
        began = time.monotonic()
        while stream.next() is not None:
            pass
        assert time.monotonic() - began < 15


def conversation(browser, kind, name=""):
    return browser.get(f"conversation?kind={kind}&name={urllib.parse.quote(name)}")


def check_conversations(ana, ben, browser):
    """As the mail layer knows them; counted, filtered, and marked as the command does."""
    ben_address = ben.text("id")
    ana.run("send", "--public", "-m", "to all")
    ana.run("mine", "--no-relay")
    all_of = browser.get("conversations")
    one = next(each for each in all_of if each["kind"] == "with")
    assert (one["name"], one["title"], one["trust"]) == (ben_address, "ben", "known"), one
    assert one["unread"] == 1 and one["messages"] == 4 and one["newest"]["type"] == "message"
    public = next(each for each in all_of if each["kind"] == "public")
    assert public["name"] is None and public["snippet"] == "to all"
    said = conversation(browser, "with", ben_address)
    assert [each["body"] for each in said] == ["letter 2", "letter 1", "letter 0", "Hello ana"]
    assert [each["body"] for each in conversation(browser, "public")] == ["to all"]
    assert conversation(browser, "with", ana.text("id")) == []
    assert len(browser.get(f"conversation?kind=with&name={ben_address}&count=2")) == 2
    public_id = conversation(browser, "public")[0]["id"]
    for chosen, count in (("has=archived", 0), ("lacks=archived", 4), ("has=unread", 1),
                          ("lacks=unread", 3), ("has=unread&lacks=archived", 1)):
        found = browser.get(f"conversation?kind=with&name={ben_address}&{chosen}")
        assert len(found) == count and public_id not in {each["id"] for each in found}, chosen
    for bad in ("kind=nobody&name=", "name=x", f"kind=with&name={ben_address}&count=0"):
        browser.get("conversation?" + bad, status=400)
    assert [each["kind"] for each in browser.get("conversations?which=unread")] == ["with"]
    assert [each["kind"] for each in browser.get("conversations?which=public")] == ["public"]
    assert browser.get("conversations?which=archived") == []
    browser.get("conversations?which=other", status=400)
    ids = [each["id"] for each in said]
    changed = browser.post("mark", {"ids": ids, "changes": ["+archived", "-unread"]})
    assert {each["id"] for each in changed} == set(ids)
    assert all(each["flags"] == ["archived"] or "flagged" in each["flags"] for each in changed)
    assert [each["id"] for each in ana.objects("inbox")] == []
    assert [each["kind"] for each in browser.get("conversations")] == ["public"]
    assert browser.get("conversations?which=archived")[0]["messages"] == 4
    for body in ({"ids": ids, "changes": ["+nonsense"]}, {"ids": ["aa"], "changes": ["-unread"]},
                 {"ids": [], "changes": ["-unread"]}, {"ids": ids}):
        browser.post("mark", body, status=400)
    browser.post("mark", {"ids": ["0" * 128], "changes": ["-unread"]}, status=404)
    browser.post("mark", {"ids": ids, "changes": ["-archived"]})
    for typed, count in (("letter", 3), ('"letter 1"', 1), ("LETTER 2", 1), ("hello ana", 1),
                         ("nowhere", 0)):
        found = browser.get("search?q=" + urllib.parse.quote(typed))
        assert len(found) == count, (typed, found)
        terms = [term for term in re.findall(r'"([^"]*)"|(\S+)', typed)]
        words = [one or other for one, other in terms]
        theirs = ana.objects("search", *words) + ana.objects("search", "--sent", *words)
        assert {each["id"] for each in found} == {each["id"] for each in theirs}, typed
    browser.get("search?q=", status=400)
    browser.get("search", status=400)


def check_letters(ana, ben, browser):
    """Signed or not, with an end, as large as the chain takes and no larger."""
    limit = browser.get("limits")[0]
    assert limit["maxmessage"] == 65536 and limit["minttl"] < limit["maxttl"]
    browser.post("send", {"to": ["ben"], "body": "nobody knows", "sign": False, "expires": "1d"})
    ana.run("mine", "--no-relay")
    with ana.served() as url:
        ben.run("sync", url)
    got = next(one for one in ben.objects("inbox", "--bodies") if one["body"] == "nobody knows")
    assert got["from"] is None and got["signature"] == "absent"
    for letter in ({"to": ["ben"], "body": "x" * 65536}, {"to": ["ben"], "body": "x", "sign": 1},
                   {"to": ["ben"], "body": "x", "expires": "1s"},
                   {"to": ["ben"], "body": "x", "attachments": ["/etc/passwd"]},
                   {"to": ["ben"], "body": "x", "files": "x"}, {"to": ["ben"], "body": ""}):
        browser.post("send", letter, status=400)
    small = browser.post("estimate", {"to": ["ben"], "body": "x"})[0]
    assert small["bytes"] <= small["limit"] and small["recipients"] == 1 and small["chunks"] == 0
    browser.post("estimate", {"to": ["zoe"], "body": "x"}, status=422)


def check_outbox(ana, browser):
    """Taken back while nobody has it; not any more once a node has."""
    first = browser.post("send", {"to": ["ben"], "body": "taken back"})[0]["id"]
    assert browser.post("outbox/cancel", {"id": first})[0]["state"] == "cancelled"
    assert first not in {one["id"] for one in browser.get("outbox")}
    browser.post("outbox/cancel", {"id": first}, status=404)
    second = browser.post("send", {"to": ["ben"], "body": "goes"})[0]["id"]
    browser.post("outbox/retry", {"id": second})
    browser.post("mine")
    browser.post("outbox/cancel", {"id": second}, status=503)
    again = browser.post("resend", {"id": second})[0]
    assert again["state"] == "queued" and again["id"] != second
    for what in ("outbox/cancel", "outbox/retry", "resend"):
        browser.post(what, {"id": "--help"}, status=400)
        browser.post(what, {"id": second[:12]}, status=400)


def check_rooms(ana, ben, browser):
    """Made, shown, given to others, taken from them, written to, left."""
    assert browser.get("rooms") == []
    made = browser.post("room", {"verb": "create", "name": "pub", "members": ["ben"]})[0]
    assert made["name"] == "pub" and made["members"] == ["ben"]
    assert [one["name"] for one in browser.get("rooms")] == ["pub"]
    assert browser.get("rooms")[0] == ana.objects("room", "list")[0]
    browser.post("send", {"to": ["pub"], "body": "hello all"})
    browser.post("mine")
    with ana.served() as url:
        ben.run("sync", url)
    for all_of in (ben.objects("inbox", "--room", "pub", "--bodies"),
                   conversation(browser, "room", "pub")):
        assert [one["body"] for one in all_of] == ["hello all"]
    assert [one["name"] for one in browser.get("conversations") if one["kind"] == "room"] == ["pub"]
    epoch = browser.post("room", {"verb": "rotate", "name": "pub"})[0]["epoch"]
    assert epoch == made["epoch"] + 1
    assert browser.post("room", {"verb": "remove", "name": "pub", "members": ["ben"]})[0][
        "members"] == []
    assert browser.post("room", {"verb": "invite", "name": "pub", "members": ["ben"],
                                 "history": "none"})[0]["members"] == ["ben"]
    ben_again = {"verb": "invite", "name": "pub", "members": ["ben"]}
    for body, status in (({"verb": "create", "name": "pub"}, 409), ({"verb": "leave"}, 400),
                         ({"verb": "drop", "name": "pub"}, 400),
                         ({"verb": "create", "name": "--help"}, 400),
                         (ben_again | {"members": ["zoe"]}, 422),
                         (ben_again | {"history": "some"}, 400),
                         ({"verb": "leave", "name": "nowhere"}, 422)):
        browser.post("room", body, status=status)
    browser.post("room", {"verb": "leave", "name": "pub"})
    assert [one for one in browser.get("rooms") if one["type"] == "contact"] == []


def check_progress(directory):
    """A search tells its rate, a mean and a bound."""
    hard = stores.Store(directory / "hard")
    hard.run("init", hard.directory, "--name", "ana", "--floor", 60, "--stamp", 1,
             "--no-passphrase")
    with page(hard) as (_, place, file):
        browser = Browser(port_of(place)).enter(link_in(file))
        assert browser.get("progress") == []
        answers = []
        other = browser_like(browser)
        search = threading.Thread(target=lambda: answers.extend(other.post("mine")))
        search.start()
        told = []
        deadline = time.monotonic() + 30
        while not (told and told[0]["rate"]) and time.monotonic() < deadline:
            told = browser.get("progress")
        assert told[0]["phase"] == "mine" and told[0]["p95_s"] > told[0]["expected_s"] > 0, told
        browser.post("mine/stop")
        search.join(30)
        assert answers[0]["type"] == "summary" and browser.get("progress") == []


def check_stop(directory):
    """A letter whose stamp would take for minutes: stopped, it was not sent."""
    dear = stores.Store(directory / "dear")
    dear.run("init", dear.directory, "--name", "ana", "--floor", 8, "--stamp", 500,
             "--no-passphrase")
    with page(dear) as (_, place, file):
        browser = Browser(port_of(place)).enter(link_in(file))
        before = browser.get("outbox")
        answers = []
        other = browser_like(browser)
        letter = {"to": [], "public": True, "body": "dear " * 12_000, "expires": "365d"}
        sending = threading.Thread(
            target=lambda: answers.extend(other.post("send", letter, status=503)))
        sending.start()
        deadline = time.monotonic() + 30
        while sending.is_alive() and time.monotonic() < deadline:
            browser.post("send/stop")  # Until it has begun this stops nothing.
            time.sleep(0.05)
        sending.join(30)
        assert "stopped before" in answers[0]["message"], answers
        assert browser.get("outbox") == before


def browser_like(browser):
    other = Browser(browser.port)
    other.cookie, other.token = browser.cookie, browser.token
    return other


def main():
    with stores.workplace() as directory:
        ana, ben = met(directory)
        with page(ana) as (_, place, file):
            browser = Browser(port_of(place)).enter(link_in(file))
            check_events(ana, ben, browser)
            check_conversations(ana, ben, browser)
            check_letters(ana, ben, browser)
            check_outbox(ana, browser)
            check_rooms(ana, ben, browser)
        check_progress(directory)
        check_stop(directory)
        check_streams_end(directory)


main()
