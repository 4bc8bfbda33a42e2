#!/usr/bin/env python3
"""The page over HTTP: one link lets one browser in, others and other pages get nothing; what it
lists, shows, sends and mines is what the commands do; and it locks."""
import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from local_page import link_in, met, page, port_of  # noqa: E402
from page_client import Browser  # noqa: E402

PASSPHRASE = "correct horse"


def check_way_in(running, browser, file):
    link = link_in(file)
    assert file.stat().st_mode & 0o777 == 0o600
    assert len(browser.ask("GET", "/", Cookie=None)) > 500
    assert browser.answer.getheader("Content-Type") == "text/html"
    for asset, kind in (("app.js", "text/javascript"), ("app.css", "text/css"),
                        ("bootstrap.css", "text/css")):
        browser.ask("GET", f"/{asset}")
        assert browser.answer.getheader("Content-Type") == kind
    browser.get("inbox", status=401)
    browser.post("enter", {"token": "0" * 64}, status=403)
    browser.enter(link)
    assert re.fullmatch(rf"bmsg-{browser.port}=[0-9a-f]{{64}}; HttpOnly; SameSite=Strict; "
                        "Path=/api/", browser.set_cookie), browser.set_cookie
    Browser(browser.port).post("enter", {"token": link}, status=403)
    running.send_signal(signal.SIGUSR1)
    second = Browser(browser.port).enter(link_in(file, link))
    assert second.get("inbox") == browser.get("inbox"), "the first stays in"


def check_strangers(browser):
    """Neither another name, nor another page, nor half a session; and nothing is left behind."""
    before = browser.get("outbox")
    letter = {"to": ["ben"], "body": "not from us"}
    for host in ("evil.example", "127.0.0.1", f"localhost.:{browser.port}", "127.0.0.1:1"):
        browser.get("inbox", Host=host, status=421)
        browser.ask("GET", "/", Host=host, status=421)
        browser.post("send", letter, Host=host, Origin=f"http://{host}", status=421)
    for origin in (None, "null", "http://evil.example", f"http://localhost:{browser.port}"):
        browser.post("send", letter, Origin=origin, status=403)
        browser.post("mine", Origin=origin, status=403)
    for site in ("cross-site", "same-site", "none"):
        browser.post("send", letter, Sec_Fetch_Site=site, status=403)
        browser.get("inbox", Sec_Fetch_Site=site, status=403)
    for kind in ("text/plain", "application/x-www-form-urlencoded", None):
        browser.post("send", letter, Content_Type=kind, status=415)
    for missing in ({"Cookie": None}, {"X_Bmsg_Token": None}, {"X_Bmsg_Token": "0" * 64},
                    {"Cookie": f"bmsg-{browser.port}={'0' * 64}"}):
        browser.post("send", letter, **missing, status=401)
        browser.get("inbox", **missing, status=401)
    browser.ask("GET", "/api/send", status=405)
    browser.ask("POST", "/api/inbox", {}, status=405)
    browser.ask("OPTIONS", "/api/send", status=405)
    browser.ask("GET", "/bmsg/1/info", status=404)
    browser.get("no-such", status=404)
    assert browser.get("outbox") == before


def check_mail(ana, browser):
    """Lists and shows what the commands do; what was shown is read."""
    listed = browser.get("inbox")
    assert listed == ana.objects("inbox", "--all"), "the page says what inbox says"
    one = listed[0]
    assert one["flags"] == ["unread"] and one["subject"] == "<script>alert(1)</script>"
    whole = browser.get(f"message?id={one['id']}")[0]
    assert whole["body"] == "Hello ana" and whole == ana.objects("read", one["id"])[0]
    assert browser.post("read", {"id": one["id"]})[0]["flags"] == []
    assert browser.get("inbox")[0]["flags"] == []
    assert ana.objects("inbox", "--unread") == []
    for bad in (one["id"][:12], one["id"].upper(), "0" * 127, ""):
        browser.get(f"message?id={bad}", status=400)
    browser.get("message?id=" + "0" * 128, status=404)
    browser.post("read", {"id": "0" * 128}, status=404)
    browser.post("read", {"id": one["id"], "more": 1}, status=400)
    assert browser.get("contacts") == ana.objects("contact", "list")
    assert browser.get("blocks") == ana.objects("log")
    assert browser.get("identity")[0]["address"] == ana.text("id")
    assert browser.get("state")[0]["height"] == ana.objects("status")[0]["height"]


