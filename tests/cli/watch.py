#!/usr/bin/env python3
"""watch without programs: what is given out, in which order, where it begins and ends, what a
reader remembers, what a reorganisation does to it, and what it costs to wait."""
import json
import os
import pathlib
import pty
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from pair import Pair  # noqa: E402
from stores import PROGRAM, new_chain, read_line, workplace  # noqa: E402

SECONDS_TO_NOTICE = 10  # Far more than it takes: a machine may be busy.
SECONDS_TO_END = 0.1
ALL = ("--since", "all")


def in_chain(store):
    """Ids of all messages, as the blocks have them."""
    heights = [one["height"] for one in reversed(store.objects("log", "-n", 1000))]
    return [one for height in heights for one in store.text("ls-messages", height).split()]


def gives_out_in_order(pair):
    first = pair.mined("one", "two", "three")
    second = pair.mined("four")
    given = pair.watched(*ALL)
    assert sorted(given) == sorted(first + second), given
    assert given == [one for one in in_chain(pair.ana) if one in given], "not the chain's order"
    lines = pair.ana.run("watch", "--drain", "--since", given[2]).splitlines()
    assert [json.loads(line)["body"] for line in lines] == ["four"], lines
    return given


def begins_where_told(pair, given):
    assert pair.watched() == [], "what was there is not new"
    assert pair.watched("--since", "now") == []
    assert pair.watched("--since", "1h") == given
    assert pair.watched("--since", "2001-01-01") == given
    assert pair.watched("--since", "@0") == given
    assert pair.watched("--since", given[0]) == given[1:]
    assert pair.watched("--since", given[-1][:12]) == []
    assert pair.watched("--since", "@") == []
    pair.ana.run("watch", "--drain", "--since", "never", exits=(64,))
    pair.ana.run("watch", "--drain", "--since", "f" * 128, exits=(66,))
    waiting = pair.sent("in no block")
    pair.ana.run("watch", "--drain", "--since", waiting[0], exits=(66,))
    # A reader that there is goes on where it was, whatever is said.
    assert pair.watched("--cursor", "kept", "--since", given[0]) == given[1:]
    assert pair.watched("--cursor", "kept", *ALL) == []
    pair.ana.run("mine", "--no-relay")
    assert pair.watched("--cursor", "kept") == waiting
    given += waiting


def chooses(pair, given):
    public = pair.ben.text("send", "--public", "--topic", "news", "-m", "to all")
    pair.exchange()
    pair.ana.run("mine", "--no-relay")
    assert pair.watched(*ALL) == given + [public]
    assert pair.watched("--messages", *ALL) == given
    assert pair.watched("--public", *ALL) == [public]
    assert pair.watched("--topic", "news", *ALL) == [public]
    assert pair.watched("--topic", "olds", *ALL) == []
    assert pair.watched("--from", "ben", *ALL) == given + [public]
    assert pair.watched("--from", "ana", *ALL, exits=(67,)) == []
    assert pair.watched("--from", pair.ana.text("id"), *ALL) == []
    lines = [json.loads(line) for line in
             pair.ana.run("watch", "--blocks", "--messages", "--drain", *ALL).splitlines()]
    heights = [one["height"] for one in lines if one["type"] == "block"]
    assert heights == list(range(1, len(heights) + 1)), heights
    block = None
    for one in lines:
        block = one["hash"] if one["type"] == "block" else block
        if one["type"] == "message":
            assert one["block"]["hash"] == block, "a message is not behind its block"
    only = pair.ana.run("watch", "--blocks", "--drain", *ALL)
    assert b'"message"' not in only and only.count(b"\n") == len(heights)
    given.append(public)


def takes_from_the_pool(pair, given):
    waiting = pair.sent("p1", "p2")
    reader = ("--cursor", "early", "--since", given[-1])
    assert pair.watched(*reader) == [], "given out before it was mined"
    assert sorted(pair.watched(*reader, "--pooled")) == sorted(waiting)
    assert pair.watched(*reader, "--pooled") == []
    pair.ana.run("mine", "--no-relay")
    assert pair.watched(*reader) == [], "given out from the pool and from its block"
    assert sorted(pair.watched("--since", given[-1])) == sorted(waiting)
    watch = pair.ana.start("watch", "--pooled")
    late = pair.sent("p3")
    assert json.loads(read_line(watch.stdout, SECONDS_TO_NOTICE))["id"] == late[0]
    watch.kill()
    watch.communicate()
    pair.ana.run("mine", "--no-relay")


