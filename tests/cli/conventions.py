#!/usr/bin/env python3
"""What holds for every command: suggestions, extensions, formats, settings and their origin,
signals, closed and full outputs, silence on success."""
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stores
import world

PAGE = pathlib.Path(__file__).resolve().parents[2] / "man" / "bmsg-config.5"
INTERRUPTS = 20
SECONDS_TO_END = 0.1


def refused(place, code, says, *words, **options):
    done = place.run(*words, **options)
    assert done.returncode == code, f"{words}: {done.returncode}, {done.stderr!r}"
    assert says in done.stderr.decode(), f"{words}: {done.stderr!r} does not say {says!r}"
    assert done.stdout == b"", f"{words} printed {done.stdout!r}"


def check_suggestions(place):
    refused(place, 64, "did you mean 'send'", "sned")
    refused(place, 64, "did you mean '--unread'", "inbox", "--unraed")
    refused(place, 64, "did you mean '--json'", "inbox", "--jsn")
    refused(place, 64, "did you mean 'list'", "contact", "lst")
    refused(place, 64, "'bmsg contact' needs a verb", "contact")
    refused(place, 64, "'bmsg inbox' has no option '-x'", "inbox", "-x")
    refused(place, 64, "unknown command 'zzzzzz'\n", "zzzzzz")
    refused(place, 78, "did you mean 'lock.timeout'", "-c", "lock.timeuot=1", "status")


def check_extension(place):
    """bmsg foo is bmsg-foo, never in place of a command of ours nor from the working directory."""
    tools = place.directory / "tools"
    tools.mkdir()
    for name in ("bmsg-foo", "bmsg-status"):
        (tools / name).write_text('#!/bin/sh\necho "$BMSG_STORE $*"\nexit 7\n')
        (tools / name).chmod(0o755)
    paths = {"PATH": f"{tools}:{os.environ['PATH']}"}
    done = place.run("foo", "--bar", "a b", variables=paths)
    assert done.returncode == 7, done.stderr
    assert done.stdout.decode() == f"{place.ana.directory} --bar a b\n", done.stdout
    assert place.run("status", variables=paths).returncode == 0
    shutil.copy(tools / "bmsg-foo", place.directory / "bmsg-foo")
    for unsafe in (".:" + os.environ["PATH"], ":" + os.environ["PATH"]):
        refused(place, 64, "unknown command 'foo'", "foo", variables={"PATH": unsafe})
    refused(place, 64, "unknown command", "../foo", variables=paths)


def check_formats(place):
    text = place.run("inbox", "--format", "{id}").stdout.decode().split()
    assert text == [one["id"] for one in place.ana.objects("inbox")]
    one = place.run("inbox", "--format", "{subject:sh} {height} {{}}", "-n", "1").stdout.decode()
    assert re.fullmatch(r"'[^\n]*' \d* \{\}\n", one), one
    assert place.run("inbox", "-z", "--format", "{size}").stdout.count(b"\0") == len(text)
    for command in (["inbox"], ["outbox"], ["peers"], ["log"], ["contact", "list"], ["id", "list"]):
        assert place.run(*command, "--format", "{v}").stdout.split() != [], command
        assert place.run(*command, "-z").stdout.endswith(b"\0"), command
        refused(place, 64, "no field 'nothing'", *command, "--format", "{nothing}")


