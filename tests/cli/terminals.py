#!/usr/bin/env python3
"""Surroundings that a command cannot choose: no terminal, one of a single column, one that is resized
or hangs up, ^Z and fg where a passphrase is asked for, outputs that are closed, no home, a store that
may only be read. Nothing hangs, nothing is garbled, every exit code is one of the manual's."""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import hostile
import stores
import terminal
import world

PAGES = pathlib.Path(__file__).resolve().parents[2] / "man"
NOBODY = 65534
SECONDS = 20  # A hang, on a machine that does other things too.
SECRET = "correct horse"


def locked_store(place):
    """A store behind a passphrase, which is quickly asked for again."""
    store = stores.Store(place.directory / "locked")
    if not store.directory.exists():
        (place.directory / "secret").write_text(SECRET + "\n")
        store.run("init", store.directory, "--floor", 8, "--stamp", 1, "--passphrase-file",
                  place.directory / "secret")
    return store


@contextlib.contextmanager
def prompt(store, *words):
    """A command that asks for the passphrase at its terminal."""
    environment = store.environment | {"BMSG_NO_INPUT": "", "TERM": "dumb"}
    with terminal.Terminal(store.words(*words), environment, store.directory.parent,
                           controlling=True) as one:
        one.read_until(b"Passphrase for ")
        # The prompt comes after the echo is off.
        assert not one.echoes(), "what is typed would be seen"
        yield one
        assert one.echoes(), "the terminal was left without echo"


def check_prompt(place):
    """Right, wrong, given up in each way: the terminal is as it was, the secret nowhere."""
    store = locked_store(place)
    for typed, code in ((SECRET + "\n", 0), ("mistaken\n", 77), ("mistook\x7f\x7faken\n", 77), ("\x04", 77),
                        (SECRET + "x\x7f\n", 0), ("\x15" + SECRET + "\n", 0), ("\x03", -signal.SIGINT),
                        ("half\x03", -signal.SIGINT), ("\x1c", -signal.SIGQUIT)):
        with prompt(store, "inbox") as one:
            one.type(typed.encode())
            said = one.read_all(SECONDS)
            assert one.process.returncode == code, f"{typed!r}: {one.process.returncode} {said!r}"
            assert typed.strip().encode() not in said or len(typed) < 3, f"{typed!r} was shown"
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        with prompt(store, "inbox") as one:
            one.process.send_signal(number)
            one.read_all(SECONDS)
            assert one.process.returncode == -number, one.process.returncode
    with prompt(store, "inbox") as one:  # Neither a question nor a new size is an answer.
        one.process.send_signal(signal.SIGUSR1)
        one.resize((3, 1))
        one.type(SECRET.encode() + b"\n")
        one.read_all(SECONDS)
        assert one.process.returncode == 0, one.got
    one = terminal.Terminal(store.words("inbox"), store.environment | {"BMSG_NO_INPUT": ""},
                            place.directory, controlling=True)
    one.read_until(b"Passphrase for ")
    os.close(one.ours)  # The line hangs up.
    ends = {-signal.SIGHUP}
    if stores.PATIENCE > 1:  # A sanitizer may hold the signal back until the end of the line is read.
        ends.add(77)
    assert one.process.wait(SECONDS) in ends, one.process.returncode


def check_job_control(place):
    """^Z at the prompt gives the shell its terminal back, fg asks again."""
    store = locked_store(place)
    environment = store.environment | {"BMSG_NO_INPUT": "", "TERM": "dumb", "PS1": "> ",
                                       "S": str(store.directory), "B": stores.PROGRAM}
    with terminal.Terminal(["bash", "--norc", "--noprofile", "--noediting", "-i"], environment,
                           place.directory, controlling=True) as shell:
        shell.read_until(b"> ")
        for _ in range(2):
            shell.got = b""
            shell.type(b"$B -C $S inbox; echo ended-$?\n")
            shell.read_until(b"Passphrase for ")
            for _ in range(2):
                shell.type(b"typed before\x1a")
                shell.read_until(b"Stopped")
                shell.got = b""
                shell.type(b"echo it-is $(stty -a | tr ' ;' '\\n\\n' | grep -x -e -echo -e echo)\n")
                shell.read_until(b"it-is echo")
                shell.got = b""
                shell.type(b"fg; echo again-$?\n")
                shell.read_until(b"Passphrase for ")
            shell.got = b""
            shell.type(SECRET.encode() + b"\n")
            shell.read_until(b"again-0")
            assert SECRET.encode() not in shell.got and b"typed before" not in shell.got, shell.got
        shell.type(b"exit\n")


def check_no_terminal(place):
    """Without a terminal nobody is asked: a locked store is a sentence and 77."""
    store = locked_store(place)
    environment = store.environment | {"BMSG_NO_INPUT": ""}
    for options in ({"stdin": subprocess.DEVNULL}, {"preexec_fn": lambda: os.close(0)}):
        done = subprocess.run(store.words("inbox"), env=environment, capture_output=True, check=False,
                              timeout=SECONDS, start_new_session=True, **options)
        assert done.returncode == 77 and b"--passphrase-file" in done.stderr, done
    # A terminal that is not ours to ask at, since nobody controls it.
    with terminal.Terminal(store.words("inbox"), environment, place.directory) as one:
        said = one.read_all(SECONDS)
        assert one.process.returncode == 77 and b"no terminal" in said, said


