#!/usr/bin/env python3
"""Contacts, chain, receipts, peers, settings and passphrase over HTTP: what the page asks does what
the commands do, nothing takes a file or an option out of what somebody typed, and secrets are only
for whoever types the passphrase."""
import concurrent.futures
import hashlib
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from local_page import branch_off, link_in, long_store, met, page, port_of  # noqa: E402
from page_client import Browser  # noqa: E402
from payloads import PAYLOADS  # noqa: E402

PASSPHRASE = "correct horse battery staple"
FRESH = "another battery with a horse"


def contact(browser, verb, name, status=200, **more):
    return browser.post("contact", {"verb": verb, "name": name, **more}, status=status)


def check_contacts(ana, zoe, browser):
    """Added by address and by card, compared, renamed, blocked, removed, as `contact` does."""
    address, card = zoe.text("id"), zoe.text("id", "--card")
    made = contact(browser, "add", "zoe", address=card + "\n")
    assert made == ana.objects("contact", "show", "zoe")
    again = contact(browser, "add", "zoe", address=address)
    assert again[0]["card"] == "ok", "the same person by the same name is no error"
    contact(browser, "add", "other", address=address, status=409)
    for bad in ("", "/etc/passwd", "-", "bmsg1nonsense", "card of nobody"):
        contact(browser, "add", "mallory", address=bad, status=400)
    words = ana.objects("contact", "show", "zoe")[0]["fingerprint"]
    contact(browser, "verify", "zoe", words="some-other-words", status=400)
    assert ana.objects("contact", "show", "zoe")[0]["trust"] == "known"
    assert contact(browser, "verify", "zoe", words=words)[0]["trust"] == "verified"
    assert contact(browser, "unverify", "zoe")[0]["trust"] == "known"
    assert contact(browser, "block", "zoe")[0]["trust"] == "blocked"
    assert contact(browser, "unblock", "zoe")[0]["trust"] == "known"
    assert contact(browser, "set", "zoe", ack="never")[0]["ack"] == "never"
    contact(browser, "set", "zoe", ack="sometimes", status=400)
    assert contact(browser, "rename", "zoe", new="Zoë")[0]["name"] == "Zoë"
    look_alike = contact(browser, "rename", "Zoë", new="ben2")
    assert [one["name"] for one in look_alike if one["type"] == "contact"] == ["ben2"]
    log = browser.get("contact/log?name=ben")
    assert log == ana.objects("contact", "log", "ben") and log
    assert contact(browser, "rm", "ben2") == []
    contact(browser, "rm", "ben2", status=422)
    contact(browser, "export", "ben", status=400)
    code = browser.get("code")[0]
    assert code["text"] == ana.text("id") and code["card"] == ana.text("id", "--card")
    rows = code["rows"]
    assert len(rows) >= 21 and {len(row) for row in rows} == {len(rows)}
    finder = ["1111111", "1000001", "1011101", "1011101", "1011101", "1000001", "1111111"]
    assert [row[:7] for row in rows[:7]] == finder == [row[-7:] for row in rows[:7]]
    assert browser.get("me") == ana.objects("id")


def check_names(ana, browser):
    """Whatever a name looks like, it is a name: no option, no file, no second command."""
    before = ana.objects("contact", "list")
    for name in ("--help", "-C/tmp", "--json", "--", "-", "@", "sync", "--undo"):
        contact(browser, "rm", name, status=422)
        contact(browser, "verify", name, words="a-b", status=422)
    for words in ("--undo", "x --undo", "", "-"):
        contact(browser, "verify", "ben", words=words, status=400)
    for text in PAYLOADS[::7]:
        contact(browser, "rm", text, status=422)
    assert ana.objects("contact", "list") == before
    for body in ([], "x", {"verb": 1, "name": "ben"}, {"verb": "rm", "name": "ben", "more": "x"},
                 {"verb": "rm"}, {"name": "ben"}):
        browser.ask("POST", "/api/contact", body, status=400)


def sha(*parts):
    return hashlib.sha512(b"".join(parts)).digest()


