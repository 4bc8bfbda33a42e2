#!/usr/bin/env python3
"""Mail in a real browser: each thing once, as somebody at keyboard and mouse does it; what others
change is there within moments; hostile names, subjects, texts and file names as text; every view
light and dark at three widths."""
import json
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import axe  # noqa: E402
import chromium  # noqa: E402
import npm  # noqa: E402
import stores  # noqa: E402
from local_page import link_in, met, page  # noqa: E402
from page_looks import SHOW, check_looks, show  # noqa: E402
from payloads import PAYLOADS  # noqa: E402

ENTER = "\ue007"
ESCAPE = "\ue00c"
# A button by what it says.
PRESS = """
  const button = [...document.querySelectorAll('main button, main summary, main a')]
    .find((one) => one.checkVisibility() && !one.disabled &&
                   one.innerText.trim().startsWith(args[0]));
  if (!button) return false;
  button.click();
  return true;
"""


def press(browser, text):
    browser.until(PRESS, text)


def see(browser, text, seconds=30):
    browser.until("return document.body.innerText.includes(args[0])", text, seconds=seconds)


def gone(browser, text):
    browser.until("return !document.querySelector('main').innerText.includes(args[0])", text)


def head_is(browser, text):
    browser.until("return document.querySelector('h1')?.textContent === args[0] && "
                  "!document.querySelector('main').hasAttribute('aria-busy')", text)


def deliver(sender, receiver):
    """What the sender has in his pool and outbox lies with the receiver."""
    with receiver.served() as url:
        sender.run("sync", url)


def check_live(browser, ana, ben):
    """Mail that comes while the page lies there is on it at once, and stays unread until somebody
    is there; where no stream runs, it is looked for."""
    show(browser, "inbox")
    browser.until("return document.body.dataset.live === 'yes'")
    ben.run("send", "-s", "Breaking news", "-m", "It is <b>live</b>", "ana")
    deliver(ben, ana)
    see(browser, "Breaking news")
    assert "2 unread" in browser.text("#main")
    ana.run("mark", "+archived", ana.objects("inbox")[0]["id"])
    gone(browser, "Breaking news")
    ana.run("mark", "-archived", "+unread", ana.objects("inbox", "--all")[0]["id"])
    see(browser, "Breaking news")


def check_keys(browser, ana):
    """All of the inbox without a mouse."""
    show(browser, "inbox")
    browser.press("?")
    browser.until("return document.querySelector('dialog[open]')")
    assert "archive" in browser.text("dialog")
    browser.press(ESCAPE)
    browser.until("return !document.querySelector('dialog')")
    browser.press("j")
    browser.press("u")
    see(browser, "Marked as read")
    browser.until("return !document.querySelector('.unread')")
    assert ana.objects("inbox", "--unread") == []
    browser.until("return document.activeElement.classList.contains('row-link')")
    browser.press("u")
    browser.until("return document.querySelector('.unread')")
    browser.press("e")
    see(browser, "Nothing is here yet")
    show(browser, "inbox/archived")
    see(browser, "Breaking news")
    browser.press("j", "k")
    browser.press("e")
    see(browser, "Nothing is archived")
    show(browser, "inbox")
    browser.press("/")
    assert browser.run("return document.activeElement.id") == "search"
    browser.type("#search", "hello" + ENTER)
    see(browser, "1 found")
    browser.press("j")
    browser.press(ENTER)
    head_is(browser, "<script>alert(1)</script>")


