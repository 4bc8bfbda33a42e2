#!/usr/bin/env python3
"""Files on the page over HTTP: brought in pieces, told what they take, sent, and got back whole;
what is missing is told, nothing is left behind, and names that strangers gave harm nobody."""
import base64
import contextlib
import hashlib
import os
import pathlib
import re
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from local_page import link_in, met, page, port_of  # noqa: E402
from page_client import Browser, check_fields  # noqa: E402


def bring(browser, name, data, piece=300_000):
    ticket = browser.post("file/begin", {"name": name, "size": len(data)})[0]["file"]
    for at in range(0, len(data), piece):
        browser.post("file/put", {"file": ticket, "at": at, "data": base64.b64encode(
            data[at:at + piece]).decode()})
    return ticket


def fetch(browser, message, number, status=200):
    """A file as the page gets it; its bytes and the name that it is saved under."""
    file = browser.post("file/fetch", {"id": message, "number": number}, status=status)[0]
    if status != 200:
        return file
    data, fields = b"", None
    while len(data) < file["size"] or fields is None:
        with contextlib.closing(browser.connection()) as line:
            line.request("GET", f"/api/file/piece?file={file['file']}&at={len(data)}", headers={
                "Host": f"127.0.0.1:{browser.port}", "Sec-Fetch-Site": "same-origin",
                "Cookie": browser.cookie, "X-Bmsg-Token": browser.token})
            answer = line.getresponse()
            piece = answer.read()
            assert answer.status == 200, (answer.status, piece)
            check_fields(answer)
        fields = answer.headers
        assert len(piece) <= 1 << 20
        data += piece
    assert fields["Content-Type"] == "application/octet-stream"
    browser.post("file/drop", {"file": file["file"]})
    browser.ask("GET", f"/api/file/piece?file={file['file']}&at=0", status=404)
    return data, fields["Content-Disposition"], file["name"]


def check_files(ana, ben, browser, directory):
    """Brought in pieces, told what they take, sent, and got back whole; nothing is left behind."""
    random = stores.seeded_random()
    big, small = random.randbytes(1_500_001), b"small\n"
    tickets = [bring(browser, "big.bin", big), bring(browser, "ä small.txt", small)]
    letter = {"to": ["ben"], "body": "two files", "files": tickets, "expires": "7d"}
    work = browser.post("estimate", letter)[0]
    assert work["chunks"] == 6 + 1 + 1 + 1 and work["bytes"] < work["limit"] == 65536, work
    assert list((ana.directory / "run").glob("page.*")) == []
    sent = browser.post("send", letter)[0]
    assert sent["state"] == "queued"
    browser.post("send", letter, status=404)
    shown = browser.get(f"message?id={sent['id']}")[0]["attachments"]
    assert [(one["name"], one["size"]) for one in shown] == [("big.bin", len(big)),
                                                             ("ä small.txt", len(small))]
    hashes = [hashlib.sha512(data).hexdigest() for data in (big, small)]
    assert [one["sha512"] for one in shown] == hashes
    for number, data in enumerate((big, small)):
        got, says, name = fetch(browser, sent["id"], number)
        assert got == data and name == shown[number]["safe_name"]
        assert says.startswith("attachment; filename="), says
    fetch(browser, sent["id"], 2, status=404)
    fetch(browser, "0" * 128, 0, status=404)
    ana.run("mine", "--no-relay")
    out = directory / "out"
    out.mkdir()
    with ana.served() as url:
        ben.run("sync", url)
        ben.run("peers", "add", url)
        ben.run("read", "@", "--attachments", out)
        ben.run("peers", "rm", url)
    assert (out / "big.bin").read_bytes() == big
    check_bad_pieces(browser)
    check_missing_chunks(ana, ben, browser)


