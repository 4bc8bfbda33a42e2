#!/usr/bin/env python3
"""Contacts, chain, proof, peers and settings in a real browser: each thing once, as somebody at the
mouse does it; a proof computed by the browser that tells tampered bytes; hostile names, peers and
public texts as text; every view light and dark at three widths, and before axe-core."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import axe  # noqa: E402
import chromium  # noqa: E402
import npm  # noqa: E402
import stores  # noqa: E402
from local_page import branch_off, link_in, long_store, met, page  # noqa: E402
from page_looks import check_looks, show  # noqa: E402
from payloads import PAYLOADS  # noqa: E402

PASSPHRASE = "correct horse battery staple"
# A button by what it says.
PRESS = """
  const button = [...document.querySelectorAll('main button, main summary')]
    .find((one) => one.checkVisibility() && one.textContent.trim() === args[0]);
  if (!button) return false;
  button.click();
  return true;
"""


def press(browser, text):
    browser.until(PRESS, text)


def see(browser, text, seconds=30):
    browser.until("return document.body.innerText.includes(args[0])", text, seconds=seconds)


def put(browser, selector, text):
    """A long text at once."""
    browser.run("document.querySelector(args[0]).value = args[1]", selector, text)


def check_contacts(browser, ana, zoe):
    show(browser, "contacts")
    press(browser, "You: what others need to write to you")
    drawn = browser.run("const box = document.querySelector('svg.code'); return ["
                        "box.getAttribute('role'), box.getAttribute('aria-label'), "
                        "box.querySelector('path.dark').getAttribute('d').length]")
    assert drawn[:2] == ["img", "QR code of your address"] and drawn[2] > 1000, drawn
    assert ana.text("id") in browser.text("#main")
    press(browser, "Add a contact")
    browser.type("#contact-name", "zoe")
    put(browser, "#contact-address", "/etc/passwd")
    press(browser, "Add")
    browser.until("return document.querySelector('main [role=alert]')")
    put(browser, "#contact-address", zoe.text("id", "--card"))
    press(browser, "Add")
    browser.until("return document.querySelector('h1')?.textContent === 'zoe'")
    shown = browser.text("#main")
    theirs, mine = (one.text("id", "--words") for one in (zoe, ana))
    assert theirs in shown and mine in shown, "the words of both"
    press(browser, "They are the same: verified")
    see(browser, "You have compared them.")
    assert ana.objects("contact", "show", "zoe")[0]["trust"] == "verified"
    press(browser, "Block")
    see(browser, "blocked")
    press(browser, "Unblock")
    browser.until("return !document.querySelector('main .tag').innerText.includes('blocked')")
    browser.run("document.getElementById('new-name').value = args[0]", "Zoë & co/1")
    press(browser, "Rename")
    browser.until("return document.querySelector('h1')?.textContent === 'Zoë & co/1'")
    press(browser, "Remove")
    press(browser, "No")
    assert ana.objects("contact", "show", "Zoë & co/1")
    press(browser, "Remove")
    press(browser, "Yes")
    browser.until("return document.querySelector('h1')?.textContent === 'Contacts'")
    assert "Zoë" not in show(browser, "contacts")
    assert "block 1" in show(browser, "contact/ben"), "the history of ben's keys"
    assert "bmsg contact list" in show(browser, "contact/nobody")
    # A view may be drawn anew while its contact gets another name.
    browser.check_quiet("400", "contact/log?name=zoe&quiet=1")


def check_chain(browser, ana, public):
    text = show(browser, "blocks")
    tip = ana.objects("log", "-n", "1")[0]
    assert tip["hash"][-8:] in text and "branch lies beside" in text, text
    drawn = browser.run("return [...document.querySelectorAll('svg.plot, svg.graph')].map((one) => "
                        "[one.getAttribute('aria-label'), one.children.length])")
    assert len(drawn) == 2 and "s from one to the next" in drawn[0][0], drawn
    assert browser.run("return document.querySelectorAll('svg.graph .dot.side').length") == 1
    for wanted, heading in (("tip", f"Block {tip['height']}"),
                            (stores.beginning(public, 10), "<i>news</i>"),
                            (tip["hash"], f"Block {tip['height']}")):
        show(browser, "blocks")
        browser.type("#find", wanted)
        press(browser, "Find")
        browser.until("return document.querySelector('h1')?.textContent === args[0]", heading)
    show(browser, "blocks")
    browser.type("#find", "no such")
    press(browser, "Find")
    browser.until("return document.querySelector('main [role=alert]')")
    height = ana.objects("read", public)[0]["block"]["height"]
    text = show(browser, f"block/{height}")
    header = ana.run("cat", str(height))[:256].hex()
    assert header in text and "buried" in text and "<i>news</i>" in text, text
    text = show(browser, f"object/{public}")
    assert "<b>for all</b>" in text and "deep below the tip" in text, text
    browser.check_quiet("400")


def check_verify(browser):
    show(browser, "blocks")
    press(browser, "Verify")
    see(browser, "keep every rule")
    press(browser, "Verify every byte")
    browser.until("return [...document.querySelectorAll('.verdict')].length === 1")
    see(browser, "keep every rule")
    browser.check_quiet()


def check_older(browser, directory):
    """A hundred blocks at a time, down to the first; the page of whoever has no contact."""
    with page(long_store(directory, "long", 150)) as (_, place, file):
        browser.go(f"{place}/#t={link_in(file)}")
        browser.until("return document.querySelector('h1')?.textContent === 'Inbox'")
        assert "No block lies beside the best chain" in show(browser, "blocks")
        assert "bmsg contact add" in show(browser, "contacts")
        show(browser, "blocks")
        rows = "return document.querySelectorAll('table tbody tr').length"
        assert browser.run(rows) == 100
        press(browser, "Older")
        browser.until(rows + " === 151")
        assert not browser.run(PRESS, "Older"), "the first block is shown"
        browser.check_quiet()
        browser.go("about:blank")


def verdict(browser):
    return browser.text("#verdict"), browser.run(
        "return [...document.querySelectorAll('.steps .tick')].map((one) => one.className)")


def check_proof(browser, public):
    """It holds; one bit of any part is told; and so is what came altered."""
    show(browser, f"proof/{public}")
    words, marks = verdict(browser)
    assert "holds" in words and "not" not in words, words
    assert len(marks) >= 6 and set(marks) == {"tick good"}, marks
    for part in browser.run("return [...document.querySelectorAll('#which option')]"
                            ".map((one) => one.value)"):
        put(browser, "#which", part)
        press(browser, "Turn")
        browser.until("return document.getElementById('verdict').className === 'verdict bad'")
        assert "tick bad" in verdict(browser)[1], part
        press(browser, "As it was")
        browser.until("return document.getElementById('verdict').className === 'verdict good'")
    for key in ("head", "path", "nonce", "index", "header"):
        show(browser, "blocks")
        browser.run("""
          window.real = window.real || window.fetch;
          window.fetch = async (...words) => {
            const answer = await window.real(...words);
            if (!String(words[0]).includes('receipt')) return answer;
            const one = JSON.parse(await answer.text());
            const lines = one.text.split('\\n');
            const at = lines.findIndex((line) => line.startsWith(args[0] + ' '));
            const value = lines[at].slice(args[0].length + 1);
            const other = value[0] === '0' ? '1' : '0';
            const middle = Math.floor(value.length / 2);
            const swap = value[middle] === 'A' ? 'B' : 'A';
            lines[at] = args[0] + ' ' + (/^[0-9a-f]+$/.test(value) ? other + value.slice(1)
              : value.slice(0, middle) + swap + value.slice(middle + 1));
            return new Response(JSON.stringify({...one, text: lines.join('\\n')}) + '\\n');
          };""", key)
        show(browser, f"proof/{public}")
        words, marks = verdict(browser)
        assert "does not hold" in words and "tick bad" in marks, (key, words)
        browser.run("window.fetch = window.real;")
    browser.check_quiet()


def check_peers(browser, ana, ben):
    assert "bmsg peers add" in show(browser, "peers")
    with ben.served() as url:
        press(browser, "Add a peer")
        browser.type("#peer-url", url)
        press(browser, "Add")
        browser.until("return document.querySelector('table.peers')?.innerText.includes(args[0])",
                      url)
        press(browser, "Sync now")
        see(browser, "1 peer of 1 answered.")
        press(browser, "Ban for a day")
        browser.until("return document.querySelector('table.peers').innerText.includes('banned')")
        assert ana.objects("peers")[0]["state"] == "banned"
        press(browser, "Unban")
        browser.until("return !document.querySelector('table.peers').innerText.includes('banned')")
    press(browser, "Sync")
    see(browser, "0 peers of 1 answered.")


def check_settings(browser, ana, directory):
    text = show(browser, "settings")
    for words in (ana.text("id"), "bmsg id backup FILE", "MiB", "rocksdb",
                  "Settings of commands"):
        assert words in text, words
    press(browser, "For cron")
    see(browser, "crontab")
    press(browser, "The others")
    browser.run("const input = document.querySelector('input[aria-label=\"mine.bury\"]');"
                "input.value = '3'; input.nextElementSibling.click()")
    see(browser, "mine.bury is set.")
    assert ana.text("config", "get", "mine.bury") == "3"
    browser.until(PRESS, "Default")
    see(browser, "mine.bury is as usual.")
    browser.devtools("Browser.setDownloadBehavior", behavior="allow",
                     downloadPath=str(directory))
    show(browser, "status")  # The view is drawn anew after each change.
    show(browser, "settings")
    press(browser, "Make a backup")
    browser.type("#typed", "one")
    browser.type("#typed-again", "another")
    press(browser, "Download")
    see(browser, "The two passphrases differ.")
    browser.run("for (const one of ['typed', 'typed-again']) "
                "document.getElementById(one).value = args[0]", PASSPHRASE)
    press(browser, "Download")
    see(browser, "handed to the browser")
    file = directory / "bmsg-identity.backup"
    for _ in range(100):
        if file.exists() and file.stat().st_size:
            break
        browser.run("await new Promise((done) => setTimeout(done, 50))")
    assert file.read_bytes()[:3] == b"bmP" or file.stat().st_size > 200
    press(browser, "Set one")
    browser.run("for (const one of ['fresh', 'repeated']) "
                "document.getElementById(one).value = args[0]", PASSPHRASE)
    press(browser, "Set")
    see(browser, "behind a passphrase.", 60)
    ana.objects("id", exits=(77,))
    browser.check_quiet()


def fill(ana, ben, directory):
    """Payloads as public subjects and texts, as contacts' names, and in what a peer says."""
    for text in PAYLOADS[::12]:
        ana.run("send", "--public", "-s", text.replace("\n", " "), "-F", "-", input=text.encode())
    ana.run("mine", "--no-relay")
    names = [text for text in PAYLOADS if len(text.encode()) <= 64 and text.isprintable() and
             not text.startswith("-")][:40]
    ana.run("contact", "rename", "ben", names[0])
    ana.run("peers", "add", "--no-probe", "http://127.0.0.1:9/%3Cimg%20src=x%20onerror=pwned()%3E",
            exits=(0, 64))
    return names


