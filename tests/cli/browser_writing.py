#!/usr/bin/env python3
"""What somebody writes in a real browser: it goes once, though the connection breaks or somebody
types on; it is there again whatever took it away; who reads it is told before; and read is what was
seen. With it what locks the page, and what is asked before something is done."""
import json
import pathlib
import signal
import socket
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import chromium  # noqa: E402
import stores  # noqa: E402
from local_page import link_in, met, page  # noqa: E402
from page_looks import show  # noqa: E402

# Every answer to a path that begins so waits until window.open_held() is called.
HOLD = """
  const fetch = window.fetch;
  const opened = new Promise((open) => { window.open_held = open; });
  window.asked = 0;
  window.undo = () => { window.fetch = fetch; };
  window.fetch = async (path, options) => {
    const held = String(path).startsWith('/api/' + args[0]);
    if (held) window.asked += 1;
    const answer = await fetch(path, options);
    if (held) await opened;
    return answer;
  };"""
WRITE = """
  const at = document.getElementById(args[0]);
  at.value = args[1];
  at.dispatchEvent(new Event('input', {bubbles: true}));"""
CLICK = """
  const found = [...document.querySelectorAll('main button, main summary, main a, #leave')]
    .find((one) => one.checkVisibility() && !one.disabled && one.innerText.trim() === args[0]);
  found?.click();
  return Boolean(found);"""


def head_is(browser, text):
    browser.until("return document.querySelector('h1')?.textContent === args[0] && "
                  "!document.querySelector('main').hasAttribute('aria-busy')", text)


def click(browser, text):
    browser.until(CLICK, text)


def value(browser, name):
    return browser.run("return document.getElementById(args[0])?.value", name)


def leave_for(browser, view):
    show(browser, view)
    assert browser.run("return location.hash") == f"#{view}"


def queued(store):
    return len(store.objects("outbox", "list"))


def write_letter(browser, to, text):
    browser.run(WRITE, "to", to)
    browser.run(WRITE, "body", text)


def check_read(browser, ana, ben):
    """A conversation that was asked for and never shown, or behind other windows, was not read."""
    before = queued(ana)
    ana.run("contact", "set", "ben", "ack=read")
    link = f"talk/with%3A{ben.text('id')}"
    browser.until("return document.querySelector('.row-link')")
    browser.run(HOLD, "conversation?")
    browser.run("location.hash = args[0]", "#" + link)
    browser.until("return window.asked > 0")
    browser.run("location.hash = '#status'")
    browser.run("window.open_held(); window.undo();")
    head_is(browser, "Status")
    browser.run("""
      Object.defineProperty(document, 'hidden', {value: true, configurable: true});
      location.hash = args[0];""", "#" + link)
    head_is(browser, "ben")
    show(browser, "inbox")
    show(browser, link)
    assert len(ana.objects("inbox", "--unread")) == 1, "nobody has seen it"
    assert queued(ana) == before, "and nobody is told that it was read"
    browser.run("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'));")
    browser.until("return !(await (await fetch('/api/inbox?quiet=1', {headers: "
                  "{'X-Bmsg-Token': localStorage.getItem('token')}})).text()).includes('unread')")
    ana.run("contact", "set", "ben", "ack=never")
    return link


def check_drafts(browser, ana, link):
    """What was written is there again after the way to the contacts and back; an answer keeps its
    own; what was not touched is forgotten, and keys of the page leave nothing."""
    before = queued(ana)
    show(browser, "contact/ben")
    click(browser, "Write")
    browser.until("return document.getElementById('to')")
    assert value(browser, "to") == "ben"
    browser.run(WRITE, "body", "A long letter")
    click(browser, "Queue")
    click(browser, "Compare words")
    head_is(browser, "Contacts")
    leave_for(browser, "compose")
    assert (value(browser, "to"), value(browser, "body")) == ("ben", "A long letter")
    browser.run("document.activeElement.blur()")
    browser.press("i", "o")
    assert browser.run("return location.hash") == "#compose"
    show(browser, link)
    browser.run(WRITE, "answer", "half an answer")
    browser.run("""
      [...document.querySelectorAll('.answer a')].at(-1).dispatchEvent(
        new MouseEvent('click', {ctrlKey: true, bubbles: true, cancelable: true}));""")
    show(browser, "inbox")
    show(browser, link)
    assert value(browser, "answer") == "half an answer"
    leave_for(browser, "compose")
    assert value(browser, "body") == "A long letter", "of nothing that was meant for another tab"
    show(browser, link)
    click(browser, "With files and more")
    browser.until("return document.getElementById('body')?.value === 'half an answer'")
    browser.run(WRITE, "body", "")
    browser.run(WRITE, "to", "")
    browser.run(WRITE, "subject", "")
    show(browser, "inbox")
    leave_for(browser, "compose")
    assert value(browser, "body") == "A long letter"
    browser.run(WRITE, "body", "")
    browser.run(WRITE, "to", "")
    show(browser, "inbox")
    leave_for(browser, "compose")
    assert (value(browser, "to"), value(browser, "body")) == ("", "")
    assert queued(ana) == before