def check_talk(browser, ana, ben):
    """A conversation: read by whoever looks at it, answered, and each message where it stands."""
    show(browser, "inbox")
    browser.press("j")
    browser.press(ENTER)
    head_is(browser, "ben")
    assert browser.run("return [...document.querySelectorAll('.said')].map((one) => one.innerText)"
                       ) == ["Hello ana", "It is <b>live</b>"]
    assert "Trust:" in browser.run("return document.querySelector('.head .tag').textContent")
    deadline = time.monotonic() + 20
    while ana.objects("inbox", "--unread") and time.monotonic() < deadline:
        pass
    assert ana.objects("inbox", "--unread") == []
    browser.press("r")
    assert browser.run("return document.activeElement.id") == "answer"
    browser.type("#answer", "half an ans")
    ben.run("send", "-m", "Are you there?", "ana")
    deliver(ben, ana)
    see(browser, "Are you there?")
    assert browser.run("return document.getElementById('answer').value") == "half an ans"
    browser.type("#answer", "wer: äöü €")
    assert browser.text(".answer .form-text") == "26 of 65536 bytes"
    press(browser, "Send")
    browser.until("return document.querySelectorAll('.bubble.mine').length === 1")
    see(browser, "queued")
    ana.run("mine", "--no-relay")
    browser.until("return document.querySelector('.bubble.mine .foot')?.innerText"
                  ".includes('block 2, 1 confirmation')")
    mine = browser.run("return document.querySelector('.bubble.mine').dataset.id")
    assert browser.run("return document.querySelector('.bubble.mine a[href^=\"#proof/\"]').hash"
                       ) == f"#proof/{mine}"
    deliver(ana, ben)
    assert ben.objects("inbox", "--bodies")[0]["body"] == "half an answer: äöü €"
    press(browser, "Archive")
    see(browser, "Nothing is here yet")
    ana.run("mark", "-archived", *[one["id"] for one in ana.objects("inbox", "--all")], mine)
    see(browser, "ben")


def attach(browser, *files):
    """As somebody who picks files."""
    value = "\n".join(str(file) for file in files)
    browser.ask("POST", f"/element/{browser.element('#files')}/value", {"text": value})


def check_compose(browser, ana, ben, directory):
    """Picked, measured, warned, with a file that is told before and saved by the other."""
    file = directory / "ä <img src=x onerror=pwned()>.bin"
    file.write_bytes(stores.seeded_random().randbytes(700_000))
    show(browser, "compose")
    press(browser, "Pick")
    browser.click("#to-0")
    assert browser.run("return document.getElementById('to').value") == "ben"
    browser.type("#subject", "With a file")
    browser.type("#body", "ä")
    assert browser.text("#count") == "2 of 65536 bytes"
    see(browser, "sealed: ")
    browser.run("""
      const body = document.getElementById('body');
      body.value = 'x'.repeat(65537);
      body.dispatchEvent(new Event('input', {bubbles: true}));
    """)
    assert browser.run("return document.getElementById('queue').disabled")
    browser.run("""
      const body = document.getElementById('body');
      body.value = 'It fits.';
      body.dispatchEvent(new Event('input', {bubbles: true}));
    """)
    attach(browser, file)
    see(browser, "683.6 KiB")
    browser.run("document.getElementById('expires').value = '604800s'")
    browser.click("#queue")
    see(browser, "Not verified: ben")
    browser.click("#queue")
    browser.until("return document.getElementById('agree')")
    assert "4 pieces to stamp" in browser.text("#far")
    browser.click("#agree")
    head_is(browser, "Outbox")
    one = ana.objects("outbox", "list")[-1]
    whole = ana.objects("read", one["id"])[0]
    assert whole["attachments"][0]["name"] == file.name and whole["subject"] == "With a file"
    show(browser, "message/" + one["id"])
    browser.devtools("Browser.setDownloadBehavior", behavior="allow",
                     downloadPath=str(directory / "saved"))
    (directory / "saved").mkdir()
    press(browser, "Save")
    name = whole["attachments"][0]["safe_name"]
    see(browser, f"Saved as {name}")
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and not (directory / "saved" / name).exists():
        time.sleep(0.05)
    assert (directory / "saved" / name).read_bytes() == file.read_bytes()
    check_lost_file(browser, ana, ben, directory)


def check_lost_file(browser, ana, ben, directory):
    path = directory / "lost.bin"
    path.write_bytes(b"l" * 400_000)
    ben.run("send", "-s", "Lost", "-a", path, "-m", "lost", "ana")
    for chunk in (ben.directory / "blobs" / "own").rglob("*"):
        if chunk.is_file():
            chunk.unlink()
    deliver(ben, ana)
    lost = next(one for one in ana.objects("inbox", "--all") if one["subject"] == "Lost")
    show(browser, "message/" + lost["id"])
    press(browser, "Save")
    browser.until("return document.querySelector('.files [role=alert]')")
    assert "--attachments" in browser.text(".files")
    browser.check_quiet("404")