def check_payloads(browser, ana, names):
    height = ana.objects("log", "-n", "1")[0]["height"]
    text = show(browser, f"block/{height}")
    for one in PAYLOADS[::12]:
        assert one.split("\n")[0].strip() in text, one
    ids = ana.text("ls-messages", str(height)).split()
    for one in ids:
        show(browser, f"object/{one}")
    shown = show(browser, "contacts")
    assert names[0] in shown
    browser.run("location.hash = '#contact/' + encodeURIComponent(args[0])", names[0])
    browser.until("return document.querySelector('h1')?.textContent === args[0]", names[0])
    for view in ("peers", "settings", "blocks"):
        show(browser, view)
    assert browser.run("return document.querySelectorAll('main :is(script, img, style, iframe, "
                       "object, embed, link, meta, video, audio, math, base)').length") == 0
    browser.check_quiet()


def check_axe(browser, views):
    tool = axe.Axe()
    browser.run("document.documentElement.lang = ''")
    broken = tool.violations(browser)
    assert any("html-has-lang" in one for one in broken), f"it finds nothing: {broken}"
    browser.run("document.documentElement.lang = 'en'")
    for scheme in ("light", "dark"):
        browser.look(768, scheme)
        for view in views:
            show(browser, view)
            browser.run("for (const one of document.querySelectorAll('details')) one.open = true")
            assert not (found := tool.violations(browser)), f"{view} {scheme}: {found}"


