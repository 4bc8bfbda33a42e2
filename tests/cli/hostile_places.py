#!/usr/bin/env python3
"""No shell reads what strangers wrote, nothing is run or believed because it lies where one stands, and
nothing that is made can be read or foreseen by others."""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stores
import terminal
import world

NOBODY = 65534
SHELLS = ["sh", "bash", "dash", "zsh"]
# As text and as a name of a directory: each way to have a shell run something.
TRAP = "a $(touch pwned) `touch pwned` ; touch pwned & | touch pwned 'b' \"c\" > pwned #"


def no_canary(place):
    found = [str(path) for path in place.directory.rglob("pwned*")]
    assert not found, f"something was run: {found}"


def program(path, text):
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def at_terminal(place, *words, directory=None, **variables):
    with terminal.Terminal(place.ana.words(*words), place.ana.environment | variables,
                           directory or place.directory, size=(5, 80)) as one:
        said = one.read_all()
        return one.process.returncode, said.decode()


def check_formats(place):
    """{x:sh} is one word to every shell, for 500 random texts."""
    chance = stores.seeded_random()
    alphabet = "ab'\"\\$`(){}[]<>|&;*?!#~%^= \t-\u00e9\u4e16\x1b\x07\u202e"
    texts = [TRAP] + ["".join(chance.choice(alphabet) for _ in range(chance.randrange(1, 30)))
                      for _ in range(499)]
    (place.directory / "texts").write_text("\n".join(texts))
    place.ana.run("send", "--now", "-F", place.directory / "texts", place.ana.text("id"))
    quoted = place.ana.run("inbox", "-n", 1, "--bodies", "--format", "{body:sh} {subject:sh}").decode()
    for shell in SHELLS:
        if not shutil.which(shell):
            continue
        done = subprocess.run([shell, "-c", f"printf %s {quoted}"], capture_output=True, check=True,
                              cwd=place.directory)
        assert done.stdout.decode() == "\n".join(texts), f"{shell} reads another text"
    no_canary(place)


def check_programs(place):
    """Editor, pager and askpass: what strangers wrote comes as input or as one word."""
    inside = place.directory / TRAP.replace("/", "")
    inside.mkdir()
    place.ana.run("send", "--now", "-s", TRAP, "-m", TRAP, place.ana.text("id"))
    editor = program(place.directory / "tools" / "edit me", 'printf "%s" "$*" > "$OUT"; echo text >> "$1"')
    code, said = at_terminal(place, "reply", "@", BMSG_EDITOR=f"'{editor}'", TMPDIR=str(inside),
                             OUT=str(place.directory / "edited"), BMSG_NO_INPUT="")
    assert code == 0, said
    edited = (place.directory / "edited").read_text()
    assert edited.startswith(f"{inside}/bmsg-") and not os.path.exists(edited), edited
    pager = program(place.directory / "tools" / "page", "cat > \"$OUT\"; echo \"$LESSSECURE\" >> \"$OUT\"")
    code, said = at_terminal(place, "read", "@", *[place.ana.objects("inbox")[0]["id"]] * 5,
                             PAGER=pager, OUT=str(place.directory / "paged"))
    assert code == 0 and TRAP in (place.directory / "paged").read_text(), said
    assert (place.directory / "paged").read_text().endswith("\n1\n"), "less may start programs"
    locked = stores.Store(inside / "locked")
    secret = place.directory / "secret"
    secret.write_text(TRAP)
    locked.run("init", locked.directory, "--floor", 8, "--stamp", 1, "--passphrase-file", secret)
    asked = program(place.directory / "tools" / "ask", f'printf "%s" "$#$*" > "$OUT"; cat {secret}')
    locked.environment |= {"BMSG_ASKPASS": asked, "OUT": str(place.directory / "asked")}
    locked.run("inbox")
    assert (place.directory / "asked").read_text() == f"1Passphrase for {locked.directory}: "
    no_canary(place)


def check_crontab(place):
    """The lines of schedule --cron survive any path that they print."""
    inside = place.directory / TRAP.replace("/", "")
    copy = place.ana.copy_to(inside / "100% store")
    for line in copy.text("schedule", "--cron").splitlines():
        if line.startswith("#"):
            continue
        command = line.split(None, 5)[5].replace("\\%", "%").replace(" --idle", "")
        done = subprocess.run(["sh", "-c", command], capture_output=True, env=copy.environment,
                              cwd=place.directory, check=False)
        assert done.returncode in (0, 3, 69), done
    for name in ("\x1b]0;x", "new\nline", "\u202eleft", "\u009b2J"):
        odd = place.ana.copy_to(place.directory / name)
        for how in ("--cron", "--systemd"):
            done = subprocess.run(odd.words("schedule", how), env=odd.environment,
                                  capture_output=True, check=False)
            assert done.returncode == 64 and b"fits into no schedule" in done.stderr, done
        shutil.rmtree(odd.directory)
    no_canary(place)


