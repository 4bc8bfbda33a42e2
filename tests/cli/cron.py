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


def fake_programs(place):
    """A crontab(1) whose table is a file, and a systemctl(1) that writes down what it is asked."""
    folder = place / "bin"
    folder.mkdir()
    table, asked = shlex.quote(str(place / "table")), shlex.quote(str(place / "asked"))
    texts = {"crontab": f"case $1 in\n-l) cat {table} ;;\n-) cat >{table} ;;\nesac\n",
             "systemctl": f'echo "$*" >>{asked}\n[ ! -e {asked}.fails ]\n'}
    for name, text in texts.items():
        program = folder / name
        program.write_text(f"#!/bin/sh\n{text}")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder


def check_crontab(store, table):
    mine = "5 4 * * * mine # bmsg begin\n"
    table.write_text(mine)
    store.run("schedule", "--cron", "--install", exits=(64,))  # Nobody there to ask.
    assert table.read_text() == mine
    for words in (("--cron", "--install"), ("--install", "cron"), ("--install=cron",)):
        store.run("schedule", *words, "--yes")
        assert table.read_text() == mine + store.run("schedule", "--cron").decode()
    for words in (("--cron", "--remove"), ("--remove", "cron"), ("--remove",)):
        store.run("schedule", *words, "--yes")
        assert table.read_text() == mine
        store.run("schedule", "--install", "cron", "--yes")
    store.run("schedule", "--remove", "cron", "--yes")
    table.unlink()
    store.run("schedule", "--install", "cron", "--yes")  # The first table of this user.
    table.unlink()
    table.mkdir()  # What is in the table cannot be told, so it must not be replaced.
    with store.start("schedule", "--install", "cron", "--yes") as process:
        complaint = process.communicate(timeout=60)[1]
    assert process.returncode == 77 and b"'crontab -l' exited with" in complaint, complaint
    table.rmdir()


def check_units(store, place):
    """What is printed is written, started, replaced and taken away, and nothing else."""
    units, asked = place / "config" / "systemd" / "user", place / "asked"
    store.environment["XDG_CONFIG_HOME"] = str(place / "config")
    timers = ["bmsg-mine.timer", "bmsg-sync.timer"]
    plain = ["bmsg-mine.service", "bmsg-mine.timer", "bmsg-sync.service", "bmsg-sync.timer",
             "bmsg.service"]
    backup = ("--backup", place / "backup")
    for words, more in (((), []), (backup, ["bmsg-backup.service", "bmsg-backup.timer"]), ((), [])):
        asked.write_text("")
        store.run("schedule", "--install", "systemd", *words, "--yes")
        assert sorted(unit.name for unit in units.iterdir()) == sorted(plain + more)
        printed = store.run("schedule", "--systemd", *words).decode()
        assert all(unit.read_text() in printed for unit in units.iterdir())
        last = asked.read_text().splitlines()[-2:]
        assert last[0] == "--user daemon-reload", last
        assert last[1].startswith("--user enable --now "), last
        assert sorted(last[1].split()[3:]) == sorted(timers + more[1:]), last
    assert "--user disable --now bmsg-backup.service bmsg-backup.timer" in asked.read_text()
    store.run("schedule", "--remove", exits=(64,))  # Nobody there to ask.
    (place / "asked.fails").write_text("")
    for words in (("--install", "systemd"), ("--remove",)):
        store.run("schedule", *words, "--yes", exits=(3,))
    assert not list(units.iterdir())
    (place / "asked.fails").unlink()
    (units / "bmsg-sync.timer").write_text("mine")
    store.run("schedule", "--install", "systemd", "--yes", exits=(73,))
    store.run("schedule", "--remove", "systemd", "--yes")
    assert (units / "bmsg-sync.timer").read_text() == "mine"


def check_install(store, place):
    path = f"{fake_programs(place)}:{os.environ['PATH']}"
    store.environment["PATH"] = path
    check_crontab(store, place / "table")
    check_units(store, place)
    for wrong in ((), ("--cron", "--systemd"), ("--cron", "--install", "--remove"), ("--install",),
                  ("--systemd", "--install", "cron"), ("--install", "nonsense")):
        store.run("schedule", *wrong, exits=(64,))
    store.environment["PATH"] = str(place / "empty")
    store.run("schedule", "--install", "cron", "--yes", exits=(73,))
    store.run("schedule", "--remove", "--yes")  # No crontab here, so nothing in it.
    store.environment["PATH"] = path


def check_same_words(store):
    """cron and systemd run the same."""
    services = {one["file"]: one["text"] for one in store.objects("schedule", "--systemd")}
    starts = [line for text in services.values() for line in text.splitlines()
              if line.startswith("ExecStart=")]
    for command in commands_of(store.text("schedule", "--cron")):
        words = shlex.split(command.removesuffix(" >/dev/null"))
        assert words in [shlex.split(start.removeprefix("ExecStart=")) for start in starts], words


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
        check_same_words(ben)
        check_doctor(ben)


main()
