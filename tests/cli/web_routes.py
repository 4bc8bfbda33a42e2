#!/usr/bin/env python3
"""Every route of `bmsg web`, as its source names them: each answer has the fields that keep a
browser careful, and nobody without a session, from another page or under another name changes
anything; ten thousand guesses at the link; and what belongs at another listener is not here."""
import hashlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import page_routes  # noqa: E402
import stores  # noqa: E402
from local_page import link_in, page, port_of  # noqa: E402
from page_client import Browser  # noqa: E402

GUESSES = 10_000
ASSETS = ("/", "/app.js", "/app.css", "/bootstrap.css")
# What a page of others, or a name that was bent to this machine, sends along.
STRANGERS = (({"Host": "evil.example"}, 421), ({"Host": "127.0.0.1"}, 421),
             ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
             ({"Sec_Fetch_Site": "cross-site"}, 403), ({"Sec_Fetch_Site": "same-site"}, 403))


def digest(store):
    """Of every file of the store, but for what tells that a program runs."""
    whole = hashlib.sha256()
    for file in sorted(store.directory.rglob("*")):
        if file.is_file() and "run" not in file.relative_to(store.directory).parts:
            whole.update(f"{file}\n".encode() + file.read_bytes())
    return whole.hexdigest()


def tried(browser, method, target, body=None, **changed):
    """The status of what is sent, without sense if nothing else; its fields have been looked at."""
    sent = (body or {}) if method == "POST" else None
    browser.ask(method, target, sent, status=None, **changed)
    return browser.answer.status


def check_strangers(store):
    """Forty requests from elsewhere to each route, by both methods, and none of them does it."""
    routes = [(method, target) for target in page_routes.calls() for method in ("GET", "POST")]
    routes += [*page_routes.PROGRAMS, *(("GET", asset) for asset in ASSETS)]
    with page(store, extra=("--rest", "--rpc")) as (_, place, file):
        browser = Browser(port_of(place)).enter(link_in(file))
        browser.get("inbox")  # What the first look writes is written.
        before, count = digest(store), 0
        for method, target in routes:
            for changed, status in STRANGERS:
                if target in ASSETS and method == "GET" and status == 403:
                    continue  # A link may lead to the page; what it shows is empty.
                got = tried(browser, method, target, **changed)
                assert got in (status, 405), (method, target, changed, got)
                count += 1
            if target.startswith("/api/") and target != "/api/enter":
                got = tried(browser, method, target, Cookie=None, X_Bmsg_Token=None)
                assert got in (401, 405), (method, target, got)
        assert digest(store) == before, "something was changed"
        assert count > 400, count
        for method, target in routes:  # And each answer to ourselves has its fields.
            if target not in ("/api/leave", "/api/events"):
                assert tried(browser, method, target) < 500, (method, target)


def check_guesses(store):
    """None is let in, and whoever has the link is, in spite of them."""
    with page(store) as (_, place, file):
        link, seen = link_in(file), {}
        browser = Browser(port_of(place))
        for number in range(GUESSES):
            got = tried(browser, "POST", "/api/enter", {"token": f"{number:064x}"})
            seen[got] = seen.get(got, 0) + 1
        assert seen == {403: GUESSES}, seen
        assert browser.set_cookie is None
        assert link_in(file) == link
        browser.enter(link).get("inbox")


def check_places(store):
    """Nothing of the page is at the node's listener, and the other way round."""
    with store.served() as url:
        node = Browser(int(url.rsplit(":", 1)[1]))
        for target in (*page_routes.calls(), *ASSETS, "/chain", "/mine"):
            node_answer = node.connection()
            node_answer.request("GET", target)
            answer = node_answer.getresponse()
            assert answer.status == 404 and not answer.getheader("Set-Cookie"), target
            node_answer.close()
    with page(store, extra=("--rest", "--rpc")) as (_, place, file):
        browser = Browser(port_of(place)).enter(link_in(file))
        for target in ("/bmsg/1/info", "/bmsg/1/headers/0/1", "/bmsg/1/put", "/metrics"):
            assert tried(browser, "GET", target) == 404, target


def main():
    with stores.workplace() as directory:
        store = stores.new_chain(directory / "ana", "ana")
        store.run("mine", "--allow-empty")
        check_strangers(store)
        check_guesses(store)
        check_places(store)
    return 0


if __name__ == "__main__":
    sys.exit(main())
