#!/usr/bin/env python3
"""What the program knows can be completed: in bash, zsh and fish as people use them, for names that
would like to be commands, without a database for what lies in none, and at once."""
import json
import os
import pathlib
import pty
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stores

SCRIPTS = pathlib.Path(__file__).resolve().parents[2] / "completions"
LINES_MAX = 40
SECONDS_MAX = 0.020
# Each begins with a word of its own, so that it can be typed; the rest wants to be run.
NAMES = ["na sp ace", "nb'quote", 'nc"double', "nd$(touch pwned)", "ne`touch pwned`",
         "nf;touch pwned", "ng\\back", "nh|touch pwned", "ni*", "nj%s%n", "nk&touch pwned", "nl#x",
         "nm{a,b}", "nn!1", "no~", "np[x]", "nq<pwned", "nr>pwned", "nsZoë", "nt=x:y", "nu(touch)"]
# What starts each shell without anybody's settings, and makes it say what it was given.
SHELLS = {
    "bash": (["bash", "--norc", "--noprofile", "-i"],
             "PS1='> '; source {script}; "
             "bmsg() {{ printf %s \"${{@: -1}}\" >got; mv got out; }}\n"),
    "zsh": (["zsh", "-f", "-i"],
            "PS1='> '; unsetopt banghist; autoload -U compinit; compinit -D -u; source {script}; "
            "bmsg() {{ printf %s \"${{@[-1]}}\" >got; mv got out }}\n"),
    "fish": (["fish", "--no-config", "-i"],
             "source {script}; function bmsg; printf %s $argv[-1] >got; mv got out; end\n"),
}
FILES = {"bash": "bmsg.bash", "zsh": "_bmsg", "fish": "bmsg.fish"}


def complete(store, *words):
    """Candidates without their explanations."""
    done = subprocess.run([stores.PROGRAM, "__complete", "--", *words], check=True,
                          capture_output=True, env=store.environment, cwd=store.directory.parent)
    assert done.stderr == b"", done.stderr
    return [line.split("\t")[0] for line in done.stdout.decode().splitlines()]


def spec(store):
    return [json.loads(line) for line in store.run("__spec", "--json").splitlines()]


def check_everything_is_offered(store):
    """Every command, verb, option and choice that the parser knows."""
    commands = {one["name"]: one for one in spec(store)}
    assert len(commands) > 40, sorted(commands)
    for name, one in commands.items():
        path = name.split()
        offered = set(complete(store, *path, ""))
        hidden = {verb for verb in one["commands"] if commands[f"{name} {verb}".strip()]["hidden"]}
        missing = set(one["commands"]) - hidden - offered
        assert not missing, f"{name}: {missing} not offered"
        assert not hidden & offered, f"{name}: hidden {hidden & offered} offered"
        above = [" ".join(path[:depth]) for depth in range(len(path) + 1)]
        options = [option for place in above for option in commands[place]["options"]]
        known = {word for option in options for word in option["names"]}
        known |= {word for word in offered if word.startswith("-")}  # As "mark -unread".
        assert set(complete(store, *path, "-")) == known, name
        for option in one["options"]:
            if option["choices"]:
                assert complete(store, *path, option["names"][-1], "") == option["choices"], option


def check_values(store):
    stored = ["-C", str(store.directory)]
    assert set(NAMES) <= set(complete(store, *stored, "send", "")), "no contacts"
    assert complete(store, *stored, "contact", "show", "nb") == [NAMES[1]]
    identity = store.text("inbox", "--json")
    ids = [json.loads(line)["id"] for line in identity.splitlines()]
    assert ids and set(ids) <= set(complete(store, *stored, "read", "")), "no ids"
    assert "http://127.0.0.1:9" in complete(store, *stored, "peers", "rm", ""), "no peers"
    assert "lock.timeout" in complete(store, "config", "set", "lock")
    assert complete(store, "config", "set", "send.sign", "") == ["true", "false"]
    assert complete(store, "config", "set", "--user", "color.ui", "a") == ["auto", "always"]
    assert complete(store, "config", "set", "lock.timeout", "") == []
    assert complete(store, "config", "set", "no.such", "") == []
    assert complete(store, "config", "set", "send.sign", "true", "") == []
    assert "lock.timeout=" in complete(store, "-c", "lock")
    assert complete(store, "--color=a") == ["--color=auto", "--color=always"]
    assert complete(store, "send", "--wait", "m") == ["mined="]
    assert complete(store, *stored, "contact", "set", NAMES[1], "ack=r") == ["ack=read"]
    assert complete(store, "send", "-F", "") == [":files"]
    assert complete(store, "-C", "") == [":directories"]
    assert complete(store, "no-such-command", "--no-such-option", "") == []
    assert complete(store) == complete(store, "")