def check_outbox(browser, ana):
    """Taken back, and mined with what it may take; a search that is stopped says so."""
    ana.run("send", "-m", "not to go", "ben")
    show(browser, "outbox")
    press(browser, "Cancel")
    press(browser, "Yes")
    see(browser, "Taken back")
    assert all(one["state"] != "queued" or "not to go" not in json.dumps(one)
               for one in ana.objects("outbox", "list"))
    press(browser, "Mine now")
    browser.until("return document.querySelector('#told').textContent.includes('was mined')")
    see(browser, "confirmation")


def check_search_for_a_block(browser, directory):
    """Rate, mean and bound of a search that takes long, and its end."""
    hard = stores.Store(directory / "hard")
    hard.run("init", hard.directory, "--name", "ana", "--floor", 60, "--stamp", 1,
             "--no-passphrase")
    with page(hard) as (_, place, file):
        browser.go(f"{place}/#t={link_in(file)}")
        head_is(browser, "Inbox")
        see(browser, "bmsg sync")
        show(browser, "outbox")
        press(browser, "Mine now")
        see(browser, "95 % within")
        show(browser, "inbox")
        show(browser, "outbox")
        see(browser, "95 % within")
        press(browser, "Stop")
        see(browser, "Stopped.")
        browser.until("return !document.querySelector('.head .btn-primary').disabled")
        browser.log("browser")


def check_rooms(browser, ana, ben):
    show(browser, "rooms")
    see(browser, "You are in no room yet")
    press(browser, "Make a room")
    browser.type("#room-name", "pub")
    press(browser, "Create")
    see(browser, "0 members")
    press(browser, "pub")
    head_is(browser, "Room pub")
    browser.type("#invite", "ben")
    press(browser, "Invite")
    browser.until("return document.querySelector('ul[aria-label=Members]')")
    assert ana.objects("room", "show", "pub")[0]["members"] == ["ben"]
    press(browser, "What was written")
    head_is(browser, "Room pub")
    browser.type("#answer", "Hello room")
    press(browser, "Send")
    browser.until("return document.querySelectorAll('.bubble.mine').length === 1")
    ana.run("mine", "--no-relay")
    deliver(ana, ben)
    ana_name = ben.objects("inbox", "--room", "pub", "--bodies")
    assert [one["body"] for one in ana_name] == ["Hello room"]
    show(browser, "room/pub")
    press(browser, "New secret")
    press(browser, "Yes")
    browser.until("return document.querySelector('#told').textContent.includes('new secret')")
    show(browser, "room/pub")
    press(browser, "Remove")
    press(browser, "Yes")
    see(browser, "Nobody else is in it yet")
    press(browser, "Leave")
    press(browser, "Yes")
    head_is(browser, "Rooms")
    see(browser, "You are in no room yet")


def fill(ana, ben):
    """Each payload as subject, text and name of a room or contact, where it can be one."""
    lines = [json.dumps({"to": ["ana"], "subject": text, "body": text}) for text in PAYLOADS]
    ben.run("send", "--stdin", "--json", input="\n".join(lines).encode())
    deliver(ben, ana)
    ana.run("mine", "--no-relay")
    names = [text for text in PAYLOADS if len(text.encode()) <= 60 and text.isprintable() and
             not text.startswith("-")][:8]
    for name in names:
        ana.run("room", "create", "--", name)
    ana.run("contact", "rename", "ben", "'><img src=x onerror=pwned()>")
    ana.run("send", "-m", "in a room", names[0])
    return names


