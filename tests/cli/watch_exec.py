#!/usr/bin/env python3
"""watch --exec: what a program is given and what its end means, and what happens to messages it
fails at."""
import json
import pathlib
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from pair import Pair  # noqa: E402
from stores import workplace  # noqa: E402

BACK_OFF = 2  # Seconds before the second try.


def within(seconds, question):
    deadline = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


def given(pair, *options, exits=(0,)):
    """A watch until nothing is left; what it says on standard error."""
    done = subprocess.run(pair.ana.words("watch", "--drain", *options), capture_output=True,
                          env=pair.ana.environment, timeout=120, check=False)
    assert done.returncode in exits, (options, done)
    return done.stderr.decode()


def gives_message_and_names(pair):
    message = pair.mined('quotes "; $(touch hacked) \n second line')[0]
    seen = pair.directory / "seen"
    program = pair.script("see", f'cat >{seen}.in; env | grep ^BMSG_ | sort >{seen}.env\n'
                                 f'printf "%s|" "$@" >{seen}.words\n')
    assert given(pair, "--cursor", "see", "--since", "all", "--exec", program, "-a", "--json", "a b",
                 "$(id)", "--", "*") == ""
    said = json.loads(seen.with_suffix(".in").read_text())
    assert said["type"] == "message" and said["id"] == message, said
    assert said["body"] == 'quotes "; $(touch hacked) \n second line'
    assert said["from_name"] == "ben" and said["signature"] == "good"
    variables = dict(line.split("=", 1) for line in lines_of(seen.with_suffix(".env")))
    assert variables["BMSG_ID"] == message
    assert variables["BMSG_FROM"] == said["from"] == pair.ben.text("id")
    assert variables["BMSG_FROM_NAME"] == "ben"
    assert variables["BMSG_THREAD"] == said["thread"]
    assert variables["BMSG_STORE"] == str(pair.ana.directory)
    assert "touch hacked" not in str(variables)
    assert seen.with_suffix(".words").read_text() == "-a|--json|a b|$(id)|--|*|"
    assert given(pair, "--cursor", "see", "--exec", "false") == "", "given out twice"


def takes_any_name_of_a_program(pair):
    """Also one that is a command of ours; it finds the same store without being told."""
    pair.mined("to sync")
    tools = pair.directory / "tools"
    tools.mkdir()
    (tools / "send").symlink_to(pair.script("tool", f'echo "$1" >>{tools}/log\n'))
    path = {"PATH": f"{tools}:/usr/bin:/bin"}
    done = subprocess.run(pair.ana.words("watch", "--drain", "--cursor", "see", "--exec", "send",
                                         "--help"), capture_output=True,
                          env=pair.ana.environment | path, check=False)
    assert done.returncode == 0 and lines_of(tools / "log") == ["--help"], done


def retries_without_limit(pair):
    """After 75, and after a signal; the next message waits."""
    first, second = pair.mined("try again")[0], pair.mined("and then this")[0]
    log = pair.directory / "tries"
    program = pair.script("later", f'echo "$BMSG_ID" >>{log}\n'
                                   f'case $(wc -l <{log}) in 1) exit 75;; 2) kill -9 $$;; esac\n')
    began = time.monotonic()
    assert given(pair, "--cursor", "see", "--tries", "1", "--exec", program) == ""
    took = time.monotonic() - began
    assert lines_of(log) == [first, first, first, second], lines_of(log)
    assert took >= 3 * BACK_OFF, f"two pauses in {took} s"
    # Time may run out over it.
    pair.mined("never now")
    stubborn = pair.script("stubborn", "exit 75\n")
    told = given(pair, "--cursor", "see", "--timeout", "1", "--exec", stubborn, exits=(75,))
    assert "has not taken" in told, told
    assert given(pair, "--cursor", "see", "--exec", "true") == ""


