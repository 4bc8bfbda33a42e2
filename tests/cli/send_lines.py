#!/usr/bin/env python3
"""Many messages of one `send --stdin`: answers in order, a bad line among them; somebody who waits
for an answer before he goes on gets it; two such sends that cross do not wait for each other; and
what was answered is there after kill -9."""
import json
import pathlib
import signal
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

MANY = 400
KILLS = 8
LONGEST = 16 << 20  # Bytes of a line.


def line(to, body, **more):
    return json.dumps({"to": to, "body": body} | more) + "\n"


def started(store):
    return subprocess.Popen(store.words("send", "--stdin"), env=store.environment,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                            stderr=subprocess.DEVNULL)


def queued(store):
    return {one["id"] for one in store.objects("outbox", "list")}


def check_answers(ana):
    """Each line has its answer, at its place."""
    texts = [line(["ben"], f"letter {number}") for number in range(MANY)]
    texts[150] = line(["nobody"], "to nobody")
    texts[151] = "no JSON\n"
    texts[200] = line(["ben", "cleo"], "to both")
    texts[250] = line(["ben"], "x" * LONGEST)
    texts[251] = line(["ben"], "sealed", topic="news")
    texts[300] = line(["ben"], "once", key="a key")
    texts[301] = texts[300]
    texts.insert(10, "\n")
    done = subprocess.run(ana.words("send", "--stdin", "--json"), env=ana.environment,
                          input="".join(texts).encode(), capture_output=True, check=False,
                          timeout=120)
    assert done.returncode == 3, done
    answers = [json.loads(one) for one in done.stdout.splitlines()]
    assert len(answers) == MANY, len(answers)
    faults = [at for at, one in enumerate(answers) if one["type"] == "error"]
    assert faults == [150, 151, 250, 251], faults
    assert "longer than" in answers[250]["message"], answers[250]
    ids = [one["id"] for one in answers if one["type"] == "queued"]
    assert answers[300]["id"] == answers[301]["id"] and len(set(ids)) == MANY - 5
    assert set(ids) <= queued(ana)
    return ids


def check_dry_answers(ana):
    """Each line has its answer at its place in a dry run, too, however they come together."""
    texts = [line(["ben"], "good"), "no JSON\n", line(["ben"], "good"), line(["nobody"], "x"),
             line(["nobody"], "x"), line(["ben"], "good")]
    for words in (["send", "--stdin"], ["import", "-"]):
        answers = ana.objects(*words, "--dry-run", input="".join(texts).encode(), exits=(3,))
        assert [one["type"] for one in answers] == \
            ["summary", "error", "summary", "error", "error", "summary"], (words, answers)


def check_turns(ana):
    """An answer comes before the next line is written, and before the next is whole."""
    before = queued(ana)
    with started(ana) as running:
        for number in range(5):
            running.stdin.write(line(["ben"], f"turn {number}").encode() + b'{"to": ["be')
            running.stdin.flush()
            told = stores.read_line(running.stdout, 20)
            assert told in queued(ana) - before, told
            running.stdin.write(b'n"], "body": "rest"}\n')
            running.stdin.flush()
            assert stores.read_line(running.stdout, 20) in queued(ana) - before
        running.stdin.close()
        assert running.wait(20) == 0


def packs(store):
    return [file.name for place in ("new", "cur")
            for file in (store.directory / "outbox" / place).iterdir()
            if file.suffix in (".pack", ".unpack")]


def check_packs(ana):
    """What was queued together is one file; one of it is cancelled, and the others go their way."""
    before = queued(ana)
    text = "".join(line(["ben"], f"pack {number}") for number in range(60)).encode()
    first, second = (ana.run("send", "--stdin", input=text).decode().split() for _ in range(2))
    assert len(packs(ana)) >= 2, packs(ana)
    assert queued(ana) == before | {*first, *second}
    ana.run("outbox", "cancel", first[7])
    assert queued(ana) == before | {*first, *second} - {first[7]}
    assert ana.objects("outbox", "show", second[3])[0]["state"] == "queued"
    ana.run("mine", "--no-relay", timeout=300)
    states = {one["id"]: one["state"] for one in ana.objects("outbox", "list")}
    gone = [one for one in (*first, *second) if states.get(one) != "mined"]
    assert gone == [first[7]] and first[7] not in states, gone
    ana.run("verify")
    return [one for one in (*first, *second) if one != first[7]]


def check_crossing(ana):
    """One writes to ben and then to cleo, the other the other way round, both again and again."""
    orders = ([["ben"], ["cleo"]], [["cleo"], ["ben"]])
    texts = ["".join(line(to, f"crossing {number}") for number in range(100) for to in order)
             for order in orders]
    running = [started(ana) for _ in orders]
    for one, text in zip(running, texts):
        one.stdin.write(text.encode())
    told = [one.communicate(timeout=120)[0].split() for one in running]
    assert [one.returncode for one in running] == [0, 0]
    assert [len(set(ids)) for ids in told] == [200, 200] and not set(told[0]) & set(told[1])
    return [one.decode() for ids in told for one in ids]


def check_kills(ana):
    """Killed in the middle: each id that was told is there."""
    moments, struck, all_told = stores.seeded_random(), 0, []
    for turn in range(KILLS):
        with started(ana) as running:
            text = "".join(line(["ben"], f"kill {turn} {number}") for number in range(3000))
            try:
                running.stdin.write(text[:60_000].encode())  # What a pipe holds.
                running.stdin.flush()
                told = [stores.read_line(running.stdout, 30)
                        for _ in range(moments.randrange(1, 300))]
            except BrokenPipeError:
                raise AssertionError("it ended by itself") from None
            running.send_signal(signal.SIGKILL)
            rest = running.communicate()[0].decode().split("\n")
            told += [one for one in rest if len(one) == 128]
            assert running.returncode == -signal.SIGKILL
            struck += 1
        missing = set(told) - queued(ana)
        assert not missing, f"{len(missing)} of {len(told)} that were told are lost"
        all_told += told
    assert struck == KILLS
    print(f"killed {struck} times, {len(all_told)} ids told, none lost")
    return all_told


def check_reader(ana, ben, url, told):
    """Everything arrives; a number is missing at most where a send was killed after it had taken
    it."""
    for _ in range(40):
        ana.run("mine", "--no-relay", timeout=300)
        if not ana.objects("status")[0]["outbox"]["queued"]:
            break
    ben.run("sync", url, timeout=300)
    got = ben.objects("inbox", "-n", 100_000)
    assert set(told) <= {one["id"] for one in got}, "something did not arrive"
    gaps = sum("gap" in one["marks"] for one in got)
    assert gaps <= KILLS, f"{gaps} gaps after {KILLS} kills"
    print(f"{len(got)} arrived, {gaps} gaps")


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        others = [stores.joined(place / name, name, place / "ana" / "genesis")
                  for name in ("ben", "cleo")]
        for other in others:
            ana.run("contact", "add", other.directory.name, "-", input=other.run("id", "--card"))
            other.run("contact", "add", "ana", "-", input=ana.run("id", "--card"))
        told = check_answers(ana)
        check_dry_answers(ana)
        check_turns(ana)
        told += check_packs(ana)
        crossing = check_crossing(ana)
        told += check_kills(ana)
        ben = others[0].text("id").split()[0]
        to_ben = {one["id"] for one in ana.objects("outbox", "list") if ben in one["to"]}
        to_ben &= {*told, *crossing}
        assert len(to_ben) > MANY
        with ana.served() as url:
            check_reader(ana, others[0], url, to_ben)


if __name__ == "__main__":
    main()
