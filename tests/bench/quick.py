#!/usr/bin/env python3
"""The quick form of ./dev bench: every row is there, was measured, and its work was looked at.
Whether a ratio meets its target is no matter here: that is for quiet machines."""
import json
import math
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "support"))
import stores  # noqa: E402

TOOLS = ("age", "age-keygen", "curl", "git", "gpg", "nginx", "openssl", "sha512sum", "wrk")
SECONDS = 500
# What rows are about, in the order of the table; no row may be missing, and none is more.
EXPECTED = [
    "nonce search, AVX-512", "nonce search, AVX2", "nonce search, plain", "nonce search, two",
    "stamps of 500 bytes", "headers judged, one", "headers judged, hashed together",
    "bmsg version", "bmsg help", "bmsg inbox -n 20", "bmsg log -n 20", "bmsg status",
    "bmsg send, no stamp", "bmsg send of 1 kB", "bmsg send of 1 kB", "100 messages by send --stdin",
    "bmsg mine, floor 8, 100 messages", "bmsg send -a - of 8 MiB",
    "bmsg verify --quick of 10,000", "bmsg verify of 10,000", "bmsg verify --full of 10,000",
    "blocks of 100 messages connected", "store of 10,000", "scan of 10,000", "the same on two cores",
    "first sync of 10,000 messages", *["CPU of a first sync: "] * 6,
    "ranges of 16 blocks", "ranges of 15 blocks made anew", "small answers (info)",
    "small answers (feed)", "memory of serve, idle", "memory of each of 100 idle peers",
    "memory of a first sync", "first sync of 200 blocks from three", "a round of ten new messages",
    "posts taken", "hashes of a search", "a whole check",
    "bmsg status, 20,000", "bmsg inbox -n 20, 20,000", "bmsg send, 20,000",
    "sync of ten new, 20,000", "sync of a block of ten new, 20,000",
    "verify --full, each of 20,000",
]
# Rows that stand beside nothing, and of these the ones that are only told.
ALONE = ("memory of ", "a round of ten", "CPU of ", "ranges of 15")
TOLD = ("CPU of ", "ranges of 15")


def measured(directory):
    """What the bench printed: the machine and the rows."""
    words = [sys.executable, HERE / "bench.py", "--quick", "--json", "--keep", directory / "kept"]
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False,
                          timeout=SECONDS)
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-3000:]
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["type"] for line in lines] == ["machine"] + ["row"] * (len(lines) - 1)
    return lines[0], lines[1:]


def check_row(row, vectors):
    lacks = next((name for name, flag in (("AVX-512", "avx512f"), ("AVX2", "avx2"))
                  if name in row["what"] and flag not in vectors), None)
    if lacks:
        assert row["note"] and row["ratio"] == 0, row
        return
    assert math.isfinite(row["ours"]) and row["ours"] > 0, row
    if row["what"].startswith(ALONE):
        assert row["its"] is None, row
        assert (row["target"] is None) == row["what"].startswith(TOLD), row
        return
    assert math.isfinite(row["its"]) and row["its"] > 0 and row["reference"], row
    ratio = row["ours"] / row["its"]
    assert math.isclose(row["ratio"], ratio, rel_tol=1e-9), row
    good = ratio >= row["target"] if row["more_is_better"] else ratio <= row["target"]
    assert (row["verdict"] == "ok") == good, row


def main():
    missing = [tool for tool in TOOLS if not shutil.which(tool, path="/usr/sbin:/usr/bin:/bin")]
    if missing:
        print(f"skip: no {', '.join(missing)}; './dev test' installs what brings them")
        sys.exit(77)
    with stores.workplace() as place:
        machine, rows = measured(place)
    assert machine["cores"] > 0 and re.match(r"\S", machine["processor"]), machine
    names = [row["what"] for row in rows]
    expected = [name for name in EXPECTED if machine["cores"] > 1 or name[-9:] != "two cores"]
    assert len(names) == len(expected), f"{len(names)} rows: {names}"
    for name, begin in zip(names, expected):
        assert name.startswith(begin), f"'{name}' is where '{begin}' belongs"
    for row in rows:
        check_row(row, machine["vectors"].split())
    print(f"{len(rows)} rows, {sum(row['verdict'] == 'ok' for row in rows)} of them meet their target")


main()