def check_typing_on(browser, ana, link):
    """While a letter goes nothing is written into it, and it goes once; an answer that somebody
    goes on with stays."""
    before = queued(ana)
    show(browser, "inbox")
    leave_for(browser, "compose")
    write_letter(browser, "ben", "once")
    click(browser, "Queue")
    browser.run(HOLD, "send")
    click(browser, "Queue all the same")
    browser.until("return window.asked === 1")
    assert browser.run("return document.getElementById('body').matches(':disabled')")
    browser.run(WRITE, "body", "once!")
    assert browser.run("return document.getElementById('queue').disabled")
    browser.run("document.querySelector('main form').requestSubmit();")
    browser.run("window.open_held(); window.undo();")
    head_is(browser, "Outbox")
    assert queued(ana) == before + 1
    show(browser, link)
    browser.run(WRITE, "answer", "first")
    browser.run(HOLD, "send")
    click(browser, "Send")
    browser.until("return window.asked === 1")
    browser.run(WRITE, "answer", "first and a second thought")
    browser.run("window.open_held(); window.undo();")
    browser.until("return document.querySelectorAll('.bubble.mine').length === 2")
    assert value(browser, "answer") == "first and a second thought"
    browser.run(WRITE, "answer", "")
    assert queued(ana) == before + 2


def check_once(browser, ana, link):
    """An answer that never came is asked for again; the letter is the same one."""
    lost = """
      const fetch = window.fetch;
      window.undo = () => { window.fetch = fetch; };
      window.fetch = async (path, options) => {
        const answer = await fetch(path, options);
        if (path === '/api/send') throw new TypeError('the connection broke');
        return answer;
      };"""
    for number, (view, name, text) in enumerate(((link, "answer", "Send"),
                                                 ("compose", "body", "Queue all the same"))):
        before = queued(ana)
        show(browser, view)
        browser.run(WRITE, name, f"the same {number}")
        if view == "compose":
            browser.run(WRITE, "to", "ben")
            click(browser, "Queue")
        browser.run(lost)
        click(browser, text)
        browser.until("return document.querySelector('main [role=alert]')?.innerText"
                      ".includes('does not run')")
        assert queued(ana) == before + 1
        browser.run("window.undo();")
        click(browser, text)
        browser.until("return location.hash === '#outbox' || "
                      "document.getElementById('answer')?.value === ''")
        assert queued(ana) == before + 1, "a second press"
    show(browser, link)
    for text in ("again", "again"):
        browser.run(WRITE, "answer", text)
        click(browser, "Send")
        browser.until("return document.getElementById('answer').value === ''")
    assert queued(ana) == before + 3, "what is written anew is another letter"


def check_strangers(browser, ana):
    """Who is in a group is warned of as he himself; a name may have a comma."""
    ana.run("contact", "rename", "ben", "Ben, of York")
    ana.run("contact", "group", "add", "team", "Ben, of York")
    show(browser, "inbox")
    for to, told in (("team", "Not verified: Ben, of York."),
                     ("team, Ben, of York ,", "Not verified: Ben, of York.")):
        leave_for(browser, "compose")
        write_letter(browser, to, "x")
        before = queued(ana)
        browser.run("document.getElementById('queue').click()")
        browser.until("return document.querySelector('main [role=alert]')")
        assert told in browser.text("main [role=alert]"), browser.text("main [role=alert]")
        assert queued(ana) == before
        write_letter(browser, "", "")
        show(browser, "inbox")
    ana.run("contact", "rename", "Ben, of York", "ben")


