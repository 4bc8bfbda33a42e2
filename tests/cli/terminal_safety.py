#!/usr/bin/env python3
"""Nothing that strangers wrote acts on a terminal: texts, subjects, names in cards, answers of
peers, settings, paths and arguments, through every command, at a terminal and in a pipe."""
import contextlib
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import hostile
import stores
import terminal
import world

STRANGER = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "stranger"
# Beside the least of each command: those that print what others wrote in full.
MORE = [
    ["read", "{all}"], ["read", "--body", "{all}"], ["read", "--headers", "{all}"],
    ["read", "--raw", "@"], ["read", "--thread", "@"], ["inbox", "--bodies", "--json"],
    ["inbox", "--sent"], ["inbox", "--format", "{{subject}} {{from_name}} {{body}}", "--bodies"],
    ["inbox", "--format", "{{subject:sh}} {{from_name:sh}}"], ["inbox", "--color", "always"],
    ["contact", "show", "{name}"], ["contact", "export"],
    ["contact", "list", "--format", "{{note}}"],
    ["show", "@"], ["show", "{name}"], ["reply", "-m", "x", "--dry-run", "@"], ["export"],
    ["export", "--format", "mbox", "{all}"], ["config", "list"], ["config", "get", "core.editor"],
    ["config", "list", "--show-origin"], ["config", "path", "--user"],
    ["peers"], ["peers", "show", "{peer}"], ["peers", "probe"], ["peers", "show", "{peer}"],
    ["peers", "--format", "{{last_error}}"], ["ls-pool", "--json"], ["doctor", "--net"],
    ["sync", "-v"], ["sync", "--json"], ["status"], ["status", "--porcelain"], ["outbox"],
    ["outbox", "--format", "{{reason}}"], ["log", "--graph"], ["schedule", "--systemd"],
    ["verify", "--full", "-v"], ["repair", "--dry-run"], ["__spec"], ["-v", "open"], ["id", "list"],
]
# They print bytes for programs, and refuse a terminal.
BYTES = {"pow", "make-block", "seal", "cat", "backup", "bundle"}
EXACT = {"--raw", "{subject:sh} {from_name:sh}"}  # In a pipe byte for byte, as they promise.


class Liar(http.server.BaseHTTPRequestHandler):
    """Answers with words that want to be a title of the terminal."""

    def do_GET(self):
        self.wfile.write(b"HTTP/1.1 500 \x1b]0;x\x07\r\nContent-Type: text/plain\r\n"
                         b"Content-Length: 12\r\n\r\n\x1b]0;y\x07\x9b31m")
        self.close_connection = True

    do_POST = do_GET

    def log_message(self, *arguments):
        pass


class Teller(Liar):
    """Speaks the protocol as far as that says what it is, and then in escape sequences."""

    def do_GET(self):
        body = b'{"version": "\\u001b[2J", "chain": "\x1b]0;x\x07"}'
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self.close_connection = True


@contextlib.contextmanager
def serving(handler):
    server = http.server.HTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def fill(place, peers):
    """Everything a stranger can write; the file of contacts as if it had been damaged."""
    ana, ben = place.ana, place.ben
    address = ana.text("id")
    lines = [json.dumps({"to": [address], "subject": text[:9000], "body": text})
             for text in hostile.HOSTILE]
    ana.run("send", "--stdin", input="\n".join(lines).encode())
    ana.run("send", "--public", "-m", hostile.HOSTILE[0])
    ben.run("send", "-m", "\n".join(hostile.HOSTILE[:5]), "ana")
    for text in hostile.HOSTILE:
        word = text.replace("\x00", "")[:2000]
        subprocess.run([STRANGER, ana.directory / "genesis", place.directory / "ana.card",
                        ana.directory / "outbox", word, word], check=True,
                       input=text.encode() + hostile.ARGUMENT + b"\x00\xc3")
    for peer in peers:
        ana.run("peers", "add", "--no-probe", peer)
    ana.run("mine", "-n", "2")
    ana.run("contact", "add", "stranger", place.directory / "ana.card.reply")
    contacts = ana.directory / "contacts.jsonl"
    known = contacts.read_text()
    line = json.loads(known.splitlines()[0])
    with contacts.open("a") as file:
        for index, text in enumerate(hostile.HOSTILE):
            file.write(json.dumps(line | {"name": f"x{index}{text}", "note": text}) + "\n")
    refused = place.run("contact", "list")
    assert refused.returncode == 65, "names that no command would give are taken from the file"
    hostile.check_harmless(refused.stderr, "contacts that are refused")
    contacts.write_text("".join(json.dumps(json.loads(one) | {"note": hostile.HOSTILE[index]}) + "\n"
                                for index, one in enumerate(known.splitlines())))
    (ana.directory / "config.toml").write_text('core.editor = "\x1b]0;x\x07\u202e"\n')


