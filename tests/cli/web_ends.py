#!/usr/bin/env python3
"""The two ends of `bmsg web`: a lock closes the keys however much is asked before it, and SIGTERM
ends the command though peers keep it waiting. And pages behind two sockets are two."""
import contextlib
import fcntl
import json
import pathlib
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from local_page import link_in, met, page, port_of  # noqa: E402
from page_client import Browser  # noqa: E402
from raw_http import within  # noqa: E402

PASSPHRASE = "correct horse"
IDLE = 6  # Seconds.
ENDS_WITHIN = 20  # Seconds; one peer alone may take 30 for each of its answers.


def like(browser):
    made = Browser(browser.port)
    made.cookie, made.token = browser.cookie, browser.token
    return made


def crowded(browser, crowd):
    """Asks until too much is asked: from then on the desk takes nothing more."""
    full = threading.Event()

    def ask():
        one = like(browser)
        with contextlib.suppress(OSError):
            one.ask("GET", "/api/state?quiet=1", status=None)
            if one.answer.status == 503:
                full.set()

    for _ in range(200):
        if full.wait(0.05):
            return
        crowd.append(threading.Thread(target=ask))
        crowd[-1].start()
    raise AssertionError("the desk takes everything")


def check_lock(directory):
    """Whoever comes in next has to type the passphrase."""
    secret = directory / "secret"
    secret.write_text(PASSPHRASE + "\n")
    zoe = stores.Store(directory / "zoe")
    zoe.run("--passphrase-file", secret, "init", zoe.directory, "--name", "zoe", "--floor", 8,
            "--stamp", 1)
    zoe.run("--passphrase-file", secret, "send", "--public", "-m", "to all")
    zoe.run("--passphrase-file", secret, "mine", "--no-relay")
    with page(zoe, "--passphrase-file", secret, "-c", "lock.timeout=60s") as (_, place, file):
        first = link_in(file)
        browser = Browser(port_of(place)).enter(first)
        one = browser.get("inbox")[0]["id"]
        crowd = []
        with contextlib.ExitStack() as held:
            for path in zoe.directory.rglob("*lock*"):
                if path.is_file():
                    fcntl.flock(held.enter_context(path.open("r+")), fcntl.LOCK_EX)
            slow = like(browser)
            crowd.append(threading.Thread(target=slow.post, args=(
                "mark", {"ids": [one], "changes": ["+flagged"]}), kwargs={"status": None}))
            crowd[0].start()
            crowded(browser, crowd)
            browser.post("leave")
            other = Browser(browser.port).enter(link_in(file, first))
        for thread in crowd:
            thread.join(60)
        other.get("inbox", status=423)
        other.post("unlock", {"passphrase": PASSPHRASE})
        assert other.get("inbox")


def check_idle(directory):
    """The same for whoever comes in between the idle time and the next look at it; and whoever does
    not get in then leaves no page without a link."""
    zoe, secret = stores.Store(directory / "zoe"), directory / "secret"
    for comes_in in (True, False):
        with page(zoe, "--passphrase-file", secret, "-c", f"web.idle_lock={IDLE}s") as (
                running, place, file):
            first = link_in(file)
            browser = Browser(port_of(place)).enter(first)
            running.send_signal(signal.SIGUSR1)
            second = link_in(file, first)
            line = browser.connection()
            line.request("GET", "/")
            line.getresponse().read()
            running.send_signal(signal.SIGSTOP)
            time.sleep(IDLE + 0.5)  # Nobody says a word.
            host = f"http://127.0.0.1:{browser.port}"
            line.request("POST", "/api/enter",
                         json.dumps({"token": second if comes_in else "0" * 64}),
                         {"Origin": host, "Content-Type": "application/json"})
            running.send_signal(signal.SIGCONT)
            answer = line.getresponse()
            said = json.loads(answer.read())
            assert answer.status == (200 if comes_in else 403), said
            line.close()
            if comes_in:
                browser.cookie = answer.getheader("Set-Cookie").split(";")[0]
                browser.token = said["token"]
            else:
                browser.enter(link_in(file, second))
            browser.get("inbox", status=423)


