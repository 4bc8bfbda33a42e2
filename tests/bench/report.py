"""Rows of ./dev bench: what was measured, beside what, and how it was told."""
import dataclasses
import json
import statistics
import subprocess
import sys
import time


@dataclasses.dataclass
class Row:
    """`ours` and `its` are of one unit. A time is to be at most `target` times the reference's, a
    rate at least; without a target it is told alone."""
    what: str
    unit: str
    ours: float
    reference: str = ""
    its: float | None = None
    target: float | None = None
    more_is_better: bool = False
    note: str = ""

    @property
    def ratio(self):
        return self.ours / self.its if self.its else None

    @property
    def verdict(self):
        value = self.ratio if self.its is not None else self.ours
        if self.target is None or value is None:
            return ""
        if self.more_is_better:
            return "ok" if value >= self.target else "under"
        return "ok" if value <= self.target else "over"


def shown(value):
    """Four digits are as many as are worth it."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


class Report:
    """Takes rows as they come; a table or JSON Lines on standard output."""

    def __init__(self, as_json):
        self.as_json = as_json
        self.rows = []

    def machine(self, facts):
        if self.as_json:
            print(json.dumps({"type": "machine"} | facts), flush=True)
        else:
            print(", ".join(f"{name} {value}" for name, value in facts.items()), flush=True)

    def add(self, row):
        self.rows.append(row)
        if self.as_json:
            object_ = {"type": "row"} | dataclasses.asdict(row)
            print(json.dumps(object_ | {"ratio": row.ratio, "verdict": row.verdict}), flush=True)
        else:
            print(f"  {row.what}: {shown(row.ours)} {row.unit}", file=sys.stderr, flush=True)

    def finish(self):
        if self.as_json:
            return
        lines = [("what", "ours", "unit", "reference", "its", "ratio", "target", "verdict")]
        for row in self.rows:
            sign = "" if row.target is None else ">= " if row.more_is_better else "<= "
            target = "" if row.target is None else sign + shown(row.target)
            lines.append((row.what, shown(row.ours), row.unit, row.reference, shown(row.its),
                          shown(row.ratio), target, row.verdict))
        widths = [max(len(line[at]) for line in lines) for at in range(len(lines[0]))]
        for line in lines:
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())
        for row in self.rows:
            if row.note:
                print(f"{row.what}: {row.note}")


def seconds_of(words, **options):
    """Seconds of one whole process, and what it printed; it has to end well."""
    begin = time.perf_counter()
    done = subprocess.run([*map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          check=False, **options)
    took = time.perf_counter() - begin
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, words))} exited {done.returncode}: "
                 f"{done.stderr.decode(errors='replace')[-2000:]}")
    return took, done.stdout


def medians(sides, rounds):
    """Medians of functions that give seconds, by name, in turn; the first turn only warms."""
    times = {name: [] for name in sides}
    for _ in range(rounds + 1):
        for name, side in sides.items():
            times[name].append(side())
    return {name: statistics.median(values[1:]) for name, values in times.items()}
