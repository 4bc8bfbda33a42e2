#!/usr/bin/env python3
"""Kills mine, sync and send with SIGKILL at random moments, 50 times each and more where it had
ended (TRIALS=N for others).

After each: whatever was printed is there, the whole store verifies, and the next command works at
once. It counts how many kills hit before the first and after the last printed line, and fails if
too few hit a living process, or none came early or late: then it tested nothing.
"""
import dataclasses
import os
import pathlib
import select
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from stores import joined, new_chain, seeded_random, workplace

TRIALS = int(os.environ.get("TRIALS", "50"))


@dataclasses.dataclass
class Tally:
    before_first: int = 0
    between: int = 0
    after_last: int = 0
    too_late: int = 0  # The command had ended.

    def hits(self):
        return self.before_first + self.between + self.after_last

    def trials(self):
        """Numbers as long as a kill is due; more than TRIALS where many came too late."""
        count = 0
        while count < TRIALS or (self.hits() < TRIALS // 2 and count < 4 * TRIALS):
            yield count
            count += 1

    def add(self, lines, expected, alive):
        if not alive:
            self.too_late += 1
        elif not lines:
            self.before_first += 1
        elif len(lines) < expected:
            self.between += 1
        else:
            self.after_last += 1


def drain(process, until, wanted):
    """What the process prints until the moment `until`, or until it printed `wanted` lines."""
    output = b""
    while output.count(b"\n") < wanted:
        ready, _, _ = select.select([process.stdout], [], [], max(0, until - time.monotonic()))
        piece = os.read(process.stdout.fileno(), 65536) if ready else b""
        if not piece:
            break
        output += piece
    return output


def killed(process, random, seconds, expected):
    """Kills at a random moment of `seconds`, or shortly after a random line. Whole lines printed,
    and whether it was alive."""
    begin = time.monotonic()
    if random.random() < 0.6:
        output = drain(process, begin + random.uniform(0, seconds), sys.maxsize)
    else:
        output = drain(process, begin + 30, random.randint(1, expected))
        time.sleep(random.uniform(0, 0.002))  # The moment itself, not a wait for something.
    alive = process.poll() is None
    process.kill()
    output += process.stdout.read()
    complaint = process.stderr.read().decode()
    if process.wait() not in (0, -9):
        raise AssertionError(f"it ended by itself, with {process.returncode}: {complaint}")
    process.stdout.close()
    process.stderr.close()
    return output.decode().split("\n")[:-1], alive


def usual_seconds(start):
    """How long the command takes when nobody kills it."""
    begin = time.monotonic()
    process = start()
    output, complaint = process.communicate(timeout=120)
    if process.returncode != 0:
        raise AssertionError(f"exited {process.returncode}: {output!r} {complaint.decode()}")
    return time.monotonic() - begin


def try_mine(place, base, random, tally):
    blocks = 3
    arguments = ("mine", "-n", blocks, "--allow-empty")
    seconds = usual_seconds(lambda: base.copy_to(place / "mine.whole").start(*arguments))
    for trial in tally.trials():
        store = base.copy_to(place / f"mine.{trial}")
        lines, alive = killed(store.start(*arguments), random, seconds, blocks)
        tally.add(lines, blocks, alive)
        height = len(store.objects("log")) if lines else 0
        for line in lines:
            assert store.run("cat", line).startswith(b"bmH1"), f"block {line} was lost"
        assert height >= len(lines), f"{len(lines)} blocks printed, the log has {height}"
        store.run("verify", "--full")
        store.run("mine", "--allow-empty", "--lock-timeout", 0)


def try_sync(place, base, url, random, tally):
    expected = 2  # One line for the peer, one that sums up.
    name = base.directory.name
    given_back = {message for block in base.text("rev-list").split()
                  for message in base.text("ls-messages", block).split()}
    whole = base.copy_to(place / f"{name}.whole")
    seconds = usual_seconds(lambda: whole.start("sync", url, "--json"))
    for trial in tally.trials():
        store = base.copy_to(place / f"{name}.{trial}")
        before = len(store.objects("log", "-n", 10000))
        lines, alive = killed(store.start("sync", url, "--json"), random, seconds, expected)
        tally.add(lines, expected, alive)
        store.run("verify", "--full")
        store.run("sync", url, "--lock-timeout", 0)
        assert len(store.objects("log", "-n", 10000)) > before, "the next sync brought nothing"
        assert given_back <= set(store.text("ls-pool").split()), "a message was lost"
        store.run("verify", "--full")


def try_send(base, random, tally):
    letters = 5
    text = b"".join(b'{"public":true,"body":"letter %d"}\n' % n for n in range(letters))

    def start():
        read_end, write_end = os.pipe()
        os.write(write_end, text)
        os.close(write_end)
        process = base.start("send", "--stdin", stdin=read_end)
        os.close(read_end)
        return process

    seconds = usual_seconds(start)
    for _ in tally.trials():
        lines, alive = killed(start(), random, seconds, letters)
        tally.add(lines, letters, alive)
        queued = {entry["id"] for entry in base.objects("outbox")}
        assert queued.issuperset(lines), f"lost: {set(lines) - queued}"
        base.run("send", "--public", "-m", "the next one")
    promised = {entry["id"] for entry in base.objects("outbox")}
    base.run("mine")
    for message in promised:
        assert base.run("cat", message).startswith(b"bmM1"), f"message {message} was lost"
    base.run("verify", "--full")


def report(name, tally):
    print(f"{name}: {tally.before_first} before the first line, {tally.between} between, "
          f"{tally.after_last} after the last, {tally.too_late} too late", flush=True)
    assert tally.hits() >= TRIALS // 2, f"{name}: only {tally.hits()} kills hit a living process"
    assert tally.before_first > 0, f"{name}: no kill came before the first line"
    assert tally.after_last > 0, f"{name}: no kill came after the last line"


def main():
    random = seeded_random()
    with workplace() as place:
        source = new_chain(place / "source", "source")
        empty = joined(place / "empty", "empty", place / "source" / "genesis")
        fresh = source.copy_to(place / "fresh")
        source.run("send", "--stdin", input=b'{"public":true,"body":"to be synced"}\n' * 200)
        source.run("mine", "-n", 20, "--allow-empty")

        for name, trial in (("mine", lambda tally: try_mine(place, fresh, random, tally)),
                            ("send", lambda tally: try_send(fresh, random, tally))):
            tally = Tally()
            trial(tally)
            report(name, tally)
        rival = joined(place / "rival", "rival", place / "source" / "genesis")
        rival.run("send", "--stdin", input=b'{"public":true,"body":"to be given back"}\n' * 20)
        rival.run("mine", "-n", 15, "--allow-empty")
        with source.served() as url:
            for name, base in (("sync", empty), ("a sync that takes 15 blocks off", rival)):
                tally = Tally()
                try_sync(place, base, url, random, tally)
                report(name, tally)


if __name__ == "__main__":
    main()