def check_confirmation(place):
    """What cannot be undone wants its name typed; anything else leaves all as it was."""
    place.ana.run("id", "new", "spare")
    address = place.ana.text("--identity", "spare", "id")
    environment = place.ana.environment | {"BMSG_NO_INPUT": ""}
    for typed, code in ((b"no\n", 64), (b"\x04", 64), (b"\x03", -signal.SIGINT),
                        (address.encode() + b"\n", 0)):
        with terminal.Terminal(place.ana.words("id", "rm", "spare"), environment, place.directory,
                               controlling=True) as one:
            one.read_until(b"to go on: ")
            one.type(typed)
            one.read_all(SECONDS)
            assert one.process.returncode == code, f"{typed}: {one.process.returncode} {one.got!r}"
    assert "spare" not in place.ana.text("id", "list")


def check_sizes(place):
    """Lists and screens on narrow terminals; the table of the inbox fits into each."""
    for rows, columns in ((1, 1), (24, 2), (24, 40), (500, 500)):
        for words in (["inbox"], ["read", "--no-mark", "@"], ["status"], ["outbox"], ["log", "--graph"],
                      ["contact", "list"], ["help"], ["send", "-h"], ["id", "--qr"], ["doctor"]):
            with terminal.Terminal(place.ana.words(*words), 
                                   place.ana.environment | {"BMSG_PAGER": "cat", "NO_COLOR": "1"},
                                   place.directory, size=(rows, columns)) as one:
                said = one.read_all(SECONDS)
            assert one.process.returncode == 0, f"{words} at {columns}: {one.process.returncode} {said!r}"
            hostile.check_harmless(said, f"{words} at {columns} columns")
            widths = [len(line) for line in said.decode().splitlines()]
            assert words != ["inbox"] or max(widths) <= columns, f"{columns}: {said.decode()}"


def check_resizing(place):
    """Progress follows a terminal that gets narrow, and never breaks a line."""
    hard = stores.Store(place.directory / "hard")
    hard.run("init", hard.directory, "--floor", 60, "--stamp", 1, "--no-passphrase")
    with terminal.Terminal(hard.words("mine", "--allow-empty"), hard.environment, place.directory,
                           size=(24, 80), stdout=subprocess.DEVNULL) as one:
        one.read_until(b"95 %")
        one.resize((24, 10))
        one.process.send_signal(signal.SIGWINCH)
        one.got = b""
        pieces = one.read_until(b"\r\x1b[K", SECONDS).count(b"\r")
        while pieces < 5:  # The first may have been begun before.
            assert one.read_piece(SECONDS)
            pieces = one.got.count(b"\r")
        lines = one.got.split(b"\r\x1b[K")[2:-1]
        assert lines and all(len(line.decode()) < 10 for line in lines), lines
        one.process.send_signal(signal.SIGINT)
        one.read_all(SECONDS)
        assert one.process.returncode == -signal.SIGINT


def check_pagers(place):
    """A pager that is left, or fails, or is not there is no failure; without less(1) there is none."""
    for pager, seen in (("head -n 1", False), ("true", False), ("exit 3", False), ("cat", True)):
        with terminal.Terminal(place.ana.words("help"), place.ana.environment | {"BMSG_PAGER": pager},
                               place.directory, size=(5, 80)) as one:
            said = one.read_all(SECONDS)
        assert one.process.returncode == 0, f"{pager}: {one.process.returncode}"
        assert (b"witness" in said) == seen, f"{pager}: {said!r}"
    bare = place.directory / "bare"
    bare.mkdir()
    (bare / "sh").symlink_to(shutil.which("sh"))
    environment = {name: value for name, value in place.ana.environment.items() if name != "PAGER"}
    with terminal.Terminal(place.ana.words("help"), environment | {"PATH": str(bare)},
                           place.directory, size=(5, 80)) as one:
        said = one.read_all(SECONDS)
    assert b"witness" in said and b"not found" not in said, f"without less: {said!r}"