def check_chain(ana, browser, public, hidden):
    """Blocks down to the first, branches, one block with all of it, and its messages' states."""
    blocks = browser.get("blocks")
    assert blocks == ana.objects("log"), "as log"
    tip = blocks[0]["height"]
    assert browser.get(f"blocks?below={tip}") == blocks[1:]
    assert browser.get("blocks?below=0") == []
    for bad in ("", "-1", "x", "4294967296", "1x"):
        browser.get(f"blocks?below={bad}", status=400)
    sides = browser.get("branches")
    assert sides == [one for one in ana.objects("log", "--all") if one["branch"] == "side"]
    assert len(sides) == 1 and sides[0]["messages"] == 1, sides
    first = ana.objects("read", public)[0]["block"]
    shown, header, *messages = browser.get(f"block?ref={first['height']}")
    assert shown["hash"] == first["hash"]
    assert sha(bytes.fromhex(header["bytes"])).hex() == first["hash"], "the header's bytes"
    assert [one["id"] for one in messages] == ana.text("ls-messages", first["hash"]).split()
    states = {one["id"]: one for one in messages}
    assert states[public]["public"] and states[public]["body"] == "<b>for all</b>"
    assert states[public]["state"] == "buried", states[public]
    assert states[hidden]["state"] == "buried" and not states[hidden]["public"]
    assert "body" not in states[hidden], "what is sealed stays so"
    assert browser.get(f"chained?ref={public[:12]}")[0] == states[public]
    side, _, lost = browser.get(f"block?ref={sides[0]['hash']}")
    assert side["branch"] == "side" and lost["confirmations"] == 0
    newest = browser.get("block?ref=tip")
    assert newest[0]["hash"] == blocks[0]["hash"]
    for bad in ("", "99999", "0" * 128, "tip~99999", "--help"):
        browser.get(f"block?ref={bad}", status=404 if bad[:1].isdigit() or "9" in bad else 400)


def check_states(ana, browser, public):
    """A message that waits, one that is in a block, one that was forgotten here."""
    waits = ana.text("send", "--public", "-m", "not yet")
    assert [one["id"] for one in browser.get("pool") if one["id"] == waits] == [waits] or \
        ana.objects("outbox", "list")
    ana.run("mine", "--no-relay")
    assert browser.get(f"chained?ref={waits}")[0]["state"] == "confirmed"
    ana.run("forget", "--yes", public)
    gone = browser.get(f"chained?ref={public}")[0]
    assert gone["state"] == "forgotten" and gone["dropped"] and not gone["public"], gone
    browser.get("chained?ref=" + "ab" * 32, status=404)


def check_find(ana, browser, public):
    tip = ana.objects("log", "-n", "1")[0]
    for ref in ("tip", str(tip["height"]), tip["hash"], f"{tip['height']}:{tip['hash'][-8:]}"):
        found, = browser.get(f"find?ref={ref}")
        assert (found["kind"], found["id"]) == ("block", tip["hash"]), (ref, found)
    for ref in (public, stores.beginning(public, 9)):
        found, = browser.get(f"find?ref={ref}")
        assert (found["kind"], found["id"]) == ("message", public), (ref, found)
    for ref, status in (("zzz", 400), ("99999", 404), ("0" * 128, 404), ("", 400), ("@", 400)):
        browser.get(f"find?ref={ref}", status=status)
    browser.get("find", status=400)


def check_receipt(ana, browser, hidden):
    """What the page gets is what `receipt` writes, and a second pair of eyes can follow it."""
    receipt, = browser.get(f"receipt?id={hidden}")
    assert receipt["text"].encode() == ana.run("receipt", hidden)
    held = ana.run("receipt", "verify", "-", input=receipt["text"].encode()).decode()
    assert held.startswith("OK"), held
    browser.get("receipt?id=" + "0" * 128, status=404)
    for bad in ("--help", "@", "@1", hidden[:12], hidden + "0", ""):
        browser.get(f"receipt?id={bad}", status=400)


def check_verify(ana, browser):
    forgotten, summary = browser.post("verify/start", {"depth": "quick"})
    assert forgotten["type"] == "forgotten" and summary["ok"], summary
    assert summary["blocks"] == ana.objects("log")[0]["height"]
    assert browser.post("verify/start", {"depth": "full"})[-1]["ok"]
    browser.post("verify/start", {"depth": "--explain"}, status=400)
    assert browser.get("verify") == [], "none runs"
    assert browser.post("verify/stop") == []