def check_archive(browser, ana):
    """More than are given at once: all of them, by their ranks."""
    for number in range(5):
        ana.run("send", "--public", "-m", f"number {number}")
    show(browser, "talk/public%3A")
    browser.run("""
      const fetch = window.fetch;
      window.undo = () => { window.fetch = fetch; };
      window.fetch = (path, options) => fetch(String(path).replace('count=1000', 'count=2'), options);""")
    click(browser, "Archive")
    head_is(browser, "Inbox")
    assert not [one for one in ana.objects("inbox", "--sent") if one["public"]]
    browser.until("return !document.querySelector('main').innerText.includes('Everybody')")
    show(browser, "talk/public%3A")
    click(browser, "Back to the inbox")
    head_is(browser, "Inbox")
    assert len([one for one in ana.objects("inbox", "--sent") if one["public"]]) == 5
    browser.run("window.undo();")


def check_question(browser, ana):
    """A view that is drawn anew by what was done before takes no question away."""
    ana.run("room", "create", "club", "--member", "ben")
    show(browser, "room/club")
    browser.run(HOLD, "rooms?quiet")
    click(browser, "New secret")
    click(browser, "Yes")
    browser.until("return window.asked > 0")
    click(browser, "Leave")
    browser.until("return document.querySelectorAll('.btn-danger:enabled').length === 1")
    browser.run("window.open_held(); window.undo();")
    browser.until("return document.querySelectorAll('.btn-danger').length === 1")
    click(browser, "Yes")
    head_is(browser, "Rooms")
    assert ana.objects("room", "list") == []


def check_lock_button(browser):
    """Nothing is called locked that is not."""
    show(browser, "inbox")
    browser.run("""
      const fetch = window.fetch;
      window.undo = () => { window.fetch = fetch; };
      window.fetch = async (path, options) => {
        if (path === '/api/leave') throw new TypeError('the connection broke');
        return fetch(path, options);
      };""")
    click(browser, "Lock")
    browser.until("return document.querySelector('main [role=alert]')")
    assert "Nothing was locked" in browser.text("main [role=alert]")
    assert browser.run("return localStorage.getItem('token')")
    browser.run("window.undo();")
    assert "Height" in show(browser, "status"), "the session goes on"


def check_second_link(browser, place, running, file):
    """Another link in the same browser: both tabs go on by the newest session, and what is written
    in the first stays. A lock takes it away from both, and gives it back with the next link."""
    show(browser, "inbox")
    leave_for(browser, "compose")
    write_letter(browser, "ben", "before the lock")
    first = link_in(file)
    running.send_signal(signal.SIGUSR1)
    second = link_in(file, first)
    here = browser.ask("GET", "/window")
    there = browser.ask("POST", "/window/new", {"type": "tab"})["handle"]
    browser.ask("POST", "/window", {"handle": there})
    browser.go(f"{place}/#t={second}")
    head_is(browser, "Inbox")
    browser.ask("POST", "/window", {"handle": here})
    browser.run("location.hash = '#status'")
    head_is(browser, "Status")
    assert browser.run("return localStorage.getItem('token')")
    browser.ask("POST", "/window", {"handle": there})
    browser.ask("POST", "/refresh", {})
    head_is(browser, "Inbox")
    browser.ask("DELETE", "/window")
    browser.ask("POST", "/window", {"handle": here})
    click(browser, "Lock")
    head_is(browser, "Locked")
    browser.run("location.hash = args[0]", f"#t={link_in(file, second)}")
    head_is(browser, "Inbox")
    leave_for(browser, "compose")
    assert (value(browser, "to"), value(browser, "body")) == ("ben", "before the lock")


def main():
    with stores.workplace() as directory:
        ana, ben = met(directory)
        with chromium.started(directory) as browser, page(ana) as (running, place, file):
            browser.look(1280, "light")
            browser.go(f"{place}/#t={link_in(file)}")
            head_is(browser, "Inbox")
            link = check_read(browser, ana, ben)
            check_drafts(browser, ana, link)
            check_typing_on(browser, ana, link)
            check_once(browser, ana, link)
            check_strangers(browser, ana)
            check_archive(browser, ana)
            check_question(browser, ana)
            check_lock_button(browser)
            check_second_link(browser, place, running, file)
            browser.log("browser")


try:
    main()
except chromium.Unavailable as error:
    print(f"skip: {error}")
    sys.exit(77)