def words_of(every, place, peer):
    """The least of every command, and what prints more."""
    ids = place.ana.text("inbox", "-z").split("\0")[:-1]
    assert len(ids) >= 2 * len(hostile.HOSTILE), f"only {len(ids)} messages arrived"
    runs = [world.least(name, every) for name in world.commands() if name not in world.ENDLESS]
    given = {"all": ids, "name": ["ben"], "peer": [peer]}
    for words in MORE:
        runs.append([piece for word in words for piece in
                     given.get(word.strip("{}"), [word.replace("{{", "{").replace("}}", "}")])])
    return runs


def with_hostile_arguments(every):
    """Each command and verb with hostile text for each of its values in turn: arguments come from
    others too, by way of scripts."""
    runs = [[hostile.ARGUMENT], [b"__complete", b"--", b"read", hostile.ARGUMENT],
            ["-c", hostile.ARGUMENT + b"=1", "status"], ["help", hostile.ARGUMENT]]
    for name, command in every.items():
        path = name.split()
        if not path or path[0] in world.ENDLESS:
            continue
        arguments = [hostile.ARGUMENT for one in command["arguments"] if one["required"]]
        if command["arguments"]:
            runs.append([*path, *(arguments or [hostile.ARGUMENT])])
        for option in command["options"]:
            if option["value"] is None:
                continue
            # No file of that name is to be there for the next one.
            text = (b"no/" if "FILE" in option["value"] else b"") + hostile.ARGUMENT
            name = option["names"][-1]
            given = [name.encode() + b"=" + text] if name.startswith("--") else [name, text]
            ends = ["--drain"] if path == ["watch"] else []
            runs.append([*path, *ends, *given, *arguments])
        runs.append([*path, b"--" + hostile.ARGUMENT])
    for option in every[""]["options"]:
        # A shell answers for a command that it does not know, in its own words.
        if option["value"] is not None and "--passphrase-command" not in option["names"]:
            runs.append([option["names"][-1], hostile.ARGUMENT, "inbox"])
    return runs


def own_text(words):
    """Whether it prints text that its caller chose, to a pipe as it is."""
    return any(isinstance(word, bytes) and word.startswith(b"--format=") for word in words)


class Watch:
    """Runs commands at a terminal and in a pipe and looks at every byte of them."""

    def __init__(self, place):
        self.place = place
        self.told = 0

    def look(self, words, store="ana", **variables):
        where = repr(words)[:200]
        words = [word if isinstance(word, bytes) else str(word) for word in words]
        variables = {"NO_COLOR": "1", "TERM": "dumb"} | variables
        done = subprocess.run([stores.PROGRAM, "-C", self.place.directory / store, *words],
                              stdin=subprocess.DEVNULL, capture_output=True, timeout=60, check=False,
                              cwd=self.place.directory, env=self.place.ana.environment | variables)
        if words[0] not in BYTES and not EXACT & set(words) and not own_text(words):
            hostile.check_harmless(done.stdout, f"{where} in a pipe")
        hostile.check_harmless(done.stderr, f"{where} on standard error")
        got = terminal.at_terminal([stores.PROGRAM, "-C", self.place.directory / store, *words],
                                   self.place.ana.environment | variables | {"BMSG_PAGER": "cat"},
                                   self.place.directory)
        if words[0] == "help" and hostile.ARGUMENT not in words:
            got = got.replace(b"\b", b"")  # man(1) prints bold letters twice in one place.
        hostile.check_harmless(got, f"{where} at a terminal")
        self.told += got.count(b"\\x1b") + got.count(b"\\u{")


def main():
    with stores.workplace() as directory, serving(Liar) as liar, serving(Teller) as teller:
        place = world.World(directory)
        fill(place, [liar, teller])
        every = world.spec()
        watch = Watch(place)
        for words in words_of(every, place, liar):
            watch.look(words)
        assert watch.told > 500, f"only {watch.told} characters were made visible"
        told = watch.told
        for words in with_hostile_arguments(every):
            watch.look(words)
        assert watch.told > told + 100, "hostile arguments were hardly told"


main()