def check_stop(directory):
    """A check of many blocks says how far it is, and ends when it is told to."""
    store = long_store(directory, "long", 5000)
    with page(store) as (_, place, file):
        browser = Browser(port_of(place)).enter(link_in(file))
        other = Browser(browser.port)
        other.cookie, other.token = browser.cookie, browser.token
        with concurrent.futures.ThreadPoolExecutor() as pool:
            started = pool.submit(browser.post, "verify/start", {"depth": "full"}, status=503)
            while not (status := other.get("verify")):
                pass
            assert status[0]["type"] == "status", status
            other.post("verify/start", {"depth": "full"}, status=503)
            other.post("verify/stop")
            assert "stopped" in started.result()[0]["message"]
        assert browser.post("verify/start", {"depth": "quick"})[-1]["ok"], "another begins"


def check_peers(ana, ben, browser):
    """Added, synced with, banned and forgotten, as `peers` and `sync` do."""
    ben.run("send", "-m", "by sync", "ana")
    with ben.served() as url:
        added, = browser.post("peer", {"verb": "add", "url": url})
        assert added["state"] == "ok" and added["source"] == "config", added
        listed = browser.get("peers")
        assert [one["url"] for one in listed] == [url]
        told, summary = browser.post("sync", {})
        assert told["peer"] == url and told["error"] is None and summary["peers_ok"] == 1
        assert browser.post("sync", {"url": url})[0]["peer"] == url
        assert browser.post("peer", {"verb": "ban", "url": url}) == []
        assert browser.get("peers")[0]["state"] == "banned"
        assert browser.post("peer", {"verb": "unban", "url": url}) == []
        assert browser.get("peers")[0]["state"] != "banned"
        assert browser.post("peer", {"verb": "probe", "url": url})[0]["state"] == "ok"
    failed, summary = browser.post("sync", {})
    assert failed["error"] and not summary["ok"]
    browser.post("peer", {"verb": "rm", "url": url})
    assert browser.get("peers") == [] == ana.objects("peers")
    for bad in ("", "--help", "http://example.org:1", "file:///etc/passwd", "x y"):
        browser.post("peer", {"verb": "add", "url": bad}, status=400)
    browser.post("peer", {"verb": "learn", "url": url}, status=400)
    browser.post("peer", {"verb": "rm", "url": "--help"}, status=422)


def check_settings(ana, browser):
    """Listed with their origins, set and unset in the store's file; no program can be named."""
    listed = {one["key"]: one for one in browser.get("config")}
    assert [one for one in ana.objects("config", "list")
            if listed[one["key"]] != one and one["key"] != "web.idle_lock"] == []
    assert browser.post("config/set", {"key": "mine.bury", "value": "3"})[0]["value"] == "3"
    assert ana.text("config", "get", "mine.bury") == "3"
    browser.post("config/set", {"key": "mine.bury"})
    assert ana.text("config", "get", "mine.bury") == "6"
    for key, value in (("core.pager", "evil"), ("core.editor", "evil"), ("no.such", "1"),
                       ("mine.bury", "many"), ("user.identity", 'a"b'), ("", "x"),
                       ("--system", "x")):
        browser.post("config/set", {"key": key, "value": value}, status=(
            500 if key in ("no.such", "--system") else 400))
    assert not [one for one in ana.objects("config", "list") if one["value"] == "evil"]
    assert browser.get("versions") == ana.objects("version")
    assert browser.get("schedule?kind=cron") == ana.objects("schedule", "--cron")
    assert browser.get("schedule?kind=systemd") == ana.objects("schedule", "--systemd")
    browser.get("schedule?kind=install", status=400)


def ask_backup(browser, passphrase, status=200):
    """Bytes, and no lines."""
    headers = {"Host": f"127.0.0.1:{browser.port}", "Sec-Fetch-Site": "same-origin",
               "Cookie": browser.cookie, "X-Bmsg-Token": browser.token,
               "Origin": f"http://127.0.0.1:{browser.port}", "Content-Type": "application/json"}
    line = browser.connection()
    line.request("POST", "/api/backup", json.dumps({"passphrase": passphrase}).encode(), headers)
    answer = line.getresponse()
    content = answer.read()
    assert answer.status == status, (answer.status, content[:300])
    if status == 200:
        assert answer.getheader("Content-Disposition").startswith("attachment;")
        assert answer.getheader("X-Content-Type-Options") == "nosniff"
    return content