def ends_when_told(pair, given):
    assert pair.watched(*ALL, "--count", "2") == given[:2]
    pair.ana.run("watch", "--timeout", "1", exits=(1,))
    pair.ana.run("watch", "--timeout", "1", *ALL)
    pair.ana.run("watch", "--timeout", "1", *ALL, "--count", "99", exits=(1,))
    lines = pair.ana.run("watch", "--timeout", "4", "--heartbeat", "1", exits=(1,)).splitlines()
    beats = [json.loads(line) for line in lines]
    assert 1 <= len(beats) <= 4, beats
    assert all(set(one) == {"v", "type", "time", "unix", "height"} for one in beats), beats
    for words in (["--heartbeat", "0"], ["--tries", "3"], ["--stop-on-error"], ["--parked"],
                  ["--exec"], ["--cursor", "../x"], ["--cursor", "-x"], ["--timeout", "soon"]):
        pair.ana.run("watch", *words, exits=(64,))


def started(pair, *options):
    """A watch that has looked at all there was."""
    watch = pair.ana.start("watch", "--heartbeat", "1", *options)
    read_line(watch.stdout, SECONDS_TO_NOTICE)
    return watch


def message_from(watch):
    while True:
        one = json.loads(read_line(watch.stdout, SECONDS_TO_NOTICE))
        if one["type"] == "message":
            return one["id"]


def notices(pair):
    """A new block is given out within a moment, beside `serve` and without it."""
    waiting = pair.sent("alone")
    watch = started(pair)
    pair.ana.run("mine", "--no-relay")
    began = time.monotonic()
    assert message_from(watch) == waiting[0]
    alone = time.monotonic() - began
    with pair.ana.served() as url:
        message = pair.ben.text("send", "-m", "served", "ana")
        pair.ben.run("sync", url)
        pair.ben.run("mine", "--no-relay")
        began = time.monotonic()
        pair.ben.run("sync", url)
        assert message_from(watch) == message
        beside = time.monotonic() - began
    watch.kill()
    watch.communicate()
    print(f"noticed after {alone:.2f} s alone, {beside:.2f} s beside serve")


def cpu_of(process):
    fields = pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_idle(pair):
    watch = started(pair, "--cursor", "idle")
    before = cpu_of(watch.pid)
    time.sleep(3)  # What is measured.
    used = cpu_of(watch.pid) - before
    watch.kill()
    watch.communicate()
    print(f"idle: {used / 3:.1%} of a processor")
    assert used < 0.15, f"{used} s of processor time in 3 s without anything to do"


def ends_at_a_signal(pair):
    slowest = 0
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        watch = started(pair, "--cursor", "stopped")
        began = time.monotonic()
        watch.send_signal(number)
        watch.communicate(timeout=20)
        slowest = max(slowest, time.monotonic() - began)
        assert watch.returncode == -number, watch.returncode
    print(f"ends {slowest * 1000:.0f} ms after a signal")
    assert slowest < SECONDS_TO_END * 5, "five times the promise, for a busy machine"


def completions(pair, *words):
    done = subprocess.run([PROGRAM, "__complete", "--", "-C", pair.ana.directory, *words],
                          capture_output=True, env=pair.ana.environment, check=True)
    return done.stdout.decode().split()


def remembers(pair):
    reader = ("--cursor", "names")
    assert pair.watched(*reader) == []
    first = pair.mined("r1", "r2", "r3")
    one = pair.watched(*reader, "--count", "1")
    assert len(one) == 1 and one[0] in first
    rest = pair.watched(*reader)
    assert sorted(one + rest) == sorted(first), "lost or given out twice"
    assert pair.watched(*reader) == []
    # Alone at a name, and never stale.
    held = started(pair, *reader)
    done = subprocess.run(pair.ana.words("watch", *reader, "--drain"), capture_output=True,
                          env=pair.ana.environment, check=False)
    assert done.returncode == 75, done
    assert f"in use by process {held.pid} (watch)" in done.stderr.decode(), done.stderr
    assert pair.watched("--cursor", "another") == []
    held.kill()
    held.communicate()
    assert pair.watched(*reader) == []
    names = completions(pair, "watch", "--cursor", "")
    assert {"another", "kept", "names"} <= set(names), names
    assert completions(pair, "watch", "--cursor", "na") == ["names"]
    assert completions(pair, "watch", "--exec", "cat", "--cu") == [":files"], "words of cat"