def parks(pair):
    bad, good = pair.mined("bad")[0], pair.mined("good")[0]
    log = pair.directory / "parking"
    program = pair.script("picky", f'read -r message\ncase $message in *\'"body":"bad"\'*) '
                                   f'echo bad >>{log}; exit 3;; esac\necho "$BMSG_ID" >>{log}\n')
    told = given(pair, "--cursor", "see", "--tries", "2", "--exec", program, exits=(3,))
    assert lines_of(log) == ["bad", "bad", good], lines_of(log)
    assert "parked" in told and "exited with 3" in told and bad[:16] in told, told
    assert given(pair, "--cursor", "see", "--exec", "false") == "", "it was left behind"
    assert [one["id"] for one in pair.ana.objects("inbox", "--cursor", "see")] == [bad]
    # Again: it stays parked until it is taken.
    told = given(pair, "--cursor", "see", "--parked", "--tries", "1", "--exec", program, exits=(3,))
    assert "parked" in told and lines_of(log)[3:] == ["bad"]
    assert given(pair, "--cursor", "see", "--parked", "--exec", "cat") == ""
    assert given(pair, "--cursor", "see", "--parked", "--exec", "false") == ""
    assert pair.ana.objects("inbox", "--cursor", "see") == []
    assert "no reader 'sea'" in given(pair, "--cursor", "sea", "--parked", exits=(66,))


def stops_on_error(pair):
    bad = pair.mined("stop here")[0]
    told = given(pair, "--cursor", "see", "--tries", "1", "--stop-on-error", "--exec", "false",
                 exits=(69,))
    assert bad[:16] in told and "exited with 1" in told, told
    log = pair.directory / "stopped"
    program = pair.script("log", f'echo "$BMSG_ID" >>{log}\n')
    for missing in ("./no-such-program", pair.directory, "no-such-program-on-path"):
        told = given(pair, "--cursor", "see", "--exec", missing, exits=(69,))
        assert "cannot be started" in told, told
    assert given(pair, "--cursor", "see", "--exec", program) == ""
    assert lines_of(log) == [bad], "lost, or given out twice"


def passes_signals_on(pair):
    """What a program makes of a signal counts."""
    message = pair.mined("interrupted")[0]
    ready, log = pair.directory / "ready", pair.directory / "ended"
    obeys = pair.script("obeys", f": >{ready}; exec sleep 60\n")
    finishes = pair.script("finishes", f"trap 'echo $BMSG_ID >>{log}; exit 0' TERM\n: >{ready}\n"
                                       "while :; do sleep 0.01; done\n")
    for program, number in ((obeys, signal.SIGINT), (obeys, signal.SIGTERM),
                            (finishes, signal.SIGTERM)):
        watch = pair.ana.start("watch", "--cursor", "see", "--exec", program)
        within(20, ready.exists)
        began = time.monotonic()
        watch.send_signal(number)
        out, err = watch.communicate(timeout=20)
        assert watch.returncode == -number and out == b"" and err == b"", (watch.returncode, err)
        assert time.monotonic() - began < 2, "it waited for a program that had ended"
        ready.unlink()
    assert lines_of(log) == [message]
    assert given(pair, "--cursor", "see", "--exec", "false") == "", "handled, and given out again"


def acknowledges(pair):
    """What the sender asked for, when the program has taken it, and not before."""
    asked = pair.ben.text("send", "--ask-ack", "-m", "tell me", "ana")
    pair.exchange()
    pair.ana.run("mine", "--no-relay")
    pair.exchange()

    def is_read():
        pair.exchange()
        return pair.ben.objects("outbox", "show", asked)[0]["state"] == "read"
    given(pair, "--cursor", "see", "--tries", "1", "--stop-on-error", "--exec", "false", exits=(69,))
    assert not is_read()
    given(pair, "--cursor", "see", "--exec", "true")
    assert is_read()


def knows_no_reader_of_another(pair):
    messages = pair.mined("for all of them")
    for name in ("first", "second"):
        log = pair.directory / name
        program = pair.script(f"{name}.sh", f'echo "$BMSG_ID" >>{log}\n')
        given(pair, "--cursor", name, "--since", "all", "--exec", program)
        assert lines_of(log)[-1:] == messages
    assert lines_of(pair.directory / "first") == lines_of(pair.directory / "second")


def main():
    with workplace() as directory:
        pair = Pair(directory)
        gives_message_and_names(pair)
        takes_any_name_of_a_program(pair)
        retries_without_limit(pair)
        parks(pair)
        stops_on_error(pair)
        passes_signals_on(pair)
        acknowledges(pair)
        knows_no_reader_of_another(pair)


main()
