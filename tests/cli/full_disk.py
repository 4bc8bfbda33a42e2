#!/usr/bin/env python3
"""When the disk is full the ballast goes, told, and work goes on; reading never touches it. What is
forgotten on a full disk is forgotten, and the room comes back once there is some to work in."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

LONG_CHAIN = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "long_chain"
MIB = 1 << 20
BLOCKS = 300
PER_BLOCK = 100


@contextlib.contextmanager
def small_disk(place, size):
    """A file system of so many MiB; only root may have one."""
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m", "none", str(place)],
                             capture_output=True, check=False)
    if mounted.returncode != 0:
        print("skip: no file system may be mounted here")
        sys.exit(77)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", str(place)], check=True)


def fill(place, left):
    """Leaves so many bytes."""
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    with open(place / "filler", "ab") as file:
        file.write(bytes(free - left))


def forget_all(store):
    """Its exit code, what it sums up and what it says. With too little room to open the chain it
    sums up nothing."""
    done = subprocess.run(store.words("forget", "--older-than", "0s", "--yes", "--json"),
                          check=False, env=store.environment, capture_output=True, timeout=120)
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    summaries = [line for line in lines if line["type"] == "summary"]
    assert len(summaries) <= 1, lines
    nothing = {"ok": False, "messages": 0, "begun": False}
    return (done.returncode, {"begun": True} | summaries[0] if summaries else nothing,
            done.stderr.decode())


def check_sound(store):
    """Each message is listed and gone, or neither; how many are."""
    checked = store.objects("verify", "--full")
    listed = sum(line["type"] == "forgotten" for line in checked)
    assert checked[-1]["ok"] and checked[-1]["dropped_bodies"] == listed, (checked[-1], listed)
    return listed


def check_forget(place, disk):
    bundle = place / "bundle"
    with open(bundle, "wb") as out:
        subprocess.run([LONG_CHAIN, str(BLOCKS), str(PER_BLOCK), "0", "400"], stdout=out,
                       check=True)
    big = stores.Store(disk / "big")
    big.run("clone", bundle, big.directory, "--name", "big", "--no-passphrase")
    (big.directory / "ballast").unlink()
    tables = sum(file.stat().st_size for file in (big.directory / "chain").glob("*.sst"))
    assert tables > 12 * MIB, tables
    # How far it comes depends on when RocksDB writes what anew.
    fill(disk, 12 * MIB)
    code, summary, told = forget_all(big)
    assert (code, summary["ok"]) in ((0, True), (74, False)), (summary, told)
    assert summary["messages"] == check_sound(big), summary
    (disk / "filler").unlink()
    fill(disk, 5 * MIB)
    before = check_sound(big)
    code, summary, told = forget_all(big)
    assert (code, summary["ok"]) == (74, False), (summary, told)
    assert "disk full" in told and "needs" in told, told
    if summary["begun"]:
        assert "forgotten" in told and "give the same command again" in told, told
    assert before + summary["messages"] == check_sound(big), summary
    (disk / "filler").unlink()
    code, summary, told = forget_all(big)
    assert (code, summary["ok"]) == (0, True), told
    assert check_sound(big) == BLOCKS * PER_BLOCK
    left = sum(file.stat().st_size for file in (big.directory / "chain").glob("*.sst"))
    assert left < tables // 2, (summary, left, tables)


def main():
    with stores.workplace() as place, small_disk(place / "roomy", 120) as disk:
        check_forget(place, disk)
    with stores.workplace() as place, small_disk(place / "disk", 40) as disk:
        ana = stores.new_chain(disk / "ana", "ana")
        ballast = ana.directory / "ballast"
        ana.run("mine", "--no-relay")
        assert ballast.stat().st_size == 16 * MIB
        fill(disk, 6 * MIB)
        ana.run("log")
        ana.run("inbox")
        assert ballast.exists(), "reading gave up the ballast"
        done = subprocess.run(ana.words("mine", "--allow-empty", "--no-relay"), check=False,
                              env=ana.environment, capture_output=True)
        assert done.returncode == 0 and b"ballast' was removed" in done.stderr, done
        assert not ballast.exists()
        fill(disk, 2 * MIB)
        ana.run("mine", "--allow-empty", "--no-relay", exits=(74,))
        assert "FAIL space" in ana.text("doctor", exits=(1,))
        ana.run("verify")


main()