def survives_a_reorganisation(pair):
    """Three blocks are replaced: told once, nothing given out twice, what is new given out."""
    reader = ("--cursor", "reorg")
    pair.exchange()
    pair.watched(*reader)
    other = pair.ben.copy_to(pair.directory / "other")
    lost = [pair.mined(f"lost {number}")[0] for number in range(3)]
    old_tip = pair.ana.objects("log", "-n", 1)[0]["hash"]
    assert pair.watched(*reader) == lost
    new = other.text("send", "--public", "-m", "only here")
    other.run("mine", "-n", 5, "--allow-empty", "--no-relay")
    pair.exchange(other)
    lines = [json.loads(line) for line in
             pair.ana.run("watch", "--drain", "--blocks", "--messages", "--public",
                          *reader).splitlines()]
    reorg = lines[0]
    assert set(reorg) == {"v", "type", "from", "to", "depth", "disconnected"}, reorg
    assert (reorg["type"], reorg["from"], reorg["depth"]) == ("reorg", old_tip, 3), reorg
    assert reorg["to"] == pair.ana.objects("log", "-n", 1)[0]["hash"]
    assert reorg["disconnected"] == lost
    assert [one["id"] for one in lines if one["type"] == "message"] == [new], lines
    assert len([one for one in lines if one["type"] == "block"]) == 5
    pair.ana.run("mine", "--no-relay")  # What was lost, in another block.
    assert set(lost) <= set(in_chain(pair.ana))
    assert pair.watched(*reader) == [], "given out again"
    return lost


def polls(pair):
    reader = ("--cursor", "poll")
    given = [one["id"] for one in pair.ana.objects("inbox")]
    listed = [one["id"] for one in pair.ana.objects("inbox", *reader)]
    assert listed == given, "a reader that nobody made has handled nothing"
    pair.ana.run("read", *reader, given[0], exits=(64,))
    pair.ana.run("read", "--ack", *reader, given[0], given[3])
    wanted = [one for one in given if one not in (given[0], given[3])]
    assert [one["id"] for one in pair.ana.objects("inbox", *reader)] == wanted
    assert pair.ana.text("inbox", *reader, "-n", "2").count("\n") == 1
    given_out = pair.watched(*reader)
    assert sorted(given_out) == sorted(wanted), "handled by hand and given out"
    assert pair.ana.objects("inbox", *reader, "--exit-code", exits=(1,)) == []
    last = pair.mined("poll me")
    assert [one["id"] for one in pair.ana.objects("inbox", *reader)] == last
    pair.ana.run("read", "--ack", *reader, *last)
    assert pair.watched(*reader) == []
    pair.ana.run("inbox", "--cursor", "no name", exits=(64,))


def speaks_to_a_person(pair, lost):
    """Lines at a terminal, and never a byte of a stranger's that acts on it."""
    hostile = pair.ben.text("send", "-s", "hello \x1b[31m red", "-m", "x\x1b[2Jy", "ana")
    pair.exchange()
    pair.ana.run("mine", "--no-relay")
    ours, theirs = pty.openpty()
    with subprocess.Popen(pair.ana.words("watch", "--drain", "--blocks", "--messages",
                                         "--since", lost[0][:16]),
                          stdout=theirs, stdin=theirs, stderr=theirs,
                          env=pair.ana.environment | {"TERM": "dumb", "COLUMNS": "200"}) as watch:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 65536):
                shown += piece
        except OSError:  # The terminal is gone.
            pass
        watch.wait(20)
    os.close(ours)
    assert b"hello \\x1b[31m red" in shown and b"\x1b" not in shown, shown
    assert b"block " in shown and b"{" not in shown and b"ben" in shown, shown
    assert hostile[:12].encode() in shown, "nothing to name the message by"


def needs_no_key_for_blocks(directory):
    (directory / "secret").write_text("open sesame\n")
    locked = new_chain(directory / "locked", "eve")
    locked.run("passwd", "--new-passphrase-file", directory / "secret")
    locked.run("mine", "-n", 2, "--allow-empty")
    locked.run("watch", "--drain", exits=(77,))
    assert locked.run("watch", "--blocks", "--drain", *ALL, "--cursor", "b").count(b"\n") == 2
    assert locked.run("watch", "--blocks", "--drain", *ALL, "--cursor", "b") == b""


def main():
    with workplace() as directory:
        pair = Pair(directory)
        given = gives_out_in_order(pair)
        begins_where_told(pair, given)
        chooses(pair, given)
        takes_from_the_pool(pair, given)
        ends_when_told(pair, given)
        remembers(pair)
        notices(pair)
        is_idle(pair)
        ends_at_a_signal(pair)
        lost = survives_a_reorganisation(pair)
        polls(pair)
        speaks_to_a_person(pair, lost)
        needs_no_key_for_blocks(directory)


main()
