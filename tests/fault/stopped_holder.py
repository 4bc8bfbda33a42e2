#!/usr/bin/env python3
"""A node holds the chain and is stopped in the midst of it, as by ^Z or a debugger. Who reads or
sends is not held up; who needs the chain is told in time which process has it; once that goes on or
is killed, so does everybody."""
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import stores  # noqa: E402

READERS = [("status",), ("log",), ("inbox",), ("outbox", "list"), ("show", "tip"), ("id",),
           ("ls-messages", "tip"), ("ls-pool",), ("contact", "list"), ("peers", "list"),
           ("verify",), ("verify", "--full"), ("bundle", "create", "-")]
WRITERS = [("mine", "--allow-empty", "--no-relay"), ("mine",), ("sync",),
           ("peers", "add", "http://127.0.0.1:1"), ("checkpoint", "set", "1")]
WAIT = 2
# A busy machine may take longer than a lock is waited for, though not for ever.
LATE = 20


def state_of(process):
    return pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0]


def stop(process):
    process.send_signal(signal.SIGSTOP)
    for _ in range(100):
        if state_of(process) == "T":
            return
        time.sleep(0.05)
    raise AssertionError("it does not stop")


def started(store):
    node = store.start("serve", "--listen", "127.0.0.1:0", "--sync-every", "0")
    stores.read_line(node.stdout, 20)
    return node


def told(store, *words):
    done = subprocess.run(store.words("--lock-timeout", WAIT, *words), env=store.environment,
                          capture_output=True, timeout=WAIT + LATE, check=False)
    return done.returncode, done.stderr.decode()


def check_stopped(ana, node):
    stop(node)
    for words in READERS:
        code, complaint = told(ana, *words)
        assert (code, complaint) == (0, ""), (words, code, complaint)
    code, complaint = told(ana, "send", "--public", "-m", "meanwhile")
    assert (code, complaint) == (0, ""), complaint
    for words in WRITERS:
        begin = time.monotonic()
        code, complaint = told(ana, *words)
        assert code == 75 and time.monotonic() - begin >= WAIT, (words, code, complaint)
        found = re.search(r"process (\d+) \(serve\)", complaint)
        assert found and int(found[1]) == node.pid, (words, complaint)
        assert "--lock-timeout" in complaint, complaint
    assert state_of(node) == "T", "it was stopped all the while"


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        ana.run("send", "--public", "-m", "before")
        ana.run("mine", "--no-relay")
        node = started(ana)
        check_stopped(ana, node)
        node.send_signal(signal.SIGCONT)
        ana.run("mine")
        assert len(ana.text("rev-list").split()) == 3
        node.send_signal(signal.SIGTERM)
        assert node.wait(20) == 0
        node = started(ana)
        check_stopped(ana, node)
        node.kill()
        node.wait(20)
        ana.run("--lock-timeout", 0, "mine", "--no-relay")
        ana.run("verify", "--full")
        print(f"{2 * len(READERS)} readers and {2 * len(WRITERS)} writers beside a stopped node")


main()