@contextlib.contextmanager
def silent_peer():
    """Takes connections and says nothing; how many there were."""
    came = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def take():
            with contextlib.suppress(OSError):
                while True:
                    came.append(listener.accept()[0])

        threading.Thread(target=take, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", came
        listener.shutdown(socket.SHUT_RDWR)
    for one in came:
        one.close()


def check_end(store, question, more):
    """One is under way and others wait: none is waited for, and the peer is not blamed."""
    with silent_peer() as (url, came):
        store.run("peers", "add", "--no-probe", url)
        before = store.objects("peers")
        file = store.directory.parent / "link"
        file.unlink(missing_ok=True)
        running = store.start("web", "--listen", "127.0.0.1:0", "--link-file", file)
        place = stores.read_line(running.stdout, 30).removeprefix("listening ")
        browser = Browser(port_of(place)).enter(link_in(file))

        def ask(one):
            with contextlib.suppress(OSError):
                one.post(question, {"url": url} | more, status=None)

        asked = [threading.Thread(target=ask, args=(like(browser),)) for _ in range(3)]
        for one in asked:
            one.start()
        within(20, lambda: came, "the peer is asked")
        running.send_signal(signal.SIGTERM)
        assert running.wait(ENDS_WITHIN) == 0
        for one in asked:
            one.join(20)
        assert store.objects("peers") == before, store.objects("peers")
        running.communicate(timeout=20)
        store.run("peers", "rm", url)


def lost_file(ana, ben, directory):
    """A message to ana with a file that is nowhere any more."""
    path = directory / "lost.bin"
    path.write_bytes(b"l" * 400_000)
    ben.run("send", "-s", "Lost", "-a", path, "-m", "lost", "ana")
    for chunk in (ben.directory / "blobs" / "own").rglob("*"):
        if chunk.is_file():
            chunk.unlink()
    with ana.served() as url:
        ben.run("sync", url)
    return next(one for one in ana.objects("inbox") if one["subject"] == "Lost")["id"]


def fetching(browser, file):
    """Asks for it; the answer may take long."""
    line = browser.connection()
    host = f"http://127.0.0.1:{browser.port}"
    line.request("POST", "/api/file/fetch", json.dumps({"id": file, "number": 0}), {
        "Origin": host, "Sec-Fetch-Site": "same-origin", "Content-Type": "application/json",
        "Cookie": browser.cookie, "X-Bmsg-Token": browser.token})
    return line


def check_fetches(directory):
    """A file that waits to be fetched when the page is locked is not; none is waited for at the
    end."""
    ana, ben = met(directory)
    file = lost_file(ana, ben, directory)
    for ends in (False, True):
        with page(ana) as (running, place, link):
            browser = Browser(port_of(place)).enter(link_in(link))
            with silent_peer() as (url, came):
                ana.run("peers", "add", "--no-probe", url)
                lines = [fetching(browser, file)]
                within(20, lambda: came, "the peer is asked")
                lines.append(fetching(browser, file))
                assert browser.get("state"), "and then the second is at the desk"
                if ends:
                    running.send_signal(signal.SIGTERM)
                    assert running.wait(ENDS_WITHIN) == 0
                else:
                    browser.post("leave")
            if not ends:
                assert [line.getresponse().status for line in lines] == [404, 423]
            for line in lines:
                line.close()
            ana.run("peers", "rm", url)


def check_sockets(directory):
    """Browsers send the cookies of one to the other, whatever port leads to it."""
    names = set()
    for number in range(2):
        store = stores.new_chain(directory / f"store{number}", "ana")
        path = str(directory / f"socket{number}")
        with page(store, listen=f"unix:{path}") as (_, _, file):
            browser = Browser(None, path)
            host = {"Host": "localhost", "Origin": "http://localhost"}
            session = browser.ask("POST", "/api/enter", {"token": link_in(file)}, **host)[0]
            name, _, _ = browser.set_cookie.partition("=")
            names.add(name)
            browser.ask("GET", "/api/state", Host="localhost",
                        X_Bmsg_Token=session["token"],
                        Cookie=f"bmsg=of-another; {browser.set_cookie.split(';')[0]}")
    assert len(names) == 2, names


def main():
    with stores.workplace() as directory:
        check_lock(directory)
        check_idle(directory)
        ana = stores.new_chain(directory / "ana", "ana")
        check_end(ana, "sync", {})
        check_end(ana, "peer", {"verb": "probe"})
        check_sockets(directory)
        (directory / "files").mkdir()
        check_fetches(directory / "files")


main()