def restored(directory, name, content, passphrase):
    """Who one is in a new store of that backup."""
    file, secret = directory / f"{name}.backup", directory / f"{name}.words"
    file.write_bytes(content)
    secret.write_text(passphrase + "\n")
    other = stores.joined(directory / name, name, directory / "ana" / "genesis")
    other.run("id", "restore", "--backup-passphrase-file", secret, "--revocation",
              directory / f"{name}.revocation", file)
    return {one["name"] for one in other.objects("id", "list")}


def check_secrets(ana, browser, directory):
    """A backup is sealed under what was typed, never under nothing. Once there is a passphrase,
    it and it alone opens things; five wrong ones and nobody may try."""
    ask_backup(browser, "", status=400)
    plain = ask_backup(browser, "only for the file")
    assert restored(directory, "carl", plain, "only for the file") == {"ana", "carl"}
    browser.post("passphrase", {"passphrase": "", "new": ""}, status=400)
    browser.post("passphrase", {"passphrase": "", "new": PASSPHRASE})
    assert ana.objects("id", exits=(77,)) == []
    secret = directory / "words"
    secret.write_text(PASSPHRASE + "\n")
    assert ana.objects("--passphrase-file", secret, "id")[0]["encrypted"]
    assert browser.get("me")[0]["encrypted"], "the page stays open"
    ask_backup(browser, "wrong horse", status=403)
    browser.post("passphrase", {"passphrase": "wrong horse", "new": FRESH}, status=403)
    sealed = ask_backup(browser, PASSPHRASE)
    assert restored(directory, "dora", sealed, PASSPHRASE) == {"ana", "dora"}
    browser.post("passphrase", {"passphrase": PASSPHRASE, "new": FRESH})
    secret.write_text(FRESH + "\n")
    assert ana.objects("--passphrase-file", secret, "id")


def check_closed(ana, browser, link):
    """Without the passphrase nothing changes, and nobody learns whom one knows."""
    browser.post("leave")
    stranger = Browser(browser.port).enter(link())
    for path, body in (("contact", {"verb": "rm", "name": "ben"}), ("sync", {}),
                       ("peer", {"verb": "rm", "url": "x"}), ("verify/start", {"depth": "quick"}),
                       ("config/set", {"key": "mine.bury", "value": "1"}),
                       ("backup", {"passphrase": "x"}),
                       ("passphrase", {"passphrase": "", "new": "x"})):
        stranger.post(path, body, status=423)
    for path in ("contacts", "contact/log?name=ben", "code", "me"):
        stranger.get(path, status=423)
    for ref in ("@", "@1"):
        stranger.get(f"receipt?id={ref}", status=400)
    assert ana.objects("contact", "show", "ben")
    stranger.post("unlock", {"passphrase": FRESH}, status=200)
    return stranger


def check_guesses(port, link):
    """Five wrong ones and nobody may try; nothing else that is asked forgives them."""
    browser = Browser(port).enter(link())
    for number in range(5):
        browser.post(("unlock", "backup")[number % 2], {"passphrase": PASSPHRASE}, status=423)
    browser.post("unlock", {"passphrase": FRESH}, status=429)
    browser.post("backup", {"passphrase": FRESH}, status=429)


def main():
    with stores.workplace() as directory:
        ana, ben = met(directory)
        zoe = stores.joined(directory / "zoe", "zoe", directory / "ana" / "genesis")
        public = ana.text("send", "--public", "-s", "<i>news</i>", "-m", "<b>for all</b>")
        hidden = ana.text("send", "-m", "for ben alone", "ben")
        ana.run("mine", "--no-relay")
        branch_off(ana, ben)
        with page(ana) as (_, place, file):
            first = link_in(file)
            browser = Browser(port_of(place)).enter(first)
            check_contacts(ana, zoe, browser)
            check_names(ana, browser)
            check_chain(ana, browser, public, hidden)
            check_find(ana, browser, public)
            check_receipt(ana, browser, hidden)
            check_states(ana, browser, public)
            check_verify(ana, browser)
            check_peers(ana, ben, browser)
            check_settings(ana, browser)
            check_secrets(ana, browser, directory)
            stranger = check_closed(ana, browser, lambda: link_in(file, first))
            second = link_in(file)
            stranger.post("leave")
            check_guesses(browser.port, lambda: link_in(file, second))
        check_stop(directory)


main()
