#!/usr/bin/env python3
"""The page in a real browser: somebody comes in, reads, writes, mines and is locked out; it fits
and can be read at every width, light and dark; nothing that strangers wrote runs; names that lead
to this machine and are not ours, and pages of others, get nothing."""
import json
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import chromium  # noqa: E402
import stores  # noqa: E402
from foreign_page import FOREIGN, Recorder, WAYS  # noqa: E402
from local_page import link_in, met, page, port_of  # noqa: E402
from page_looks import NAMELESS, SHOW, check_looks, show  # noqa: E402
from payloads import PAYLOADS  # noqa: E402

PASSPHRASE = "correct horse"
ENTER = "\ue007"
# No file has a slash in its name.
FILES = list(dict.fromkeys(text.replace("/", "\\") for text in PAYLOADS))
OWN = "data:image/svg+xml,%3csvg"  # The marks of fields, from the styles of the distribution.
VIEWS = ["inbox", "compose", "outbox", "contacts", "blocks", "status"]


def check_first_visit(browser, place, file):
    link = link_in(file)
    browser.look(1280, "light")  # Without motion, so that what is clicked stands still.
    browser.go(f"{place}/#t={link}")
    browser.until("return document.querySelector('h1')?.textContent === 'Inbox'")
    address = browser.run("return location.href")
    assert link not in address and address == f"{place}/", address
    shown = browser.text("#main")
    assert "ben" in shown and "1 unread" in shown, shown
    browser.until("return document.getElementById('chain').textContent === 'ana, height 1'")


def check_conversation(browser, ana, ben):
    """By keyboard: the message, then an answer that is mined; the other can read it."""
    browser.press("j")
    browser.press(ENTER)
    browser.until("return document.querySelector('.said')?.textContent === 'Hello ana'")
    assert browser.text(".bubble .subject") == "<script>alert(1)</script>"
    browser.until("return !(await (await fetch('/api/inbox?quiet=1', {headers: "
                  "{'X-Bmsg-Token': localStorage.getItem('token')}})).text()).includes('unread')")
    assert ana.objects("inbox", "--unread") == []
    browser.run("document.querySelector('.bubble a[href^=\"#message/\"]').click()")
    browser.until("return document.querySelector('.body')?.textContent === 'Hello ana'")
    assert browser.text("h1") == "<script>alert(1)</script>"
    browser.press("r")
    browser.until("return document.getElementById('to')?.value.startsWith('bmsg1')")
    browser.type("#body", "From a browser: äöü €")
    assert browser.text("#count") == "26 of 65536 bytes"
    browser.click("#queue")
    browser.until("return document.querySelector('main [role=alert]')")
    assert "Not verified: bmsg1" in browser.text("main [role=alert]")
    browser.click("#queue")
    browser.until("return document.querySelector('h1').textContent === 'Outbox'")
    newest = "return document.querySelector('.item .tag')?.textContent.endsWith(args[0])"
    browser.until(newest, "queued")
    assert ana.objects("outbox", "list")[-1]["state"] == "queued"
    browser.click(".head .btn-primary")
    browser.until(newest, "mined")
    assert "block 2, 1 confirmation" in browser.text("#main")
    assert {one["state"] for one in ana.objects("outbox", "list")} == {"mined"}
    ana.run("verify")
    with ana.served() as url:
        ben.run("sync", url)
    answer = ben.objects("inbox", "--bodies")[0]
    assert answer["body"] == "From a browser: äöü €" and answer["reply_to"]
    assert answer["subject"] == "Re: <script>alert(1)</script>"
    for view, words in (("status", ana.text("id")), ("contact/ben", "bmsg contact verify ben"),
                        ("blocks", ana.objects("log")[0]["hash"][-8:])):
        assert words in show(browser, view), view


def check_refusals(browser):
    """An error names its cause and stays where it happened, with what was typed."""
    show(browser, "compose")
    browser.type("#to", "zoe")
    browser.type("#body", "to nobody")
    browser.click("#queue")
    browser.until("return document.querySelector('[role=alert]')")
    told = browser.text("[role=alert]")
    assert "no contact 'zoe'" in told and "bmsg contact" in told, told
    assert browser.run("return document.getElementById('body').value") == "to nobody"
    assert "no message of yours" in show(browser, "message/" + "0" * 128)
    browser.check_quiet("422", "404")  # Which the browser itself notes.