def check_bad_pieces(browser):
    for body in ({"name": "", "size": 1}, {"name": "x" * 256, "size": 1},
                 {"name": "x", "size": (1 << 30) + 1}, {"name": "x", "size": -1}, {"name": "x"}):
        browser.post("file/begin", body, status=400)
    browser.post("file/drop", {"file": browser.post("file/begin", {
        "name": "x" * 255, "size": 1 << 30})[0]["file"]})
    ticket = browser.post("file/begin", {"name": "x", "size": 4})[0]["file"]
    data = base64.b64encode(b"ab").decode()
    browser.post("file/put", {"file": ticket, "at": 1, "data": data}, status=400)
    assert browser.post("file/put", {"file": ticket, "at": 0, "data": data})[0]["size"] == 2
    browser.post("file/put", {"file": ticket, "at": 0, "data": data}, status=400)
    browser.post("send", {"to": ["ben"], "body": "half", "files": [ticket]}, status=400)
    browser.ask("GET", f"/api/file/piece?file={ticket}&at=0", status=400)
    browser.post("file/put", {"file": ticket, "at": 2, "data": base64.b64encode(
        b"abc").decode()}, status=400)
    browser.post("file/put", {"file": "0" * 32, "at": 0, "data": data}, status=404)
    browser.post("file/drop", {"file": ticket})
    many = [browser.post("file/begin", {"name": "x", "size": 1})[0]["file"] for _ in range(32)]
    browser.post("file/begin", {"name": "x", "size": 1}, status=503)
    for ticket in many:
        browser.post("file/drop", {"file": ticket})


def check_missing_chunks(ana, ben, browser):
    """Nobody has them: told, with what helps."""
    path = ben.directory.parent / "lost.bin"
    path.write_bytes(b"l" * 400_000)
    ben.run("send", "-a", path, "-m", "lost", "ana")
    for chunk in (ben.directory / "blobs" / "own").rglob("*"):
        if chunk.is_file():
            chunk.unlink()
    with ana.served() as url:
        ben.run("sync", url)
    one = next(each for each in browser.get("inbox") if each["direction"] == "in")
    error = fetch(browser, one["id"], 0, status=404)
    assert error["type"] == "error" and error["hint"], error


def hostile_names():
    """300 names that want to be more than names."""
    names = ["../../.bashrc", "/etc/passwd", "~/.ssh/authorized_keys", ".", "..", "-rf", "a\nb",
             "a\r\nSet-Cookie: x=y", 'a"; filename="b.html', "x" * 255, "ends.", "ends ", "CON",
             "nul.txt", "COM1", "a\\b", "C:\\x", "\u202egnp.exe", "a%00b", "a%2fb", "аdmin",
             "<script>alert(1)</script>", "$(id)", "`id`", "a;b", "a|b", "a*b", "a?b", ".hidden",
             "\u200b", "\x1b[2J", "ä" * 100, "\u2028", "a\tb", "''", "x.html", "UTF-8''x"]
    random = stores.seeded_random()
    letters = "ab.-_~/\\\"';%\r\n\t<>|*?: \x00\x1b\x7fäß€\u202e\u200b😀"
    while len(names) < 300:
        name = "".join(random.choice(letters) for _ in range(random.randrange(1, 40)))
        if name not in names:
            names.append(name)
    return names


def check_names(ana, browser):
    """All sent to oneself; each is saved under one harmless name, by a header of one line."""
    names = hostile_names()
    assert len(names) == 300
    seen = 0
    for begin in range(0, len(names), 30):
        tickets = [bring(browser, name, b"x") for name in names[begin:begin + 30]]
        sent = browser.post("send", {"to": [ana.text("id")], "body": "names", "files": tickets})[0]
        shown = browser.get(f"message?id={sent['id']}")[0]["attachments"]
        for number, one in enumerate(shown):
            assert one["name"] == names[begin + number]
            data, says, name = fetch(browser, sent["id"], number)
            assert data == b"x"
            found = re.fullmatch(r"attachment; filename=\"([ -~]+)\"; filename\*=UTF-8''(\S+)",
                                 says)
            assert found and not re.search(r'["\\/%]', found[1]), says
            saved = urllib.parse.unquote(found[2], errors="strict")
            assert saved == name == one["safe_name"]
            assert not re.search(r'[/\\:*?"<>|\x00-\x1f\x7f]', saved), saved
            assert saved not in (".", "..") and saved[0] not in ".-~ " and saved[-1] not in ". "
            assert 1 <= len(saved.encode()) <= 200, saved
            seen += 1
    assert seen == 300


def main():
    with stores.workplace() as directory:
        ana, ben = met(directory)
        with page(ana) as (_, place, file):
            browser = Browser(port_of(place)).enter(link_in(file))
            check_files(ana, ben, browser, directory)
            check_names(ana, browser)
            assert not [name for name in os.listdir(ana.directory / "run") if "page" in name]


main()
