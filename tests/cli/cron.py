#!/usr/bin/env python3
"""Cron rehearsal: the lines of `schedule --cron`, run as cron runs them, on two stores beside a third
that serves. No output unless there is trouble; mail flows. BMSG_CRON_TURNS=50 for the long run."""
import os
import pathlib
import shlex
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

TURNS = int(os.environ.get("BMSG_CRON_TURNS") or 3)


def commands_of(crontab):
    """What cron hands to the shell: after five fields, up to a bare %."""
    commands = []
    for line in crontab.splitlines():
        if line.startswith("#"):
            continue
        command = line.split(None, 5)[5].replace("\\%", "\0")
        assert "%" not in command, f"cron would end the line there: {line}"
        commands.append(command.replace("\0", "%"))
    return commands


def as_cron(command, home):
    """--idle is left out: beside other tests it would wait for them all."""
    command = command.replace(" --idle", "")
    return subprocess.run(
        ["env", "-i", f"HOME={home}", "SHELL=/bin/sh", "PATH=/usr/bin:/bin", "LOGNAME=me",
         "setsid", "/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True,
        cwd=home, check=False, timeout=120)


def rehearse(stores_here, home):
    """One turn of every line: silence, and an exit code that a wrapper may ignore."""
    for crontab in stores_here:
        for command in commands_of(crontab):
            done = as_cron(command, home)
            assert done.returncode in (0, 75), (command, done)
            assert not done.stdout and not done.stderr, (command, done)


def check_rehearsal(place):
    hub = stores.new_chain(place / "hub", "hub")
    with hub.served() as url:
        names = ("ana 100% 'quoted'", "ben")
        people = [stores.joined(place / name, name.split()[0], url) for name in names]
        (place / "backup").mkdir()
        crontabs = [people[0].text("schedule", "--cron", "--backup", place / "backup"),
                    people[1].text("schedule", "--cron")]
        backup = commands_of(crontabs[0])[-1]
        assert " backup -q " in backup
        crontabs[0] = "\n".join(line for line in crontabs[0].split("\n") if "backup" not in line
                                or line.startswith("#"))
        rehearse(crontabs, place)
        for turn in range(TURNS):
            for sender, reader in (people, people[::-1]):
                sender.run("send", "-m", f"turn {turn}", reader.text("id"))
            rehearse(crontabs, place)
        rehearse(crontabs, place)
        for reader in people:
            bodies = {one["body"] for one in reader.objects("inbox", "--bodies")}
            assert bodies == {f"turn {turn}" for turn in range(TURNS)}, bodies
        done = as_cron(backup, place)
        assert done.returncode == 0 and not done.stdout + done.stderr, done
        assert as_cron(backup, place).returncode == 73  # Trouble is told.
    assert as_cron(commands_of(crontabs[1])[0], place).returncode == 69  # Nobody serves any more.
    return people[1]


def check_busy(store, place):
    """A lock that is held is no news."""
    with store.served():
        line = commands_of(store.text("schedule", "--cron"))[1]
    holder = subprocess.Popen(["flock", str(store.directory / "chain.lock"), "sleep", "60"])
    try:
        done = as_cron(line.replace(" -q", " -q --lock-timeout 0"), place)
        assert (done.returncode, done.stdout, done.stderr) == (75, b"", b""), done
    finally:
        holder.terminate()
        holder.wait()


def fake_crontab(place):
    """A crontab(1) whose table is a file."""
    folder = place / "bin"
    folder.mkdir()
    table = place / "table"
    program = folder / "crontab"
    program.write_text(f"#!/bin/sh\ncase $1 in\n-l) cat {shlex.quote(str(table))} ;;\n"
                       f"-) cat >{shlex.quote(str(table))} ;;\nesac\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder, table


def check_install(store, place):
    folder, table = fake_crontab(place)
    store.environment["PATH"] = f"{folder}:{os.environ['PATH']}"
    mine = "5 4 * * * mine # bmsg begin\n"
    table.write_text(mine)
    store.run("schedule", "--cron", "--install", exits=(64,))  # Nobody there to ask.
    assert table.read_text() == mine
    for _ in range(2):
        store.run("schedule", "--cron", "--install", "--yes")
        assert table.read_text() == mine + store.run("schedule", "--cron").decode()
    store.run("schedule", "--cron", "--remove", "--yes")
    assert table.read_text() == mine
    units = place / "config" / "systemd" / "user"
    store.environment["XDG_CONFIG_HOME"] = str(place / "config")
    store.run("schedule", "--systemd", "--install", "--yes")
    assert sorted(p.name for p in units.iterdir()) == \
        [f"bmsg-{job}.{kind}" for job in ("mine", "sync") for kind in ("service", "timer")]
    for unit in units.iterdir():
        assert unit.read_text() in store.run("schedule", "--systemd").decode()
    store.run("schedule", "--systemd", "--remove", "--yes")
    assert not list(units.iterdir())
    (units / "bmsg-sync.timer").write_text("mine")
    store.run("schedule", "--systemd", "--install", "--yes", exits=(73,))
    assert (units / "bmsg-sync.timer").read_text() == "mine"
    for wrong in ((), ("--cron", "--systemd"), ("--cron", "--install", "--remove")):
        store.run("schedule", *wrong, exits=(64,))
    store.environment["PATH"] = str(place / "empty")
    store.run("schedule", "--cron", "--install", "--yes", exits=(73,))


def check_doctor(store):
    def states(**options):
        return {one["name"]: one["state"] for one in store.objects("doctor", **options)}
    before = states()
    assert before["chain"] == before["modes"] == before["space"] == "ok", before
    assert before["keys"] == "warn", before
    assert "peers" in {one["name"] for one in store.objects("doctor", "--net")}
    key = store.directory / "keys" / "node.key"
    key.chmod(0o644)
    assert states(exits=(1,))["modes"] == "fail"
    assert "FAIL modes: " in store.text("doctor", exits=(1,)) and "chmod" in store.text(
        "doctor", exits=(1,))
    key.chmod(0o600)
    (store.directory / "ballast").unlink()
    assert states()["ballast"] == "warn"
    (store.directory / "chain" / "CURRENT").unlink()
    assert states(exits=(1,))["chain"] == "fail"


def main():
    with stores.workplace() as place:
        ben = check_rehearsal(place)
        check_busy(ben, place)
        check_install(ben, place)
        check_doctor(ben)


main()
