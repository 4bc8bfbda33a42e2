#!/usr/bin/env python3
"""Canaries as passphrase, subject, body and file are sung through every command, through failures and an
abort, at every level of logging. Afterwards they are searched for in all that was left behind: files of
the stores, logs, temporary files, core files, /proc, and the wire. They are found where they belong."""
import base64
import contextlib
import json
import os
import pathlib
import resource
import secrets
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import counting  # noqa: E402
import stores  # noqa: E402

VERBOSE = ("-v", "-v", "-v")


class Recorder(counting.Relay):
    """A relay that keeps what goes through."""

    def __init__(self, url):
        self.seen = bytearray()
        super().__init__(url)

    def pass_on(self, source, target, name):
        class Tee:
            """The target, and the record."""
            @staticmethod
            def sendall(data):
                self.seen.extend(data)
                target.sendall(data)

            shutdown = target.shutdown

        super().pass_on(source, Tee, name)


class Canaries:
    """Random texts, each with what it may look like elsewhere."""

    def __init__(self):
        self.texts = {name: secrets.token_hex(16)
                      for name in ("passphrase", "other passphrase", "subject", "body", "file")}

    def forms(self, name):
        text = self.texts[name].encode()
        yield text
        yield text.upper()
        yield text.hex().encode()
        yield text[::-1]
        # Of each of three places in a group; the ends depend on what is around them.
        for skip in range(3):
            yield base64.b64encode(text[skip:skip + 27])[:-4]

    def found_in(self, content):
        return [name for name in self.texts
                if any(form in content for form in self.forms(name))]


class Person:
    """A store whose keys have a passphrase, and a record of all that its commands print."""

    def __init__(self, place, name, canaries, word):
        self.store = stores.Store(place / name)
        self.store.environment |= {"TMPDIR": str(place / "tmp")}
        self.canaries = canaries
        self.word = canaries.texts[word]
        self.log = place / f"{name}.log"
        self.printed = bytearray()
        self.looks = 0

    def run(self, *words, exits=(0,), input=b"", keeps=True, word=None):
        """The passphrase comes by a pipe; `keeps`: what it prints must tell nothing."""
        there, here = os.pipe()
        os.write(here, (word or self.word).encode() + b"\n")
        os.close(here)
        started = subprocess.Popen(
            self.store.words(*VERBOSE, "--log-file", self.log, "--passphrase-fd", there, *words),
            env=self.store.environment, pass_fds=(there,), stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(there)
        self.look_at(started)
        out, errors = started.communicate(input, timeout=120)
        assert started.returncode in exits, (words, started.returncode, errors[-1000:])
        self.printed += errors + (out if keeps else b"")
        return out

    def look_at(self, process):
        """What every user of the machine can see of it, as soon as it is there."""
        seen = b""
        while not seen and process.poll() is None:
            seen = pathlib.Path(f"/proc/{process.pid}/cmdline").read_bytes()
        for name in ("cmdline", "environ", "comm"):
            with contextlib.suppress(OSError):
                content = pathlib.Path(f"/proc/{process.pid}/{name}").read_bytes()
                self.looks += bool(content)
                assert not self.canaries.found_in(content), f"/proc/PID/{name} tells"


def converse(ana, ben, texts, place):
    """Whatever commands there are for mail, with what goes wrong with them."""
    (place / "file").write_text(texts["file"])
    with ana.store.served("-v", "-v", "-v", "--log-file", str(place / "serve.log")) as node:
        wire = Recorder(node)
        ben.run("sync", wire.url)
        ana.run("contact", "add", "ben", ben.run("id").decode().strip())
        ben.run("contact", "add", "ana", ana.run("id").decode().strip())
        line = {"to": ["ben"], "subject": texts["subject"], "body": texts["body"]}
        ana.run("send", "--stdin", input=json.dumps(line).encode() + b"\n")
        ana.run("send", "ben", "-F", "-", "-a", place / "file", input=texts["body"].encode())
        ana.run("send", "nobody", "-F", "-", input=texts["body"].encode(), exits=(64, 66, 67, 68, 69))
        ana.run("send", "ben", "-F", "-", "-a", "/no/such", input=texts["body"].encode(),
                exits=(64, 66, 74))
        ana.run("inbox", exits=(77,), word=texts["other passphrase"])
        ana.run("outbox", "list", keeps=False)
        ana.run("mine", "--no-relay")
        ben.run("sync", wire.url)
        listed = ben.run("inbox", keeps=False)
        assert texts["subject"].encode() in listed, "the subject never came"
        read = b"".join(ben.run("read", one["id"], keeps=False)
                        for one in inbox_of(ben))
        assert texts["body"].encode() in read, "the body never came"
        ben.run("reply", inbox_of(ben)[0]["id"], "-F", "-", input=texts["body"].encode())
        for words in (("status",), ("log",), ("verify", "--full"), ("doctor",), ("config", "list"),
                      ("contact", "list"), ("peers", "list"), ("search", "no such word")):
            ben.run(*words, exits=(0, 1, 3, 69))
        ben.run("sync", wire.url)
        wire.close()
    return bytes(wire.seen)


def inbox_of(ben):
    return [json.loads(line) for line in ben.run("inbox", "--json", keeps=False).splitlines()]


def abort_one(ana, place):
    """No core file, though the shell would like one."""
    there, here = os.pipe()
    os.write(here, ana.word.encode() + b"\n")
    os.close(here)
    _, most = resource.getrlimit(resource.RLIMIT_CORE)
    process = subprocess.Popen(
        ana.store.words("--passphrase-fd", there, "watch"), env=ana.store.environment,
        pass_fds=(there,), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=place / "tmp",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CORE, (most, most)))
    os.close(there)
    with contextlib.suppress(AssertionError):
        stores.read_line(process.stdout, 2)
    limits = pathlib.Path(f"/proc/{process.pid}/limits").read_text()
    core = next(line for line in limits.splitlines() if line.startswith("Max core file size"))
    assert core.split()[4:6] == ["0", "0"], core
    process.send_signal(signal.SIGABRT)
    _, errors = process.communicate(timeout=20)
    assert process.returncode == -signal.SIGABRT, process.returncode
    ana.printed += errors


def every_file(place):
    return [file for file in place.rglob("*") if file.is_file() and file != place / "file"]


def main():
    canaries = Canaries()
    with stores.workplace() as place:
        (place / "tmp").mkdir()
        ana = Person(place, "ana", canaries, "passphrase")
        ben = Person(place, "ben", canaries, "passphrase")
        ana.run("init", ana.store.directory, "--name", "ana", "--floor", 8, "--stamp", 1)
        ben.run("init", ben.store.directory, "--name", "ben", "--genesis",
                ana.store.directory / "genesis")
        wire = converse(ana, ben, canaries.texts, place)
        abort_one(ana, place)
        assert len(wire) > 4_000 and not canaries.found_in(wire), canaries.found_in(wire)
        for person in (ana, ben):
            assert not canaries.found_in(person.printed), canaries.found_in(person.printed)
            assert len(person.log.read_bytes()) > 100 and person.looks > 20
        files = every_file(place)
        for file in files:
            told = canaries.found_in(file.read_bytes())
            assert not told, f"{file.relative_to(place)} tells of {told}"
        assert any(canaries.found_in((place / "file").read_bytes())), "the search finds nothing"
    print(f"5 canaries, {len(files)} files, {len(wire)} bytes of wire, "
          f"{ana.looks + ben.looks} looks into /proc: none was found")


main()