def check_working_directory(place):
    """Programs and settings that lie where one stands are somebody else's."""
    trap = place.directory / "trap"
    for name in ("less", "vi", "man", "crontab", "systemctl", "bmsg-foo", "sh", "pager", "cat"):
        program(trap / name, f"touch {place.directory}/pwned-{name}")
        shutil.copy(trap / name, place.ana.directory / name)
    (trap / ".config" / "bmsg").mkdir(parents=True)
    (trap / ".config" / "bmsg" / "config.toml").write_text(
        f'core.pager = "touch {place.directory}/pwned-config"\nsafe.store = "*"\nno.such = 1\n')
    (trap / "bmsg").symlink_to(trap / ".config" / "bmsg")
    honest = place.directory / "honest"
    program(honest / "less", "cat")
    program(honest / "man", "exit 1")
    good = f"{honest}:{os.environ['PATH']}"
    for where in (trap, place.ana.directory):
        for path in (f".:{good}", f":{good}", f"{good}:", ".", f"./../trap:{good}"):
            # Which of these exist on this machine is not the question.
            at_terminal(place, "help", "send", directory=where, PATH=path)
            at_terminal(place, "log", "--messages", directory=where, PATH=path)
            at_terminal(place, "foo", directory=where, PATH=path)
        at_terminal(place, "reply", "@", directory=where, PATH=f".:{good}", EDITOR="true",
                    BMSG_NO_INPUT="")
        at_terminal(place, "doctor", directory=where, PATH=f".:{good}")
    for variables in ({"HOME": ""}, {"HOME": "."}, {"XDG_CONFIG_HOME": ".config"},
                      {"XDG_CONFIG_HOME": ".", "XDG_CONFIG_DIRS": "."}, {"XDG_CONFIG_DIRS": ".config"}):
        variables |= {"BMSG_CONFIG_NOSYSTEM": ""}
        code, said = at_terminal(place, "log", "--messages", directory=trap, PATH=good, **variables)
        assert code == 0 and "no.such" not in said, f"{variables}: {said}"
    without = {name: value for name, value in place.ana.environment.items() if name != "HOME"}
    done = subprocess.run(place.ana.words("config", "list", "--show-origin"), env=without, check=True,
                          capture_output=True, cwd=trap)
    assert b"config.toml" not in done.stdout.replace(str(place.ana.directory).encode(), b""), done
    for words in (["config", "set", "--user", "mine.bury", "3"], ["schedule", "--systemd"]):
        done = subprocess.run(place.ana.words(*words), env=without, capture_output=True, cwd=trap,
                              check=False)
        assert done.returncode == 78 and b"HOME" in done.stderr, done
    settings = place.ana.environment | {"BMSG_CONFIG": "/sys/bmsg/config.toml"}
    done = subprocess.run(place.ana.words("config", "set", "--user", "mine.bury", "3"), env=settings,
                          capture_output=True, check=False)
    assert done.returncode == 73 and b"/sys/bmsg" in done.stderr, done
    no_canary(place)


def check_foreign_store(place):
    """A .bmsg of another user is passed over, and refused where it is named."""
    if os.geteuid() != 0:
        return
    here = place.directory / "here"
    here.mkdir()
    other = place.ana.copy_to(here / ".bmsg").directory
    (other / "config.toml").write_text(f'core.pager = "touch {place.directory}/pwned-store"\n')
    os.chown(other, NOBODY, NOBODY)
    environment = place.ana.environment | {"HOME": str(place.directory / "nowhere")}
    done = subprocess.run([stores.PROGRAM, "status"], env=environment, cwd=here, capture_output=True,
                          check=False)
    assert done.returncode == 66, done
    for words in (["-C", here, "status"], ["-C", other, "status"]):
        done = subprocess.run([stores.PROGRAM, *words], env=environment, cwd=here, capture_output=True,
                              check=False)
        assert done.returncode == 77 and b"another user" in done.stderr, done
    no_canary(place)


def check_unpacked_store(place):
    """A store that came in an archive is ours by its owner, and still names no program."""
    here = place.directory / "unpacked"
    (here / "below").mkdir(parents=True)
    (place.ana.copy_to(here / ".bmsg").directory / "config.toml").write_text(
        f'core.pager = "touch {place.directory}/pwned-pager; cat"\n'
        f'core.editor = "touch {place.directory}/pwned-editor; true"\ncolor.ui = "always"\n')
    environment = place.ana.environment | {"BMSG_PAGER": "", "BMSG_EDITOR": "", "EDITOR": "true",
                                           "PAGER": "cat"}
    environment.pop("VISUAL", None)
    for words in (["help"], ["help", "send"], ["log", "--messages"], ["config", "edit"]):
        with terminal.Terminal([stores.PROGRAM, *words], environment, here / "below",
                               size=(5, 80)) as one:
            one.read_all()
            assert one.process.returncode == 0, words
    told = subprocess.run([stores.PROGRAM, "config", "list", "--show-origin"], env=environment,
                          cwd=here / "below", check=True, capture_output=True).stdout.decode()
    assert "default\tcore.pager=\n" in told and "default\tcolor.ui=auto\n" in told, told
    for key in ("core.pager", "core.editor", "color.ui", "safe.store"):
        done = subprocess.run(place.ana.words("config", "set", key, "auto"), check=False,
                              env=place.ana.environment, capture_output=True)
        assert done.returncode == 64 and b"does not count in a store" in done.stderr, done
    no_canary(place)