def check_names(browser, place, port):
    """Names that lead here and are not ours: whoever owns one and turned it to this machine."""
    names = ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "localhost.",
             "evil.localhost", "127.0.0.1.nip.io", "localtest.me", "bmsg", "bmsg.local", "www",
             "xn--lcalhost-kcb.example", "a.b.c.d.e.f.example", "local-host", "localhost6",
             "localhost4.localdomain4", "ip6-localhost", "host.docker.internal", "router.lan",
             "intranet", "1.evil.example", "evil.example.", "127-0-0-1.evil.example", "wpad",
             "ana.example", "0.0.0.0.evil.example", "localhost.localdomain", "broadcasthost",
             "x" * 63 + ".example", "kubernetes.default.svc", "metadata.google.internal"]
    assert len(set(names)) == 30
    for name in names + ["127.0.0.2", "0.0.0.0", "127.255.255.254"]:
        browser.go(f"http://{name}:{port}/")
        said = json.loads(browser.run("return document.querySelector('pre').textContent"))
        assert said["name"] == "host", (name, said)
        found = browser.run("""
          const found = [];
          for (const [path, method] of [['/', 'GET'], ['/app.js', 'GET'], ['/api/inbox', 'GET'],
                                        ['/api/mine', 'POST'], ['/api/enter', 'POST']]) {
            const options = {method, headers: {'Content-Type': 'application/json',
                                               'X-Bmsg-Token': args[0]}};
            if (method === 'POST') options.body = '{}';
            found.push((await fetch(path, options)).status);
          }
          return found;""", "0" * 64)
        assert found == [421] * 5, (name, found)
    browser.go(f"{place}/")
    browser.log("browser")


def digest(ana, browser, place):
    """All that another page could have changed, and that the session is still one."""
    browser.go(f"{place}/")
    browser.until("return document.querySelector('h1')?.textContent === 'Inbox'")
    return [ana.objects(*words) for words in (("inbox", "--all"), ("outbox", "list"), ("log",),
                                               ("contact", "list"))]


def check_other_pages(browser, place, port, ana, running, file):
    """What pages of others send does nothing; of the same machine, whose requests carry the cookie,
    and of another. It does arrive where there is no door."""
    before = digest(ana, browser, place)
    targets = ["send", "mine", "leave", "read", "enter"]
    with Recorder() as other, Recorder() as victim:
        for host in ("127.0.0.1", "localhost"):
            browser.go(f"http://{host}:{other.port}/")
            browser.run(FOREIGN, f"http://127.0.0.1:{victim.port}", targets)
            missing = victim.wait_for([(way, target) for way in WAYS for target in targets])
            assert not missing, f"never sent from {host}: {missing}"
            victim.lines.clear()
            read = browser.run(FOREIGN, f"http://127.0.0.1:{port}", targets)
            assert read == [], f"{host} could read {read}"
    assert len(WAYS) * len(targets) >= 40
    assert digest(ana, browser, place) == before
    old = link_in(file)
    running.send_signal(signal.SIGUSR1)
    fresh = link_in(file, old)
    browser.go("about:blank")
    browser.go(f"{place}/#t={fresh}")  # The tries of others count as nobody's.
    browser.until("return document.querySelector('h1')?.textContent === 'Inbox'")
    browser.log("browser")
    browser.requests()


def fill(ana, ben, directory):
    """Each payload as subject, text and file name of a message, and as a name where it can be."""
    folder = directory / "files"
    folder.mkdir()
    files = [folder / name for name in FILES]
    for file in files:
        file.write_text("x")
    lines = [json.dumps({"to": ["ana"], "subject": text, "body": text, "attachments": [
        str(file) for file in files[number * 10:number * 10 + 10]]})
             for number, text in enumerate(PAYLOADS)]
    answers = ben.run("send", "--stdin", "--json", input="\n".join(lines).encode()).splitlines()
    queued = [json.loads(line) for line in answers]
    assert all(one["type"] == "queued" for one in queued), [
        one for one in queued if one["type"] != "queued"]
    with ana.served() as url:
        ben.run("sync", url)
    ana.run("mine", "--no-relay")
    names = [text for text in PAYLOADS if len(text.encode()) <= 64 and text.isprintable() and
             not text.startswith("-")]
    ana.run("contact", "rename", "ben", names[0])
    ana.run("contact", "group", "add", names[1], names[0])
    group = next(one for one in map(json.loads, ana.run("contact", "export").splitlines())
                 if one["kind"] == "group")
    groups = [json.dumps(group | {"name": name}) for name in names[1:]]
    ana.run("contact", "import", "/dev/stdin", input="\n".join(groups).encode() + b"\n")
    return [one["id"] for one in queued], names