def check_payloads(browser, ana, ben, names):
    """Nothing of it is anything but text, wherever it stands."""
    bodies = set()
    show(browser, "inbox")
    browser.press("j")
    address = ben.text("id")
    shown = browser.run(SHOW + "return [...(await show(args[0])).querySelectorAll('.said')]"
                        ".map((one) => one.textContent);", "talk/with%3A" + address)
    assert len(shown) == 50
    for _ in range(5):
        # What was asked for may be there before the button has done all it does.
        browser.until("return ![...document.querySelectorAll('main button')]"
                      ".some((one) => one.innerText === 'Older' && one.disabled)")
        before = len(browser.run("return [...document.querySelectorAll('.said')].map((x) => 1)"))
        if not browser.run(PRESS, "Older"):
            break
        browser.until("return document.querySelectorAll('.said').length > args[0] || "
                      "![...document.querySelectorAll('main button')]"
                      ".some((one) => one.innerText === 'Older')", before)
    bodies |= set(browser.run("return [...document.querySelectorAll('.said')]"
                              ".map((one) => one.textContent)"))
    assert set(PAYLOADS) <= bodies, set(PAYLOADS) - bodies
    rooms = show(browser, "rooms")
    assert all(name in rooms for name in names)
    for name in names[:3]:
        browser.run(SHOW + "await show('room/' + encodeURIComponent(args[0]))", name)
        assert browser.text("h1") == f"Room {name}"
        browser.run(SHOW + "await show('talk/' + encodeURIComponent('room:' + args[0]))", name)
    for text in PAYLOADS[:20]:
        browser.run(SHOW + "await show('inbox/find:' + encodeURIComponent(args[0]))", text)
    for view in ("compose", "outbox", "inbox/archived", "talk/nonsense", "talk/%3A%3A",
                 "room/%3Cscript%3E"):
        show(browser, view)
    assert browser.run("return document.querySelectorAll('main :is(script, img, style, iframe, "
                       "object, embed, link, meta, video, audio, math, base)').length") == 0
    browser.check_quiet("400", "404")


def check_change_meanwhile(browser, ana):
    """What comes while a view is on its way does not stand in for it, not even if it fails."""
    show(browser, "status")
    browser.run("""
      const fetch = window.fetch;
      window.held = new Promise((open) => { window.open_held = open; });
      window.fetch = async (path, options) => {
        if (path === '/api/contacts') await window.held;
        if (path.includes('quiet=1')) throw new TypeError('not now');
        return fetch(path, options);
      };
      window.undo = () => { window.fetch = fetch; };""")
    browser.run("location.hash = '#contacts'")
    height = ana.objects("log")[0]["height"] + 1
    ana.run("mine", "--allow-empty", "--no-relay")
    browser.until("return document.getElementById('chain').textContent.endsWith(args[0])",
                  f"height {height}")
    browser.run(SHOW + "window.open_held(); await settled();")
    assert browser.text("h1") == "Contacts"
    browser.run("window.undo()")


def main():
    with stores.workplace() as directory:
        ana, ben = met(directory)
        looks = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else directory
        with chromium.started(directory) as browser:
            with page(ana) as (_, place, file):
                browser.look(1280, "light")  # Without motion, so that what is clicked stands still.
                browser.go(f"{place}/#t={link_in(file)}")
                head_is(browser, "Inbox")
                check_live(browser, ana, ben)
                check_keys(browser, ana)
                check_talk(browser, ana, ben)
                check_compose(browser, ana, ben, directory)
                check_outbox(browser, ana)
                check_rooms(browser, ana, ben)
                ana.run("room", "create", "club", "--member", "ben")
                ana.run("send", "-m", "Welcome to the club", "club")
                ana.run("send", "--public", "-s", "To everybody", "-m", "A public word")
                ben.run("send", "-s", "Lunch", "-m", "At noon, as always?", "ana")
                deliver(ben, ana)
                views = ["inbox", "inbox/find:hello", "talk/with%3A" + ben.text("id"),
                         "talk/room%3Aclub", "talk/public%3A", "compose", "outbox", "rooms",
                         "room/club", "message/" + ana.objects("inbox", "--all")[0]["id"]]
                check_looks(browser, looks, views)
                judge = axe.Axe()
                for view in views:
                    show(browser, view)
                    assert not (wrong := judge.violations(browser)), (view, wrong)
                check_change_meanwhile(browser, ana)
                names = fill(ana, ben)
                check_payloads(browser, ana, ben, names)
            check_search_for_a_block(browser, directory)


try:
    main()
except (chromium.Unavailable, npm.Unavailable) as error:
    print(f"skip: {error}")
    sys.exit(77)