def check_sending(ana, ben, browser):
    """Sealed, public, refused; then mined and read by the other."""
    sent = browser.post("send", {"to": ["ben"], "subject": "Re", "body": "From the page"})[0]
    assert sent["type"] == "queued" and sent["state"] == "queued"
    browser.post("send", {"public": True, "body": "To everybody"})
    for letter, status in (({"to": ["zoe"], "body": "x"}, 422), ({"to": ["ben"], "body": ""}, 400),
                           ({"to": ["ben"], "body": "x", "attachments": ["/etc/passwd"]}, 400),
                           ({"to": ["ben"], "body": "x", "more": 1}, 400), ([], 400)):
        error = browser.ask("POST", "/api/send", letter, status=status)[0]
        assert error["type"] == "error" and error["message"], error
    waiting = browser.get("outbox")
    assert sorted(one["id"] for one in waiting) == sorted(
        one["id"] for one in ana.objects("outbox", "list"))
    assert sent["id"] in {one["id"] for one in waiting}
    made = browser.post("mine")[0]
    assert made["type"] == "block" and made["height"] == ana.objects("status")[0]["height"]
    assert next(one for one in browser.get("outbox") if one["id"] == sent["id"])["state"] == "mined"
    with ana.served() as url:
        ben.run("sync", url)
        assert browser.get("blocks")[0]["hash"] == made["hash"], "beside a node that serves"
        served = browser.post("send", {"to": ["ben"], "body": "Through the node"})[0]
        assert browser.post("mine")[0]["type"] == "block"
        ben.run("sync", url)
    assert {"From the page", "Through the node"} <= {
        one["body"] for one in ben.objects("inbox", "--bodies")}
    assert browser.get(f"message?id={served['id']}")[0]["body"] == "Through the node"


def check_stop(directory):
    """A search that would take for ever ends when somebody says so, and when the page ends."""
    hard = stores.Store(directory / "hard")
    hard.run("init", hard.directory, "--name", "ana", "--floor", 60, "--stamp", 1,
             "--no-passphrase")
    with page(hard) as (_, place, file):
        browser = Browser(port_of(place)).enter(link_in(file))
        with contextlib.closing(browser.connection()) as line:
            host = f"127.0.0.1:{browser.port}"
            line.request("POST", "/api/mine", b"{}", {
                "Host": host, "Origin": f"http://{host}", "Content-Type": "application/json",
                "Cookie": browser.cookie, "X-Bmsg-Token": browser.token})
            for _ in range(100):
                if browser.ask("POST", "/api/mine", {}, status=503):
                    break
            assert browser.get("state"), "others are answered meanwhile"
            browser.post("mine/stop")
            stopped = json.loads(line.getresponse().read())
            assert stopped["type"] == "summary" and not stopped["ok"], stopped
        with contextlib.closing(browser.connection()) as line:
            line.request("POST", "/api/mine", b"{}", {
                "Host": host, "Origin": f"http://{host}", "Content-Type": "application/json",
                "Cookie": browser.cookie, "X-Bmsg-Token": browser.token})
            browser.get("state")


def check_limits(ana, browser):
    """Nothing of the page is at the port for peers; what is too long is refused before it comes;
    many who only wait keep nobody else out."""
    with ana.served() as url:
        peers = Browser(int(url.rsplit(":", 1)[1]))
        for path in ("/", "/app.js", "/api/inbox", "/api/enter", "/api/state"):
            with contextlib.closing(peers.connection()) as line:
                line.request("GET", path)
                assert line.getresponse().status == 404, path
    host = f"127.0.0.1:{browser.port}"
    for length, status in ((1 << 20, 400), ((1 << 20) + 1, 413), (10 << 20, 413)):
        with contextlib.closing(browser.connection()) as line:
            line.putrequest("POST", "/api/send", skip_host=True)
            for name, value in (("Host", host), ("Origin", f"http://{host}"),
                                ("Content-Type", "application/json"), ("Cookie", browser.cookie),
                                ("X-Bmsg-Token", browser.token), ("Content-Length", length)):
                line.putheader(name, value)
            line.endheaders()
            if status == 400:
                line.send(b" " * length)
            assert line.getresponse().status == status, length
    waiting = [socket.create_connection(("127.0.0.1", browser.port)) for _ in range(200)]
    assert browser.get("state")
    for one in waiting:
        one.close()


def check_guesses(ana):
    with page(ana) as (_, place, file):
        link = link_in(file)
        browser = Browser(port_of(place))
        for number in range(20):
            browser.post("enter", {"token": f"{number:064x}"}, status=403)
        assert browser.enter(link).get("inbox") is not None, "they keep the owner out"