def main():
    pictures = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with stores.workplace() as directory, chromium.started(directory) as browser:
        ana, ben = met(directory)
        zoe = stores.joined(directory / "zoe", "zoe", directory / "ana" / "genesis")
        public = ana.text("send", "--public", "-s", "<i>news</i>", "-m", "<b>for all</b>")
        ana.run("send", "-m", "for ben alone", "ben")
        ana.run("mine", "--no-relay")
        branch_off(ana, ben)
        with page(ana) as (_, place, file):
            browser.go(f"{place}/#t={link_in(file)}")
            browser.until("return document.querySelector('h1')?.textContent === 'Inbox'")
            check_contacts(browser, ana, zoe)
            check_chain(browser, ana, public)
            check_verify(browser)
            check_proof(browser, public)
            check_peers(browser, ana, ben)
            height = ana.objects("read", public)[0]["block"]["height"]
            views = ["contacts", "contact/ben", "blocks", f"block/{height}", f"object/{public}",
                     f"proof/{public}", "peers", "settings", "status"]
            check_looks(browser, pictures or directory, views)
            check_axe(browser, [*views, "inbox", "compose", "outbox"])
            names = fill(ana, ben, directory)
            check_payloads(browser, ana, names)
            check_settings(browser, ana, directory)
            foreign = {url for url in browser.requests()
                       if not url.startswith((f"{place}/", "data:", f"blob:{place}/"))}
            assert not foreign, f"asked elsewhere: {foreign}"
            browser.go("about:blank")
        browser.requests()
        check_older(browser, directory)


try:
    main()
except (chromium.Unavailable, npm.Unavailable) as why:
    print(f"skip: {why}")
    sys.exit(77)