def check_settings(place):
    listed = {one["key"]: one for one in place.ana.objects("config", "list")}
    page = PAGE.read_text()
    told = dict(re.findall(r"^\.It Li (\S+)(?: = (.*))?$", page, flags=re.M))
    assert list(told) == list(listed), f"page and program: {set(told) ^ set(listed)}, or the order"
    for key, value in told.items():
        assert listed[key]["value"] == value, f"{key}: {listed[key]['value']!r}, the page {value!r}"
    user = place.directory / "user.toml"
    user.write_text("mine.bury = 1\nsync.timeout = \"1m\"\n[send]\nexpires = \"2d\"\n")
    place.ana.run("config", "set", "mine.bury", "2")
    origins = {line.split("\t")[1].split("=")[0]: line.split("\t")[0] for line in place.run(
        "-c", "lock.timeout=3", "--identity", "ana", "config", "list", "--show-origin",
        variables={"BMSG_CONFIG": str(user)}).stdout.decode().splitlines()}
    wanted = {"mine.bury": str(place.ana.directory / "config.toml"), "sync.timeout": str(user),
              "send.expires": str(user), "lock.timeout": "-c", "user.identity": "--identity",
              "mine.threads": "default"}
    for key, origin in wanted.items():
        assert origins[key] == origin, f"{key} is from {origins[key]}, not {origin}"
    for text in ("no.such = 1\n", "[mine]\nburry = 1\n"):
        user.write_text(text)
        refused(place, 78, "unknown key", "status", variables={"BMSG_CONFIG": str(user)})
    place.ana.run("config", "unset", "mine.bury")


def check_settings_edited(place):
    """What an editor leaves is taken whole if all of it is good, and otherwise not at all."""
    file = place.ana.directory / "config.toml"
    before = file.read_bytes() if file.exists() else None

    def edit(does, *words):
        return place.run("config", "edit", *words, variables={"BMSG_EDITOR": does})

    assert edit("echo '# mine' >").returncode == 0 and file.read_text() == "# mine\n"
    assert edit("echo 'mine.bury = 7' >>").returncode == 0
    assert file.read_text() == "# mine\nmine.bury = 7\n"
    assert place.ana.text("config", "get", "mine.bury") == "7"
    for does, code in (("echo 'no.such = 1' >>", 78), ("echo 'mine.bury = many' >>", 78),
                       ("false", 64), ("no-such-editor-anywhere", 64)):
        assert edit(does).returncode == code, does
        assert file.read_text() == "# mine\nmine.bury = 7\n", f"{does} changed it"
    user = place.directory / "edited.toml"
    done = place.run("config", "edit", "--user",
                     variables={"BMSG_EDITOR": "echo 'mine.bury = 8' >", "BMSG_CONFIG": str(user)})
    assert done.returncode == 0 and user.read_text() == "mine.bury = 8\n", done
    file.write_bytes(before) if before is not None else file.unlink()


def check_settings_are_read(place):
    """A value that cannot be is refused by whoever reads it: so somebody does."""
    readers = {"lock.timeout": ["mine"], "send.expires": ["send", "-m", "x", "ben"],
               "mine.threads": ["mine"], "mine.timeout": ["mine"], "mine.bury": ["mine"],
               "sync.timeout": ["sync"], "sync.proxy": ["sync"], "serve.listen": ["serve"],
               "serve.sync_every": ["serve"], "serve.max_connections": ["serve"],
               "serve.advertise": ["serve"], "serve.allow": ["serve"],
               "web.listen": ["web"], "web.idle_lock": ["web"],
               "max_reorg": ["mine"], "limits.put": ["serve"], "limits.requests": ["serve"],
               "limits.requests_at_once": ["serve"], "limits.bytes_out": ["serve"],
               "limits.subnet_connections": ["serve"],
               "limits.request_time": ["serve"], "limits.idle_time": ["serve"]}
    for key, words in readers.items():
        done = place.run("-c", f"{key}=nonsense", *words)
        assert done.returncode in (64, 69, 78), f"{key}: {words} exits {done.returncode}"
        assert b"nonsense" in done.stderr or key == "sync.proxy", f"{key}: {done.stderr!r}"


def check_reorg_limit(place):
    """max_reorg is how many blocks may go without asking: that many, and one more."""
    genesis = place.ana.directory / "genesis"
    left = stores.joined(place.directory / "left", "left", genesis)
    right = stores.joined(place.directory / "right", "right", genesis)
    left.run("mine", "-n", "2", "--allow-empty")
    right.run("mine", "-n", "4", "--allow-empty")
    twin = left.copy_to(place.directory / "twin")
    with right.served() as url:
        left.run("-c", "max_reorg=1", "sync", "--pull", url, exits=(3,))
        assert left.objects("status")[0]["height"] == 2
        twin.run("-c", "max_reorg=2", "sync", "--pull", url)
        assert twin.objects("status")[0]["height"] >= 4