def check_locks(directory):
    """Idle or told to, it turns all away and forgets the keys; link and passphrase open again."""
    secret = directory / "secret"
    secret.write_text(PASSPHRASE + "\n")
    zoe = stores.Store(directory / "zoe")
    zoe.run("--passphrase-file", secret, "init", zoe.directory, "--name", "zoe", "--floor", 8,
            "--stamp", 1)
    zoe.run("web", "--listen", "127.0.0.1:0", "--link-file", directory / "link", exits=(77,))
    named = ("--passphrase-file", secret)
    with page(zoe, *named, "-c", "web.idle_lock=2s") as (_, place, file):
        first = link_in(file)
        browser = Browser(port_of(place)).enter(first)
        link_in(file, first)  # After two seconds of nothing.
        browser.get("inbox", status=401)
    with page(zoe, *named) as (_, place, file):
        first = link_in(file)
        browser = Browser(port_of(place)).enter(first)
        assert browser.get("inbox") == []
        assert browser.post("send", {"public": True, "body": "with the passphrase"})
        browser.post("leave")
        browser.get("inbox?quiet=1", status=401)
        browser.enter(link_in(file, first))
        for view in ("inbox", "outbox", "contacts", "identity"):
            assert browser.get(view, status=423)[0]["type"] == "error"
        browser.post("send", {"public": True, "body": "x"}, status=423)
        browser.post("unlock", {"passphrase": "wrong"}, status=423)
        browser.get("inbox", status=423)
        browser.post("unlock", {"passphrase": PASSPHRASE})
        assert browser.get("inbox")[0]["direction"] == "out"
        for _ in range(5):
            browser.post("unlock", {"passphrase": "wrong"}, status=423)
        error = browser.post("unlock", {"passphrase": PASSPHRASE}, status=429)[0]
        assert error["name"] == "wait" and 0 < int(browser.answer.getheader("Retry-After")) <= 30


def check_places(ana, directory):
    """A unix socket, and what is refused."""
    path = directory / "page.sock"
    with page(ana, listen=f"unix:{path}") as (_, place, file):
        assert place == f"unix:{path}" and path.stat().st_mode & 0o777 == 0o600
        browser = Browser(0, str(path))
        browser.port = 4711  # Of whatever leads there.
        browser.enter(link_in(file))
        assert browser.get("identity")[0]["address"] == ana.text("id")
    for words, code in ((["--listen", "0.0.0.0:0"], 64), (["--listen", "192.0.2.1:80"], 64),
                        (["--listen", "https://127.0.0.1:0"], 64), ([], 64),
                        (["--listen", f"unix:{path}", "--open"], 64)):
        ana.run("web", *words, exits=(code,), timeout=20)


def check_open(ana, directory):
    """The browser is led by a file that only we read; its words tell nobody the link."""
    programs = directory / "programs"
    programs.mkdir()
    (programs / "xdg-open").write_text('#!/bin/sh\nprintf %s "$*" > "$HOME/opened"\n')
    (programs / "xdg-open").chmod(0o755)
    ana.environment["PATH"] = f"{programs}:{os.environ['PATH']}"
    running = subprocess.Popen(ana.words("web", "--listen", "127.0.0.1:0", "--open"),
                               env=ana.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    port = port_of(stores.read_line(running.stdout, 30).removeprefix("listening "))
    opened = directory / "opened"
    for _ in range(200):
        if opened.exists() and opened.read_text():
            break
        time.sleep(0.1)
    leads = pathlib.Path(opened.read_text())
    assert leads.stat().st_mode & 0o777 == 0o600
    link = re.search(rf"http://127\.0\.0\.1:{port}/#t=([0-9a-f]{{64}})", leads.read_text())[1]
    Browser(port).enter(link).get("inbox")
    running.send_signal(signal.SIGTERM)
    assert running.communicate(timeout=30) == (b"", b"") and running.returncode == 0
    assert not leads.exists()


def main():
    with stores.workplace() as directory:
        ana, ben = met(directory)
        with page(ana) as (running, place, file):
            browser = Browser(port_of(place))
            check_way_in(running, browser, file)
            check_strangers(browser)
            check_mail(ana, browser)
            check_sending(ana, ben, browser)
            check_limits(ana, browser)
        check_guesses(ana)
        check_places(ana, directory)
        check_stop(directory)
        check_locks(directory)
        check_open(ana, directory)


main()
