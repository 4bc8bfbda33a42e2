#!/usr/bin/env python3
"""Nothing that strangers wrote acts on a terminal: bodies, subjects, names, answers of peers,
settings and arguments, through every command, at a terminal and in a pipe."""
import contextlib
import json
import os
import pathlib
import pty
import subprocess
import sys
import threading
import http.server
import tty

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stores
import world

# What terminals have been made to obey, and what makes text look like another.
HOSTILE = [
    "\x1b[2J\x1b[1;1H", "\x1b]0;title\x07", "\x1b]8;;http://evil\x07link\x1b]8;;\x07",
    "\x1b]52;c;cHduZWQ=\x07", "\x1bP$qm\x1b\\", "\x1b_apc\x1b\\", "\x9b31m", "\x9d0;t\x9c",
    "\x1bc", "\x1b]0;without end", "good\rbad ", "\x08\x08\x08gone", "\x7f", "\x00nul",
    "\u202eright to left", "\u2066isolate", "\u2028line", "\u2029paragraph", "\ufeffbom",
    "\u061cmark", "e" + "\u0301" * 1000, "\x0b\x0c\x0e\x0f", "\x05\x1a\x18",
]
FORBIDDEN = ({chr(code) for code in range(0x20)} - {"\n", "\t"}) | \
    {chr(code) for code in range(0x7f, 0xa0)} | \
    set("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e"
        "\u2066\u2067\u2068\u2069\ufeff")
# Beside the least of each command: those that print what others wrote in full.
MORE = [
    ["read", "{all}"], ["read", "--body", "{all}"], ["read", "--headers", "{all}"],
    ["read", "--thread", "@"], ["inbox", "--bodies", "--json"], ["inbox", "--sent"],
    ["inbox", "--format", "{{subject}} {{from_name}} {{body}}", "--bodies"],
    ["contact", "show", "{name}"], ["contact", "export"], ["show", "@"], ["show", "{name}"],
    ["config", "list"], ["config", "get", "core.editor"], ["config", "list", "--show-origin"],
    ["peers"], ["peers", "show", "{peer}"], ["peers", "probe"],
    ["peers", "--format", "{{last_error}}"],
    ["sync", "-v"], ["sync", "--json"], ["status"], ["outbox"],
]


# They print bytes for programs, and refuse a terminal.
BYTES = {"init", "pow", "make-block", "seal", "cat", "open", "backup", "restore"}


class Liar(http.server.BaseHTTPRequestHandler):
    """Answers with words that want to be a title of the terminal."""

    def do_GET(self):
        self.wfile.write(b"HTTP/1.1 500 \x1b]0;x\x07\r\nContent-Type: text/plain\r\n"
                         b"Content-Length: 12\r\n\r\n\x1b]0;y\x07\x9b31m")
        self.close_connection = True

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def liar():
    server = http.server.HTTPServer(("127.0.0.1", 0), Liar)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def at_terminal(place, words):
    """All that a terminal gets of a command."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)  # So that it adds no carriage returns of its own.
    got = b""
    environment = place.ana.environment | {"TERM": "dumb", "BMSG_PAGER": "cat"}
    with subprocess.Popen([stores.PROGRAM, "-C", str(place.directory / "ana"), *words],
                          stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
                          cwd=place.directory, env=environment) as process:
        os.close(theirs)
        with contextlib.suppress(OSError):  # The end of a terminal is an error in Linux.
            while piece := os.read(ours, 65536):
                got += piece
        process.wait(30)
    os.close(ours)
    return got


def check(text, where):
    try:
        shown = text.decode()
    except UnicodeDecodeError as error:
        raise AssertionError(f"{where}: not UTF-8: {error}") from error
    bad = sorted(FORBIDDEN & set(shown))
    assert not bad, f"{where}: {bad} in {shown[:300]!r}"


def fill(place, peer):
    """Everything a stranger can write; the file of contacts as if it had been damaged."""
    ana, ben = place.ana, place.ben
    address = ana.text("id")
    lines = [json.dumps({"to": [address], "subject": text.replace("\x00", ""), "body": text})
             for text in HOSTILE]
    ana.run("send", "--stdin", input="\n".join(lines).encode())
    ana.run("send", "--public", "-m", HOSTILE[0])
    ben.run("send", "-m", "\n".join(HOSTILE[:5]), "ana")
    ana.run("peers", "add", "--no-probe", peer)
    ana.run("mine")
    contacts = ana.directory / "contacts.jsonl"
    with contacts.open("a") as file:
        for index, text in enumerate(HOSTILE[:5]):
            line = json.loads(contacts.read_text().splitlines()[0])
            line |= {"name": f"x{index}{text}", "note": text}
            file.write(json.dumps(line) + "\n")
    if place.run("contact", "list").returncode != 0:  # Refused as a whole: that is safe too.
        contacts.write_text("".join(line + "\n" for line in contacts.read_text().splitlines()[:2]))
    (ana.directory / "config.toml").write_text('core.editor = "\x1b]0;x\x07\u202e"\n')


def main():
    with stores.workplace() as directory, liar() as peer:
        place = world.World(directory)
        fill(place, peer)
        ids = place.ana.text("inbox", "-z").split("\0")[:-1]
        assert len(ids) >= len(HOSTILE), f"only {len(ids)} of {len(HOSTILE)} arrived"
        every = world.spec()
        runs = [world.least(name, every) for name in world.commands()
                if name not in world.ENDLESS | BYTES]
        given = {"all": ids, "name": ["ben"], "peer": [peer]}
        for words in MORE:
            runs.append([piece for word in words for piece in
                         given.get(word.strip("{}"), [word.replace("{{", "{").replace("}}", "}")])])
        # Arguments come from others too, by way of scripts.
        for text in HOSTILE[:10]:
            runs += [[text], ["read", text], ["show", text], ["send", "-m", "x", text],
                     ["log", text], ["--color", text, "status"], ["-c", f"{text}=1", "status"],
                     ["peers", "add", "--no-probe", text], ["contact", "add", text, text]]
        told = 0
        for words in runs:
            done = place.run(*words)
            where = repr(words)[:200]
            check(done.stdout, f"{where} in a pipe")
            check(done.stderr, f"{where} on standard error")
            got = at_terminal(place, words)
            check(got, f"{where} at a terminal")
            told += got.count(b"\\x1b") + got.count(b"\\u{")
        assert told > 100, f"only {told} characters were made visible: nothing was put to the test"


main()
