#!/usr/bin/env python3
"""An option or argument with an empty value, as of a variable that is not set, is refused by every
command, in each way to write it: taken for none it would do something else in silence."""
import json
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

# What an empty value means something to, by command and name.
MEANT = {("send", "-m"), ("send", "-s"), ("reply", "-m"), ("reply", "-s"),
         ("approve", "-m"), ("config set", "value"), ("id use", "name")}
# Their value may be left out, which an empty one is the same as.
OPTIONAL = {("id", "--card"), ("id show", "--card"), ("schedule", "--install"),
            ("schedule", "--remove")}
ENOUGH = 250  # Of ways to give nothing; were there fewer, the list of commands would be cut.


def code_and_words(store, words):
    try:
        done = subprocess.run(store.words(*words, "--json"), capture_output=True, check=False,
                              env=store.environment, stdin=subprocess.DEVNULL, timeout=60)
    except subprocess.TimeoutExpired:  # It serves, or waits for what comes.
        return None, "it goes on"
    said = done.stderr.decode()
    return done.returncode, json.loads(said)["message"] if said.startswith("{") else said


def check_refused(store):
    """Both ways, and the next word is never taken for the value."""
    tried, meant, faults = 0, set(), []
    for command in store.objects("__spec"):
        path = command["name"].split() or ["status"]  # The options of all commands.
        for option in command["options"]:
            if option["value"] is None:
                continue
            names = {(command["name"], name) for name in option["names"]}
            if names & (MEANT | OPTIONAL):
                meant |= names & (MEANT | OPTIONAL)
                continue
            for name in option["names"]:
                ways = [[name, ""]] + ([[f"{name}=", "--no-input"]] if name.startswith("--") else [])
                for way in ways:
                    tried += 1
                    code, said = code_and_words(store, [*path, *way])
                    if code != 64 or "empty" not in said or option["names"][-1] not in said:
                        faults.append((path, way, code, said))
        for argument in command["arguments"]:
            names = {(command["name"], name) for name in argument["names"]}
            if names & MEANT:
                meant |= names
                continue
            before = ["x"] * command["arguments"].index(argument)
            tried += 1
            code, said = code_and_words(store, [*path, *before, ""])
            if code != 64:
                faults.append((path, argument["names"], code, said))
    assert not faults, "\n".join(map(str, faults))
    assert meant == MEANT | OPTIONAL, (MEANT | OPTIONAL) ^ meant
    assert tried >= ENOUGH, tried
    print(f"{tried} empty values were refused")


def check_meant(store):
    """Where a text may be empty it is, and what was given is what is found."""
    me = store.text("id")
    store.run("send", me, "-m", "with a text", "-s", "")
    store.run("send", me, "-m", "", "--allow-empty")
    code, said = code_and_words(store, ["send", me, "-m", ""])
    assert code == 64 and "message is empty" in said, (code, said)
    store.run("config", "set", "user.identity", "")
    assert code_and_words(store, ["id", "use", ""])[0] == 66, "here each has a name"


def main():
    with stores.workplace() as place:
        store = stores.new_chain(place / "ana", "ana")
        check_refused(store)
        check_meant(store)
        store.run("-c", "send.sign=true", "inbox", "--from=ana", "--since=7d", exits=(0, 67))


main()
