"""Kills a program at a chosen call that changes a file, by libkill_at.so, which lies in tests/ beside
the program. Each command is killed at many such calls, and what it leaves is looked at."""
import mmap
import os
import pathlib
import shutil
import signal
import struct
import subprocess
import sys

import stores

LIBRARY = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "libkill_at.so"


def leftovers(directory):
    """Files that only a command at work has need of. What waits in outbox/tmp goes after 36 hours."""
    return sorted(str(file.relative_to(directory)) for file in directory.rglob("*")
                  if file.name.startswith(".") or file.suffix == ".new"
                  or file.name.endswith(".repaired") or file.name.startswith("upload-")
                  or file.name == "unfinished")


class Counter:
    """Calls that change files, counted by the library."""

    def __init__(self, place):
        self.file = place / "calls"
        self.file.write_bytes(bytes(8))

    def zero(self):
        self.file.write_bytes(bytes(8))

    def value(self):
        with self.file.open("rb") as opened, \
                mmap.mmap(opened.fileno(), 8, access=mmap.ACCESS_READ) as seen:
            return struct.unpack("=Q", seen[:8])[0]

    def variables(self, preloaded="", at=None, half=False):
        """What the environment has beside; `preloaded`: one more library."""
        made = {"LD_PRELOAD": f"{LIBRARY} {preloaded}".strip(), "BMSG_KILL_COUNT": str(self.file)}
        if at is not None:
            made |= {"BMSG_KILL_AT": str(at)}
        return made | ({"BMSG_KILL_HALF": "1"} if half else {})


class Run:
    """A command to its end, or to its death: what it printed in whole lines."""

    def __init__(self, counter, store, words, variables, stdin=b""):
        counter.zero()
        done = subprocess.run(store.words(*words), env=store.environment | variables,
                              capture_output=True, check=False, timeout=120, input=stdin)
        self.code = done.returncode
        self.struck = done.returncode in (-signal.SIGKILL, 128 + signal.SIGKILL)
        self.lines = done.stdout.decode(errors="replace").split("\n")[:-1]
        self.output = done.stdout
        self.complaint = done.stderr.decode(errors="replace")
        self.calls = counter.value()


class Use:
    """One command. `make(number)` gives a store with a directory for what lies outside it; `check(
    trial)` looks at what is there when all is done."""

    def __init__(self, name, base, words, check, **more):
        self.name = name
        self.base = base
        self.words = words  # Or what makes them of the trial.
        self.check = check
        self.stdin = more.get("stdin", b"")
        self.again = more.get("again", (0,))  # Exit codes of the run after the kill.
        self.early = more.get("early", lambda trial: None)  # Looks before anything runs again.
        self.preloaded = more.get("preloaded", "")
        self.settings = more.get("settings", {})

    def words_of(self, trial):
        return self.words(trial) if callable(self.words) else self.words


class Trial:
    def __init__(self, use, place, counter, number):
        self.outside = place / f"trial.{number}"
        self.outside.mkdir()
        self.counter = counter
        self.use = use
        self.store = use.base.copy_to(self.outside / "store")
        self.store.environment = dict(use.base.environment)
        self.lines = []  # Acknowledged.
        self.runs = []

    def run(self, at=None, half=False):
        variables = self.counter.variables(self.use.preloaded, at, half) | self.use.settings
        run = Run(self.counter, self.store, self.use.words_of(self), variables,
                  self.use.stdin)
        self.runs.append(run)
        return run

    def run_again(self):
        """Nothing stands in the way of the next command."""
        run = self.run()
        if run.code not in self.use.again:
            raise AssertionError(f"{self.use.name} after a kill: exit {run.code}: {run.complaint}")
        return run


class Tally:
    def __init__(self):
        self.trials = self.struck = self.recovering = self.printed = 0


def points_of(calls, most, random):
    """Calls at which to kill, each before it or by half: all if they are few enough."""
    every = [(at, half) for at in range(1, calls + 1) for half in (False, True)]
    if len(every) <= most:
        return every
    step = len(every) / most
    return [every[int(step * (n + random.random()))] for n in range(most)]


def try_use(use, place, random, most):
    counter = Counter(place)
    whole = Trial(use, place, counter, f"{use.name.replace(' ', '-')}.whole")
    first = whole.run()
    if first.code not in (0, *use.again):
        raise AssertionError(f"{use.name}: exit {first.code}: {first.complaint}")
    whole.lines = first.lines
    whole.run_again()
    use.check(whole)
    usual = leftovers(whole.outside)
    tally = Tally()
    for number, (at, half) in enumerate(points_of(first.calls, most, random)):
        trial = Trial(use, place, counter, f"{use.name.replace(' ', '-')}.{number}")
        try:
            one_trial(trial, at, half, random, tally)
            left = leftovers(trial.outside)
            assert left == usual, f"left behind: {left}"
        except AssertionError as failed:
            raise AssertionError(f"{use.name} killed {'half through' if half else 'before'} call "
                                 f"{at} of {first.calls}: {failed}") from failed
        shutil.rmtree(trial.outside)
    shutil.rmtree(whole.outside)
    print(f"{use.name}: {tally.struck} of {tally.trials} kills struck, at {first.calls} calls; "
          f"{tally.printed} after something was printed; {tally.recovering} struck again while it "
          "recovered", flush=True)
    assert tally.struck >= tally.trials / 2, f"{use.name}: too few kills struck"
    return tally


def one_trial(trial, at, half, random, tally):
    run = trial.run(at, half)
    tally.trials += 1
    tally.struck += run.struck
    tally.printed += run.struck and bool(run.lines)
    assert run.struck or run.code in (0, *trial.use.again), f"exit {run.code}: {run.complaint}"
    trial.lines = list(run.lines)
    trial.use.early(trial)
    # Whoever comes next is killed as well, up to three times.
    for _ in range(random.choice((0, 1, 1, 3))):
        next_run = trial.run(random.randint(1, run.calls + 1), random.random() < 0.5)
        tally.recovering += next_run.struck
        trial.lines += next_run.lines
        if not next_run.struck:
            assert next_run.code in (0, *trial.use.again), next_run.complaint
            break
    trial.lines += trial.run_again().lines
    done = subprocess.run(trial.store.words("verify", "--full"), env=trial.store.environment,
                          capture_output=True, check=False, timeout=120)
    assert done.returncode == 0, f"verify --full: {done.returncode}: {done.stderr.decode()}"
    trial.use.check(trial)


def need():
    if not LIBRARY.exists():
        sys.exit(f"build the target kill_at, which makes {LIBRARY}")


def most_trials(usual):
    return int(os.environ.get("BMSG_POINTS") or usual)
