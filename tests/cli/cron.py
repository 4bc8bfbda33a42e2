#!/usr/bin/env python3
"""Cron rehearsal: the lines of `schedule --cron`, run as cron runs them, on two stores beside a third
that serves. No output unless there is trouble; mail flows. BMSG_CRON_TURNS=50 for the long run. Then
day after day, of a clock that is moved, for all three: BMSG_CRON_DAYS=365 makes a year of it."""
import os
import pathlib
import shlex
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import moved_clock  # noqa: E402
import stores  # noqa: E402

TURNS = int(os.environ.get("BMSG_CRON_TURNS") or 3)
DAYS = int(os.environ.get("BMSG_CRON_DAYS") or 16)


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


def as_cron(command, home, *moved):
    """--idle is left out: beside other tests it would wait for them all."""
    command = command.replace(" --idle", "")
    return subprocess.run(
        ["env", "-i", f"HOME={home}", "SHELL=/bin/sh", "PATH=/usr/bin:/bin", "LOGNAME=me", *moved,
         "setsid", "/bin/sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True,
        cwd=home, check=False, timeout=120)


def rehearse(stores_here, home, *moved):
    """One turn of every line: silence, and an exit code that a wrapper may ignore."""
    for crontab in stores_here:
        for command in commands_of(crontab):
            done = as_cron(command, home, *moved)
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


class Calendar:
    """One clock for all, also for who runs for a year."""

    def __init__(self, place):
        moved_clock.need()
        self.file = place / "clock"
        self.set(0)
        self.words = [f"LD_PRELOAD={moved_clock.FOUND[0]}", "FAKETIME_DONT_FAKE_MONOTONIC=1",
                      "FAKETIME_NO_CACHE=1", f"FAKETIME_TIMESTAMP_FILE={self.file}"]

    def set(self, day):
        new = self.file.with_suffix(".new")
        new.write_text(f"+{day}d\n")
        new.rename(self.file)  # Whoever looks sees one or the other.

    def give_to(self, store):
        store.environment |= dict(word.split("=", 1) for word in self.words)
        return store


KEY_DAYS = 3  # For so long a send is remembered by its key.


def size_of(directory):
    """Bytes on the disk, and files."""
    files = [file for file in directory.rglob("*") if file.is_file() and file.name != "ballast"]
    return sum(file.stat().st_blocks * 512 for file in files), len(files)


class Year:
    """Two who write to each other each day, with nothing but cron and a hub between them."""

    def __init__(self, place, calendar):
        self.place, self.calendar = place, calendar
        self.hub = calendar.give_to(stores.new_chain(place / "hub", "hub"))
        self.seen = {}
        self.sizes = []

    def join(self, url):
        self.people = [self.calendar.give_to(stores.joined(self.place / name, name, url))
                       for name in ("ana", "ben")]
        self.crontabs = [one.text("schedule", "--cron") for one in self.people]
        for one in self.people:
            one.run("config", "set", "send.key_ttl", f"{KEY_DAYS}d")

    def turn(self, day):
        self.calendar.set(day)
        for sender, reader in (self.people, self.people[::-1]):
            sender.run("send", "--key", f"day {day}", "-m", f"day {day}", self.address_of(reader))
        for _ in range(2):
            rehearse(self.crontabs, self.place, *self.calendar.words)
        for reader in self.people:
            for one in reader.objects("inbox", "--bodies", "--since", "2d"):
                ids = self.seen.setdefault((reader.directory.name, one["body"]), set())
                ids.add(one["id"])
            reader.run("forget", "--expired", "--yes")
        moved_clock.tidy()
        self.sizes.append([size_of(one.directory) for one in (*self.people, self.hub)])

    @staticmethod
    def address_of(store):
        return store.text("id")


def check_days(place):
    """Every message once, prekeys that change, and stores that grow by what is said and no more."""
    year = Year(place, Calendar(place))
    with year.hub.served() as url:
        year.join(url)
        rehearse(year.crontabs, place, *year.calendar.words)
        for day in range(1, DAYS + 1):
            year.turn(day)
        wanted = {(one.directory.name, f"day {day}") for one in year.people
                  for day in range(1, DAYS + 1)}
        assert set(year.seen) == wanted, wanted ^ set(year.seen)
        assert all(len(ids) == 1 for ids in year.seen.values()), "something came twice"
        cards = [one.objects("id", "show")[0]["card"]["seq"] for one in year.people]
        assert min(cards) >= DAYS // 8, f"{cards} cards in {DAYS} days: prekeys do not change"
        for store in (*year.people, year.hub):
            store.run("verify", "--full")
            assert store.objects("status")[0]["height"] >= DAYS
    half, whole = year.sizes[DAYS // 2], year.sizes[-1]
    print(f"{DAYS} days: {len(wanted)} messages, each once, {cards} cards; "
          f"bytes and files after half of them {half}, after all {whole}")
    for (bytes_half, files_half), (bytes_whole, files_whole) in zip(half, whole):
        assert files_whole <= files_half + 8, (half, whole)
        assert bytes_whole <= 2 * bytes_half + (64 << 10), (half, whole)
    for one in year.people:
        keys = [file for file in (one.directory / "outbox" / "keys").iterdir() if len(file.name) == 128]
        assert len(keys) <= KEY_DAYS + 2, f"{len(keys)} keys are remembered"


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


def check_work(place):
    """Each store makes blocks in the way it can, or in none: no line fails turn after turn."""
    def works(store):
        (printed,) = store.objects("schedule", "--cron")
        begun = [shlex.split(command)[3] for command in commands_of(printed["text"])]
        units = {pathlib.Path(one["file"]).name for one in store.objects("schedule", "--systemd")}
        for work in ("sync", "mine", "endorse"):
            for kind in ("service", "timer"):
                assert (f"bmsg-{work}.{kind}" in units) == (work in begun), (work, units, begun)
        return begun
    keyless = stores.Store(place)
    keys = [keyless.text("endorsers", "key", "--new", place / f"{name}.key") for name in "abc"]
    council = stores.Store(place / "council")
    council.run("init", council.directory, "--name", "a", "--no-passphrase", "--private",
                "--endorser-key", place / "a.key",
                *(word for key in keys for word in ("--endorser", key)))
    reader = stores.joined(place / "reader", "reader", council.directory / "genesis")
    assert works(council) == ["sync", "endorse"], works(council)
    assert works(reader) == ["sync"], works(reader)
    check_same_words(council)
    done = as_cron(commands_of(council.text("schedule", "--cron"))[1], place)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b""), done
    mined = stores.new_chain(place / "mined", "mined")
    assert works(mined) == ["sync", "mine"], works(mined)
    with mined.served() as url:
        light = stores.Store(place / "light")
        light.run("clone", url, light.directory, "--name", "light", "--no-passphrase", "--light")
    assert works(light) == ["sync"], works(light)
    # What a store was before, or what another version has begun, goes with the next one.
    light.environment |= {"XDG_CONFIG_HOME": str(place / "config2"), "PATH": os.environ["PATH"]}
    units = place / "config2" / "systemd" / "user"
    units.mkdir(parents=True)
    (units / "bmsg-mine.timer").write_text(f"# bmsg schedule of {light.directory}\n")
    light.run("schedule", "--install", "systemd", "--yes", exits=(0, 3))
    assert not (units / "bmsg-mine.timer").exists() and (units / "bmsg-sync.timer").exists()
    light.run("schedule", "--remove", "systemd", "--yes", exits=(0, 3))
    assert not list(units.iterdir())


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
    with stores.workplace() as place:
        check_work(place)
    with stores.workplace() as place:
        check_days(place)


main()