def check_safe_store(place):
    """Another user's store is refused, unless the user's own file accepts it."""
    if os.geteuid() != 0:
        return
    other = place.ana.copy_to(place.directory / "foreign").directory
    os.chown(other, 65534, 65534)
    user = place.directory / "user.toml"
    user.write_text(f'safe.store = "{other}"\n')
    assert place.run("status", store="foreign").returncode == 77
    done = place.run("status", store="foreign", variables={"BMSG_CONFIG": str(user)})
    assert done.returncode == 0, done.stderr
    user.write_text(f'safe.store = "{place.ana.directory}"\n')
    assert place.run("status", store="foreign",
                     variables={"BMSG_CONFIG": str(user)}).returncode == 77
    (other / "config.toml").write_text('safe.store = "*"\n')
    assert place.run("status", store="foreign").returncode == 77


def check_outputs(place):
    """An output that is full or closed is a failure, also of help; a reader that goes is none."""
    for words in (["status"], ["inbox", "--json"], ["--help"], ["version"], ["completion", "zsh"]):
        with open("/dev/full", "wb") as full:
            done = place.run(*words, stdout=full, stderr=subprocess.PIPE, capture_output=False)
        assert done.returncode == 74, f"{words} > /dev/full: {done.returncode}"
        closed = place.run(*words, stdout=None, stderr=subprocess.PIPE, capture_output=False,
                           preexec_fn=lambda: os.close(1))
        assert closed.returncode == 74, f"{words} >&-: {closed.returncode}"
    for number in (0, 2):
        done = place.run("mine", "--allow-empty", stdout=subprocess.PIPE, capture_output=False,
                         preexec_fn=lambda: os.close(number))
        assert done.returncode == 0, f"mine with {number} closed: {done.returncode}"
    assert place.run("verify").returncode == 0, "a closed descriptor became part of the database"
    reader, writer = os.pipe()
    os.close(reader)
    done = place.run("log", stdout=writer, stderr=subprocess.PIPE, capture_output=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (-signal.SIGPIPE, b""), done


def check_silence(place):
    """Nothing on standard error when all is well."""
    for words in (["send", "-m", "x", "ben"], ["mine"], ["sync", "--dry-run"], ["verify"],
                  ["inbox"], ["read", "@"], ["contact", "rename", "ben", "zoe"],
                  ["contact", "rename", "zoe", "ben"], ["config", "set", "mine.bury", "6"], ["outbox"],
                  ["peers"], ["status"], ["log"]):
        done = place.run(*words)
        assert (done.returncode, done.stderr) == (0, b""), f"{words}: {done}"
    log = place.directory / "log"
    refused(place, 67, "zoe", "--log-file", log, "send", "-m", "x", "nobody-zoe")
    assert "nobody-zoe" in log.read_text()


def check_states(place):
    """A key of the outbox does not come and go with what lies there."""
    def seen(*words):
        done = place.run("status", *words)
        assert done.returncode == 0, done
        return done.stdout.decode()

    states = {"held", "queued", "pooled", "relayed", "mined", "buried", "failed", "expired"}
    for words in ([], ["send", "--public", "-m", "x"], ["mine", "--no-relay"]):
        if words:
            assert place.run(*words).returncode == 0
        assert set(json.loads(seen("--json"))["outbox"]) == states
        lines = [line for line in seen("--porcelain").splitlines() if line.startswith("outbox_")]
        assert {line.split()[0][7:] for line in lines} == states, lines
        assert " 0 mined" not in seen()


def check_numbers(place):
    """At most none is nothing that anybody wants: it is not everything."""
    for command, option in (("inbox", "-n"), ("log", "-n"), ("watch", "--count"), ("search", "-n")):
        words = [command, *(["x"] if command == "search" else [])]
        for number in ("0", "-1", "abc", "1.5", "99999999999999999999"):
            refused(place, 64, "is no number from 1 on", *words, option, number)
    assert place.run("log", "-n", 1, "--oneline").stdout.count(b"\n") == 1
    assert place.run("inbox", "-n", 1).returncode == 0
    refused(place, 64, "-n: 'abc' is no such number", "mine", "-n", "abc")


def check_locked_inbox(place):
    """Without the passphrase a list is a list of what is locked, or none; never one that was not
    asked for."""
    secret = place.directory / "word"
    secret.write_text("word\n")
    key = ("--passphrase-file", secret)
    ana = stores.Store(place.directory / "locked")
    ana.run("init", ana.directory, "--name", "ana", "--floor", 8, "--stamp", 1, *key)
    ben = stores.joined(place.directory / "beside", "ben", ana.directory / "genesis")
    ana.run("contact", "add", "ben", "-", input=ben.run("id", "--card"))
    ben.run("contact", "add", "ana", "-", input=ana.run("id", "--card", *key))
    sent = [ana.text("send", *key, "-m", "x", "ben") for _ in range(2)]
    with ana.served() as url:
        ben.run("sync", url)
        ben.run("read", sent[0], "--ack")
        came = ben.text("send", "-m", "x", "ana")
        ben.run("sync", url)
    assert [one["id"] for one in ana.objects("inbox", *key)] == [came]

    def locked(*words):
        done = subprocess.run(ana.words("inbox", *words), env=ana.environment, capture_output=True,
                              check=False, timeout=60)
        assert done.returncode == 77 and done.stderr, (words, done)
        return done.stdout

    lines = locked().splitlines(keepends=True)
    ids = [line.split(b"\t")[0] for line in lines]
    assert sorted(ids) == sorted(one.encode() for one in (came, *sent)), "an acknowledgement, too"
    assert all(b"\tlocked\t2" in line for line in lines), lines
    for number in (1, 2, 3, 4):
        assert locked("-n", number) == b"".join(lines[:number])
        assert locked("-z", "-n", number) == b"".join(one + b"\0" for one in ids[:number])
    for words in (["--unread"], ["--unread", "-z"], ["--sent"], ["--from", "ben"], ["--all"],
                  ["--since", "1d"], ["--until", "1d"], ["--thread", came], ["--room", "x"],
                  ["--sort", "size"], ["--bodies"], ["--cursor", "x"], ["--exit-code"],
                  ["--format", "{id}"], ["-z", "--format", "{id}"], ["--json"]):
        assert locked(*words) == b"", words


def check_causes(place):
    """What is said is the cause, and what is advised can be done."""
    refused(place, 64, "; --fingerprint WORDS compares", "contact", "verify", "ben")
    refused(place, 77, "read it again", "contact", "verify", "ben", "--fingerprint", "a b c")
    refused(place, 66, "is a directory", "send", "-F", "/", "ben")
    refused(place, 66, "is a directory", "receipt", "verify", "/")
    for verb in ("add", "rm"):
        assert place.run("contact", "group", verb, "nobodies", "ben").returncode == 0
    refused(place, 67, "nobody is in the group", "send", "-m", "x", "nobodies")
    refused(place, 65, "hint: it is a file that 'bmsg id backup", "id", "restore", PAGE)
    refused(place, 65, "no paper", "id", "restore", "--paper", input=b"garbage")
    waits = place.ana.text("send", "--public", "-m", "x")
    refused(place, 66, "'bmsg endorse', makes a block", "receipt", waits)
    assert place.run("mine", "--no-relay").returncode == 0
    gone = place.ana.objects("inbox")[0]["id"]
    assert place.run("forget", gone, "--yes").returncode == 0
    for words in (["read", gone], ["export", gone], ["reply", "-m", "x", gone]):
        refused(place, 66, "forgotten here on", *words)


def check_ignored(place):
    """An option that would be passed over is refused."""
    refused(place, 64, "nope", "sync", "nope")
    refused(place, 64, "exclude each other", "sync", "--pull", "--push")
    refused(place, 64, "--from is for --full", "verify", "--from", 1)
    assert place.run("verify", "--full", "--from", 1).returncode == 0
    genesis = place.ana.directory / "genesis"
    for option in (["--floor", 8], ["--stamp", 1], ["--interval", "1m"], ["--chain-name", "x"],
                   ["--private"], ["--endorse", 2]):
        refused(place, 64, "--genesis", "init", place.directory / "none", "--genesis", genesis,
                *option)
    refused(place, 66, "no directory", "schedule", "--cron", "--backup", place.directory / "none")
    assert place.run("schedule", "--cron", "--backup", place.directory).returncode == 0


def hard_store(place):
    """A store whose blocks nobody finds."""
    store = stores.Store(place.directory / "hard")
    if not store.directory.exists():
        store.run("init", store.directory, "--floor", 60, "--stamp", 1, "--no-passphrase")
    return store


def check_interrupts(place):
    """Ctrl-C ends a search at once, at any moment."""
    store = hard_store(place)
    chance = stores.seeded_random()
    slow = []
    for _ in range(INTERRUPTS):
        with store.start("mine", "--allow-empty") as process:
            time.sleep(chance.uniform(0, 0.15))
            process.send_signal(signal.SIGINT)
            began = time.monotonic()
            process.wait(10)
            slow.append(time.monotonic() - began)
            assert process.returncode == -signal.SIGINT, process.returncode
    slow.sort()
    # The last are the machine's other work; the median is ours.
    assert slow[INTERRUPTS // 2] <= SECONDS_TO_END, f"{slow[INTERRUPTS // 2]:.3f} s to end"


def read_until(descriptor, wanted, seconds=15):
    got = b""
    deadline = time.monotonic() + seconds
    while wanted not in got:
        ready, _, _ = select.select([descriptor], [], [], max(0, deadline - time.monotonic()))
        assert ready, f"no {wanted!r} within {seconds} s, only {got!r}"
        got += os.read(descriptor, 65536)
    return got


def check_progress(place):
    """A line at a terminal, objects for programs, an answer to USR1, else nothing."""
    store = hard_store(place)
    ours, theirs = pty.openpty()
    began = time.monotonic()
    with subprocess.Popen(store.words("mine", "--allow-empty"), env=store.environment,
                          stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                          stderr=theirs) as process:
        os.close(theirs)
        got = read_until(ours, b"95 % within")
        assert time.monotonic() - began >= 0.5, "it did not wait for half a second"
        assert b"mining #1" in got and b"MH/s" in got and b"mean" in got, got
        process.kill()
    os.close(ours)
    with store.start("mine", "--allow-empty", "--progress=json") as process:
        status = json.loads(stores.read_line(process.stderr, 15))
        process.kill()
    assert status["type"] == "status" and status["phase"] == "mine" and status["total"] is None
    assert status["expected_s"] > 0 and status["p95_s"] > 2.9 * status["expected_s"], status
    with store.start("mine", "--allow-empty") as process:
        time.sleep(0.7)
        process.send_signal(signal.SIGUSR1)
        line = stores.read_line(process.stderr, 15)
        assert line.startswith("bmsg: mining #1"), line
        ready, _, _ = select.select([process.stderr], [], [], 1.2)
        assert not ready, "progress without a terminal"
        process.kill()
    with place.ana.served():
        assert place.run("verify", "--progress=off").stderr == b""


def main():
    with stores.workplace() as directory:
        place = world.World(directory)
        for check in (check_suggestions, check_extension, check_formats, check_settings,
                      check_settings_edited, check_settings_are_read, check_reorg_limit,
                      check_safe_store, check_outputs, check_silence, check_states, check_numbers,
                      check_locked_inbox, check_causes, check_ignored,
                      check_interrupts, check_progress):
            began = time.monotonic()
            check(place)
            print(f"{check.__name__} {time.monotonic() - began:.1f} s", flush=True)


main()