def check_environments(place):
    """Locales, terminals and homes of every kind."""
    least = {"PATH": os.environ["PATH"], "HOME": str(place.directory)}
    kinds = [{"LANG": "C"}, {"LC_ALL": "C"}, {"LC_ALL": "no_SUCH.locale"}, {"TERM": "dumb"},
             {"TERM": ""}, {"TERM": "no-such-terminal"}, {"HOME": ""}, {"HOME": "/no/such"},
             {"HOME": "relative"}, {"PATH": ""}, {"COLUMNS": "-1"}, {"COLUMNS": "99999999999999"},
             {"COLUMNS": "x"}, {"TZ": "No/Where"}, {"TMPDIR": "/no/such"}, {"XDG_DATA_HOME": "x"}]
    expected = None
    for kind in [{}, *kinds]:
        for words in (["inbox", "-z"], ["status", "--porcelain"], ["send", "-m", "é\u4e16", "ben"],
                      ["log", "--oneline"]):
            done = subprocess.run(place.ana.words(*words), env=least | kind, capture_output=True,
                                  timeout=SECONDS, stdin=subprocess.DEVNULL, check=False)
            assert (done.returncode, done.stderr) == (0, b""), f"{kind}: {words}: {done}"
            if words[0] == "inbox":
                expected = expected or done.stdout
                assert done.stdout == expected, f"{kind} changes what is printed"
    environment = place.ana.environment | {"TMPDIR": "/no/such", "EDITOR": "true", "BMSG_NO_INPUT": ""}
    with terminal.Terminal(place.ana.words("send", "ben"), environment, place.directory) as one:
        said = one.read_all(SECONDS)
    assert one.process.returncode == 74 and b"TMPDIR" in said, f"{one.process.returncode}: {said!r}"
    gone = place.directory / "gone"
    for words in (["status"], ["inbox"], ["schedule", "--cron"], ["backup", "-"], ["doctor"], ["foo"]):
        gone.mkdir()
        done = subprocess.run(["sh", "-c", "rmdir ../gone; exec \"$@\"", "sh", *place.ana.words(*words)],
                              cwd=gone, env=place.ana.environment, capture_output=True, check=False)
        assert done.returncode == (64 if words == ["foo"] else 0), f"{words} from nowhere: {done}"


def codes_of(name):
    """The exit codes of a command's page, and those of all."""
    section = (PAGES / f"bmsg-{name}.1").read_text().partition(".Sh EXIT STATUS")[2]
    codes = re.findall(r"^\.It (\d+)", section.partition("\n.Sh ")[0], flags=re.M)
    return {int(code) for code in codes} | {0, 64, 78}


def check_outputs(place):
    """Every command with each standard descriptor closed, and with a reader that is gone."""
    every = world.spec()
    quiet = {"passwd", "init", "restore"}  # They change what the next one needs, or take long.
    for name in [name for name in world.commands() if name not in world.ENDLESS | quiet]:
        least = world.least(name, every)
        for number in (0, 1, 2):
            streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                       "stderr": subprocess.PIPE}
            done = place.run(*least, capture_output=False, timeout=SECONDS,
                             preexec_fn=lambda: os.close(number),
                             **{key: value for key, value in streams.items() if key != "stdin"})
            wanted = codes_of(name) | ({74} if number == 1 else set())
            assert done.returncode in wanted, f"{name} without {number}: {done}"
        reader, writer = os.pipe()
        os.close(reader)
        done = place.run(*least, capture_output=False, timeout=SECONDS, stdout=writer,
                         stderr=subprocess.PIPE)
        os.close(writer)
        assert done.returncode in codes_of(name) | {-signal.SIGPIPE}, f"{name} to nobody: {done}"
        assert b"pipe" not in done.stderr.lower(), f"{name} complains: {done.stderr}"
    assert place.run("verify", "--full").returncode == 0


def check_read_only(place):
    """A store that may only be read: those that read work, the others say why."""
    copy = place.ana.copy_to(place.directory / "fixed")
    for path in [copy.directory, *copy.directory.rglob("*")]:
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
        path.chmod(0o500 if path.is_dir() else 0o400)
    place.directory.chmod(0o755)
    as_owner = {"user": NOBODY, "group": NOBODY} if os.geteuid() == 0 else {}
    reads = [["status"], ["log"], ["show", "tip"], ["verify", "--full"], ["outbox"], ["contact", "list"],
             ["config", "list"], ["count"], ["rev-list"], ["peers"], ["id"], ["inbox"], ["read", "@"],
             ["export", "@"], ["cat", "@"], ["doctor"], ["ls-pool"], ["witness", "show"]]
    writes = [["mine", "--allow-empty"], ["send", "-m", "x", "ben"], ["contact", "rm", "ben"],
              ["config", "set", "mine.bury", "3"], ["backup", copy.directory / "b.tar"], ["repair", "--yes"],
              ["id", "new", "x"], ["sync"], ["serve", "--listen", "127.0.0.1:0"], ["outbox", "flush"]]
    for words in reads + writes:
        done = subprocess.run(copy.words(*words), env=copy.environment, capture_output=True,
                              timeout=SECONDS, stdin=subprocess.DEVNULL, check=False, cwd="/",
                              **as_owner)
        codes = {0} if words in reads else codes_of(words[0]) - {0} | {77}
        assert done.returncode in codes, f"{words} on a store that may only be read: {done}"
        assert done.returncode == 0 or b"fixed" in done.stderr, f"{words} does not say where: {done}"


def main():
    with stores.workplace() as directory:
        place = world.World(directory)
        for check in (check_prompt, check_job_control, check_no_terminal, check_confirmation,
                      check_sizes, check_resizing, check_pagers, check_environments, check_outputs,
                      check_read_only):
            began = time.monotonic()
            check(place)
            print(f"{check.__name__} {time.monotonic() - began:.1f} s", flush=True)


main()
