"""The real client of Whisper, web3-shh by npm, led from Python: whisper_client.js says how."""
import contextlib
import json
import pathlib
import queue
import shutil
import subprocess
import sys
import threading
import time

import npm

VERSION = "1.10.4"
SCRIPT = pathlib.Path(__file__).with_name("whisper_client.js")
PATIENCE = 60
SKIPPED = 77


def installed():
    """Where the client is, with what it needs; skipped with a reason where it cannot be had."""
    if not shutil.which("node"):
        print("skip: no node: apt-get install nodejs npm")
        sys.exit(SKIPPED)
    try:
        return npm.package("web3-shh", VERSION)
    except npm.Unavailable as why:
        print(f"skip: {why}")
        sys.exit(SKIPPED)


class Client:
    """One connection of the real client, and what it was told without asking."""

    def __init__(self, url):
        self.running = subprocess.Popen(["node", SCRIPT, installed(), url], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.events = queue.Queue()
        self.answers = queue.Queue()
        self.number = 0
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.running.stdout:
            said = json.loads(line)
            (self.events if "event" in said else self.answers).put(said)

    def ask(self, **what):
        self.number += 1
        self.running.stdin.write(json.dumps(what | {"n": self.number}) + "\n")
        self.running.stdin.flush()
        answer = self.answers.get(timeout=PATIENCE)
        assert answer["n"] == self.number, answer
        return answer

    def call(self, name, *words):
        answer = self.ask(call=name, words=words)
        assert "error" not in answer, (name, answer)
        return answer["result"]

    def refusal(self, name, *words):
        """What its user reads in an error."""
        answer = self.ask(call=name, words=words)
        assert "error" in answer, (name, answer)
        return answer["error"].removeprefix("Returned error: ")

    def many(self, name, words, at_once=16):
        answer = self.ask(many=name, words=words, at_once=at_once)
        assert "error" not in answer, answer
        return answer["result"]

    def subscribe(self, **criteria):
        answer = self.ask(subscribe=criteria)
        assert "error" not in answer, answer
        return answer["result"]

    def messages(self, count):
        """So many that subscriptions brought, with whose they are."""
        return [self.event("message") for _ in range(count)]

    def event(self, name):
        deadline = time.monotonic() + PATIENCE
        while True:
            event = self.events.get(timeout=max(0.1, deadline - time.monotonic()))
            if event["event"] == name:
                return event

    def nothing(self, name="message"):
        """That no such event waits."""
        waiting = []
        with contextlib.suppress(queue.Empty):
            while True:
                waiting.append(self.events.get_nowait())
        assert not [event for event in waiting if event["event"] == name], waiting

    def close(self):
        self.running.stdin.close()
        self.running.wait(20)
        self.running.stdout.close()


@contextlib.contextmanager
def client(url):
    made = Client(url)
    try:
        yield made
    finally:
        made.close()