def check_editor(place):
    """Whoever types Ctrl-C in an editor means the editor; whoever ends us leaves no text behind."""
    room = place.directory / "room"
    room.mkdir()
    turns = place.directory / "turns"
    os.mkfifo(turns)
    editor = program(place.directory / "slow-editor",
                     f'trap : INT QUIT\necho ready\nread word < {turns}\n'
                     'printf "mine.bury = 5\\n" > "$1"')
    for signals, code in (((signal.SIGINT, signal.SIGQUIT), 0), ((signal.SIGTERM,), -signal.SIGTERM),
                          ((signal.SIGHUP,), -signal.SIGHUP)):
        environment = place.ana.environment | {"BMSG_EDITOR": editor, "TMPDIR": str(room)}
        with subprocess.Popen(place.ana.words("config", "edit"), env=environment,
                              stdout=subprocess.PIPE, process_group=0) as running:
            assert stores.read_line(running.stdout, 20) == "ready"
            assert len(list(room.iterdir())) == 1
            for one in signals:
                running.send_signal(one)
            if code == 0:
                turns.write_text("go\n")
            try:
                assert running.wait(20) == code, (signals, running.returncode)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(running.pid, signal.SIGKILL)  # The editor may go on.
        assert not list(room.iterdir()), signals
    assert place.ana.text("config", "get", "mine.bury") == "5"
    place.ana.run("config", "unset", "mine.bury")


def open_to_others(directory):
    """What others could read or write, but for what is not ours."""
    return [str(path) for path in directory.rglob("*")
            if not path.is_symlink() and path.lstat().st_mode & 0o077]


def check_modes(place):
    """Whatever the umask, nothing that we make is for others; names beside a file cannot be foreseen."""
    made = place.directory / "made"
    made.mkdir(mode=0o700)
    store = stores.Store(made / "store")
    before = os.umask(0)
    try:
        store.run("init", store.directory, "--floor", 8, "--stamp", 1, "--no-passphrase", "--name", "x")
        store.run("send", "--now", "-m", "text", store.text("id"))
        store.run("inbox")
        store.run("contact", "add", "self", store.text("id"))
        store.run("config", "set", "mine.bury", 3)
        store.run("id", "--card", made / "card")
        store.run("id", "new", "--revocation", made / "paper", "other")
        store.run("backup", made / "b.tar")
        store.run("restore", made / "b.tar", made / "again")
        for name in ("jsonl", "mbox", "maildir"):
            store.run("--identity", "x", "export", "--format", name, "--to", made / name)
        store.run("--log-file", made / "log", "read", "no-such-id", exits=(64, 66))
        store.run("unlock", "--timeout", "1m")
        assert not open_to_others(made), open_to_others(made)
        store.run("lock")
    finally:
        os.umask(before)
    foreseen = [path for path in made.iterdir() if path.name.startswith(".")]
    assert not foreseen, f"left behind: {foreseen}"


def check_squatters(place):
    """Whoever fills a directory with what could be our next name, or a link in its place, gains
    nothing."""
    public = place.directory / "public"
    public.mkdir()
    victim = place.directory / "victim"
    victim.write_text("kept")
    with subprocess.Popen(["sleep", "60"]) as process:
        base = process.pid
        process.kill()
    for pid in range(base, base + 300):
        for name in (f".b.tar.{pid}", f".again.{pid}", f".card.{pid}.0", f".x.toml.{pid}.0"):
            (public / name).symlink_to(victim)
    (public / "bmsg.mbox.new").symlink_to(victim)
    place.ana.run("backup", public / "b.tar")
    place.ana.run("restore", public / "b.tar", public / "again")
    place.ana.run("id", "--card", public / "card")
    place.ana.environment["BMSG_CONFIG"] = str(public / "x.toml")
    place.ana.run("config", "set", "--user", "mine.bury", 3)
    del place.ana.environment["BMSG_CONFIG"]
    place.ana.run("export", "--format", "mbox", "--to", public)
    assert victim.read_text() == "kept"
    (public / "linked.tar").symlink_to(victim)
    place.ana.run("backup", public / "linked.tar", exits=(73,))
    assert victim.read_text() == "kept"


def main():
    with stores.workplace() as directory:
        place = world.World(directory)
        for check in (check_formats, check_programs, check_crontab, check_working_directory,
                      check_foreign_store, check_unpacked_store, check_editor, check_modes,
                      check_squatters):
            began = time.monotonic()
            check(place)
            print(f"{check.__name__} {time.monotonic() - began:.1f} s", flush=True)


main()