def check_payloads(browser, place, ids, names):
    """All that strangers wrote is shown letter by letter, and is nothing but text."""
    shown = []
    for first in range(0, len(ids), 10):  # Each call has its time.
        shown += browser.run(SHOW + """
      const found = [];
      for (const id of args[0]) {
        const main = await show('message/' + id);
        found.push([main.querySelector('h1').textContent, main.querySelector('.body').textContent,
                    [...main.querySelectorAll('bdi')].map((one) => one.textContent)]);
      }
      return found;""", ids[first:first + 10])
    assert [name for _, _, files in shown for name in files] == FILES
    for text, (subject, body, _) in zip(PAYLOADS, shown, strict=True):
        assert body == text, (body, text)
        assert subject == text.replace("\n", " ") or subject == text, (subject, text)
    contacts = show(browser, "contacts")
    assert all(name in contacts for name in names)
    options = browser.run(SHOW + "return [...(await show('compose')).querySelectorAll('option')]"
                          ".map((one) => one.value);")
    assert set(names) <= set(options)
    for text in PAYLOADS[:20]:
        browser.run(SHOW + """
          const main = await show('compose');
          main.querySelector('#to').value = args[0].replaceAll(',', ' ');
          main.querySelector('#body').value = args[0];
          main.querySelector('#queue').click();
          while (!main.querySelector('[role=alert]')) await new Promise((x) => setTimeout(x, 5));
          await show('inbox');""", text + "?")
    assert browser.run("return document.querySelectorAll('main :is(script, img, svg, style, "
                       "iframe, object, embed, link, meta, video, audio, math, base)').length") == 0
    assert browser.run("return [document.title, Object.prototype.pwned === undefined]") == [
        "Inbox · bmsg", True]
    browser.check_quiet("422")
    foreign = {url for url in browser.requests()
               if not url.startswith((f"{place}/", "data:,", OWN))}
    assert not foreign, f"asked elsewhere: {foreign}"


def check_counters(browser, place):
    """Payloads do run where a page takes them for markup; and here the policy would stop them."""
    with Recorder() as other:
        browser.go(f"http://127.0.0.1:{other.port}/")
        ran = browser.run("""
          let ran = 0;
          for (const text of args[0]) {
            const before = window.counted().pwned;
            const frame = document.createElement('iframe');
            frame.srcdoc = '<body>' + text;
            document.body.append(frame);
            await new Promise((done) => frame.addEventListener('load', done, {once: true}));
            await new Promise((done) => setTimeout(done, 20));
            let inner = 0;
            try { inner = frame.contentWindow.counted().pwned; } catch { inner = 1; }
            if (inner || window.counted().pwned > before) ran += 1;
            frame.remove();
          }
          return ran;""", PAYLOADS[::4])
    assert ran >= len(PAYLOADS[::4]) // 2, f"only {ran} of {len(PAYLOADS[::4])} ran"
    browser.go(f"{place}/")
    browser.until("return document.querySelector('h1')?.textContent === 'Inbox'")
    browser.run("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=pwned()>');")
    assert browser.until("return window.counted().violations.length") >= 1
    assert browser.run("return window.counted().pwned") == 0
    browser.log("browser")


def check_lock(browser, directory):
    """Who does nothing is locked out; the next link asks for the passphrase."""
    secret = directory / "secret"
    secret.write_text(PASSPHRASE + "\n")
    zoe = stores.Store(directory / "zoe")
    zoe.run("--passphrase-file", secret, "init", zoe.directory, "--name", "zoe", "--floor", 8,
            "--stamp", 1)
    with page(zoe, "--passphrase-file", secret, "-c", "web.idle_lock=3s") as (_, place, file):
        first = link_in(file)
        browser.go(f"{place}/#t={first}")
        browser.until("return document.querySelector('h1')?.textContent === 'Inbox'")
        assert "bmsg sync" in show(browser, "inbox")
        assert "bmsg contact add" in show(browser, "contacts")
        browser.check_quiet()
        browser.until("return document.querySelector('h1')?.textContent === 'Locked'")
        assert browser.run("return localStorage.getItem('token')") is None
        assert browser.run("return document.getElementById('nav').checkVisibility()") is False
        browser.go("about:blank")
        browser.go(f"{place}/#t={link_in(file, first)}")
        browser.until("return document.getElementById('words')")
        assert not browser.run(NAMELESS)
        browser.type("#words", "wrong horse" + ENTER)
        browser.until("return document.querySelector('[role=alert]')")
        browser.type("#words", PASSPHRASE + ENTER)
        browser.until("return document.querySelector('h1')?.textContent === 'Inbox'")
        browser.check_quiet("401", "423")


def main():
    with stores.workplace() as directory:
        ana, ben = met(directory)
        # Whatever name is asked for leads to this machine.
        with chromium.started(directory, "--host-resolver-rules=MAP * 127.0.0.1") as browser:
            with page(ana) as (running, place, file):
                port = port_of(place)
                check_first_visit(browser, place, file)
                check_conversation(browser, ana, ben)
                browser.check_quiet()
                check_refusals(browser)
                some = ana.objects("inbox", "--all")[0]["id"]
                check_looks(browser, directory, [*VIEWS, f"message/{some}"])
                foreign = {url for url in browser.requests()
                           if not url.startswith((f"{place}/", OWN))}
                assert foreign <= {"data:,"}, f"asked elsewhere: {foreign}"
                check_names(browser, place, port)
                check_other_pages(browser, place, port, ana, running, file)
                ids, names = fill(ana, ben, directory)
                check_payloads(browser, place, ids, names)
                check_looks(browser, directory, ["inbox", "contacts", f"message/{ids[0]}"])
                check_counters(browser, place)
                browser.go("about:blank")  # Before nobody answers there any more.
            check_lock(browser, directory)


try:
    main()
except chromium.Unavailable as why:
    print(f"skip: {why}")
    sys.exit(77)