def check_hostile_file(store):
    """A file of contacts that was never checked reaches no terminal."""
    contacts = store.directory / "contacts.jsonl"
    good = contacts.read_text()
    contacts.write_text(good.replace("na sp ace", "na\\u001b]0;x\\u0007\\u202e"))
    printed = "".join(complete(store, "-C", str(store.directory), "contact", "show", ""))
    assert all(c.isprintable() for c in printed), printed
    contacts.write_text(good)


def check_needs_no_database(store):
    """Names and options come although there is no database at all."""
    bare = store.directory.parent / "bare"
    shutil.copytree(store.directory, bare)
    for folder in ("chain", "mail"):
        shutil.rmtree(bare / folder)
        (bare / folder).write_text("no database")
    assert "--sort" in complete(store, "-C", str(bare), "inbox", "--")
    assert NAMES[0] in complete(store, "-C", str(bare), "contact", "show", "")
    assert complete(store, "-C", str(bare), "peers", "rm", "") == []


def processor_time(*words, **options):
    """Seconds of the processor, since those of the clock tell more of what else runs."""
    with open(os.devnull, "wb") as nothing:
        process = subprocess.Popen(words, stdout=nothing, **options)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return usage.ru_utime + usage.ru_stime


def check_speed(store):
    """As fast as promised; on a machine that is slow or busy, as slow as everything else there."""
    for words in (["inbox", "--"], ["-C", str(store.directory), "read", ""]):
        ours, other = [], []
        for _ in range(15):
            ours.append(processor_time(stores.PROGRAM, "__complete", "--", *words,
                                       env=store.environment))
            other.append(processor_time(sys.executable, "-I", "-S", "-c", ""))
        assert min(ours) <= max(SECONDS_MAX * stores.PATIENCE, 2 * min(other)), \
            f"{words}: {min(ours):.3f} s at best, a bare Python {min(other):.3f} s"


def wait_for(path, seconds=20):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert time.monotonic() < deadline, f"{path.name} did not come"
        time.sleep(0.01)
    text = path.read_text()
    path.unlink()
    return text


def check_shell(store, shell):
    """Types the first two letters of each name and TAB; what the command gets is the name."""
    argv, preparation = SHELLS[shell]
    if not shutil.which(argv[0]):
        sys.exit(f"{shell} is not installed; ./dev deps installs it")
    place = store.directory.parent / shell
    place.mkdir()
    script = subprocess.run([stores.PROGRAM, "completion", shell], check=True, capture_output=True)
    assert script.stdout == (SCRIPTS / FILES[shell]).read_bytes(), f"completion {shell} is another"
    assert len(script.stdout.splitlines()) <= LINES_MAX, f"{FILES[shell]} is too long"
    path = f"{pathlib.Path(stores.PROGRAM).resolve().parent}:{os.environ['PATH']}"
    process, terminal = pty.fork()
    if process == 0:
        os.chdir(place)
        os.execvpe(argv[0], argv, store.environment | {"PATH": path, "TERM": "dumb",
                                                       "LC_ALL": "C.UTF-8"})
    try:
        drain = subprocess.Popen(["cat"], stdin=terminal, stdout=subprocess.DEVNULL)
        os.write(terminal, preparation.format(script=SCRIPTS / FILES[shell]).encode())
        os.write(terminal, b"printf ready >got; mv got out\n")
        wait_for(place / "out")
        typed = [(f"bmsg -C ../ana contact show {name[:2]}", name) for name in NAMES]
        typed += [("bmsg stat", "status"), ("bmsg inbox --sor", "--sort"),
                  ("bmsg --color=alw", "--color=always"), ("bmsg hash --type bl", "block"),
                  ("bmsg -C ../ana peers rm http://127.0.0.1:9", "http://127.0.0.1:9")]
        for text, wanted in typed:
            os.write(terminal, text.encode() + b"\t\n")
            got = wait_for(place / "out")
            assert got.rstrip(" ") == wanted, f"{shell}: {text!r} became {got!r}, not {wanted!r}"
    finally:
        os.close(terminal)
        drain.kill()
        drain.wait()
        os.kill(process, 9)
        os.waitpid(process, 0)
    assert os.listdir(place) == [], f"{shell}: something was run: {os.listdir(place)}"


def main():
    with stores.workplace() as directory:
        ana = stores.new_chain(directory / "ana", "ana")
        for index, name in enumerate(NAMES):
            if index > 0:
                ana.run("id", "new", f"self{index}")
            address = ana.text("--identity", f"self{index}" if index else "ana", "id")
            ana.run("contact", "add", name, address)
        ana.run("peers", "add", "--no-probe", "http://127.0.0.1:9")
        ana.run("--identity", "ana", "send", "--now", "-m", "text", NAMES[0])
        check_everything_is_offered(ana)
        check_values(ana)
        check_hostile_file(ana)
        check_needs_no_database(ana)
        check_speed(ana)
        for shell in SHELLS:
            check_shell(ana, shell)


main()
