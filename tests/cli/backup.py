#!/usr/bin/env python3
"""A backup made under load restores to a store that verifies; no damaged or hostile archive does."""
import fcntl
import hashlib
import io
import os
import pathlib
import shlex
import shutil
import subprocess
import sys
import tarfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

# BMSG_ARCHIVE_ENTRIES=1000003 for the long run.
ENTRIES = int(os.environ.get("BMSG_ARCHIVE_ENTRIES") or 3000)


def filled(place):
    ana = stores.new_chain(place / "ana", "ana")
    for number in range(3):
        ana.run("send", "-m", f"text {number}", ana.text("id"))
        ana.run("mine", "--no-relay")
    ana.text("inbox")  # Fills the index.
    ana.run("send", "-m", "still waiting", ana.text("id"))
    return ana


def restored(place, name, archive, **options):
    ana = stores.Store(place / name)
    subprocess.run([stores.PROGRAM, "restore", str(archive), str(place / name)], check=True,
                   env=ana.environment, capture_output=True, **options)
    return ana


def check_whole(ana, place):
    archive = place / "ana.tar"
    ana.run("backup", archive)
    assert archive.stat().st_mode & 0o777 == 0o600
    ana.run("backup", archive, exits=(73,))
    ana.run("backup", place / "no" / "dir.tar", exits=(73,))
    back = restored(place, "back", archive)
    assert back.text("id") == ana.text("id")
    texts = [one["subject"] or one["body"] for one in back.objects("inbox", "--bodies")]
    assert sorted(texts) == ["still waiting"] + [f"text {n}" for n in range(3)], texts
    assert back.text("verify", "--full").split(" (")[0] == ana.text("verify", "--full").split(" (")[0]
    cards = [one for one in back.objects("outbox") if one["state"] == "queued"]
    assert len(cards) == 2, cards  # What waited, and a fresh card.
    old, new = ana.objects("id")[0]["card"]["seq"], back.objects("id")[0]["card"]["seq"]
    assert new > old + 100, (old, new)
    back.run("mine", "--no-relay")
    assert all(one["block"] for one in back.objects("inbox")), "what waited is in no block"
    piped = restored(place, "piped", "-", input=ana.run("backup", "-"))
    assert piped.text("id") == ana.text("id")
    return archive


def chunks(store, shelf):
    place = store.directory / "blobs" / shelf
    return {file.relative_to(place): file.read_bytes() for file in place.glob("?/[!.]*")}


def check_files(place):
    """A file that was sent outlives its store: the restored one gives it to whoever may read it."""
    ana = stores.Store(place / "giver")
    ana.run("init", ana.directory, "--name", "ana", "--floor", 8, "--stamp", 0, "--no-passphrase")
    ben = stores.joined(place / "ben", "ben", ana.directory / "genesis")
    ana.run("contact", "add", "ben", "-", input=ben.run("id", "--card"))
    file = place / "big"
    file.write_bytes(os.urandom(1 << 20))
    message = ana.text("send", "-m", "with a file", "-a", file, "ben")
    own = chunks(ana, "own")
    assert len(own) == 5, "a megabyte is four chunks, and one lists them"
    # What others gave is a cache, and what no chunk is called like is no chunk.
    cached = ana.directory / "blobs" / "kept" / next(iter(own))
    cached.parent.mkdir(parents=True, exist_ok=True)
    cached.write_bytes(b"of others")
    folder, name = next(iter(own)).parts
    (ana.directory / "blobs" / "own" / folder / "stray").write_bytes(b"x")
    past = name[:129] + f"{1:09x}" + name[138:]  # The same, but expired.
    (ana.directory / "blobs" / "own" / folder / past).write_bytes(b"x")
    ana.run("backup", place / "giver.tar")
    shutil.rmtree(ana.directory)
    back = restored(place, "giver2", place / "giver.tar")
    assert chunks(back, "own") == own and not chunks(back, "kept")
    back.run("mine", "--no-relay")
    with back.served() as url:
        ben.run("sync", url)
        ben.run("peers", "add", url)
        got = ben.run("cat", "--file", 0, message)
    assert got == file.read_bytes() and got == back.run("cat", "--file", 0, message)
    return next(iter(own))


def check_without_keys(ana, place):
    archive = place / "nokeys.tar"
    ana.run("backup", "--no-keys", archive)
    secret = (ana.directory / "keys" / "node.key").read_bytes()
    assert secret not in archive.read_bytes()
    back = restored(place, "nokeys", archive)
    back.run("id", exits=(66,))
    back.run("verify")
    with back.served():
        pass


def check_damaged_store(ana, place):
    """No archive takes the place of a good one: chain and index are read through."""
    for part in ("chain", "mail"):
        hit = 0
        broken = ana.copy_to(place / f"broken_{part}")
        for file in (broken.directory / part).iterdir():
            if file.suffix == ".sst":
                content = bytearray(file.read_bytes())
                content[len(content) // 3] ^= 0x10
                file.write_bytes(content)
                hit += 1
        if hit == 0:  # Small: all is in the log still.
            (broken.directory / part / "CURRENT").write_text("MANIFEST-999999\n")
        broken.run("backup", place / "broken.tar", exits=(65,))
        assert not (place / "broken.tar").exists()


def workplaces(store):
    return [file for pattern in ("backup.*", ".backup.*")
            for file in (store.directory / "run").glob(pattern)]


def check_killed(ana, place):
    """What a killed backup has left is in the way of nobody, whose number it had or not; and what
    another is at work at stays."""
    run = ana.directory / "run"
    held = run / ".backup.abcdef"
    for left in (run / ".backup.ghijkl", held):
        (left / "store" / "chain").mkdir(parents=True)
        (left / "bmsg-unfinished.lock").touch()
    with open(held / "bmsg-unfinished.lock", "rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # The same number as that of an older bmsg that was killed, as in a container.
        words = shlex.join(map(str, ana.words("backup", place / "killed.tar")))
        subprocess.run(["sh", "-c", f"""at={shlex.quote(str(run))}/backup.$$
                        mkdir "$at" "$at/mail" "$at/chain" && touch "$at/witness" "$at/chain/CURRENT"
                        touch "$at/mail/CURRENT"
                        exec {words}"""], check=True, env=ana.environment)
        assert workplaces(ana) == [held], workplaces(ana)
    ana.run("backup", place / "after.tar")
    assert workplaces(ana) == []
    for name in ("killed", "after"):
        restored(place, name, place / f"{name}.tar").run("verify", "--full")


def with_file(archive, name, content):
    """The archive again with other bytes in one file, which its sums fit."""
    out, sums = io.BytesIO(), ""
    with tarfile.open(archive) as tar, tarfile.open(fileobj=out, mode="w") as made:
        for member in tar:
            data = content if member.name == name else tar.extractfile(member).read()
            if member.name == "SHA512SUMS":
                data = sums.encode()
            sums += f"{hashlib.sha512(data).hexdigest()}  {member.name}\n"
            info = tarfile.TarInfo(member.name)
            info.size, info.mode = len(data), member.mode
            made.addfile(info, io.BytesIO(data))
    return out.getvalue()


def check_damaged_index(archive, place):
    """Of an older backup: the index alone is no reason to have nothing."""
    bad = place / "index.tar"
    bad.write_bytes(with_file(archive, "mail/CURRENT", b"MANIFEST-999999\n"))
    back = stores.Store(place / "index")
    done = subprocess.run([stores.PROGRAM, "restore", str(bad), str(back.directory)],
                          env=back.environment, capture_output=True, check=False)
    (aside,) = back.directory.glob("mail.damaged-*")
    assert done.returncode == 3 and f"kept as '{aside}'" in done.stderr.decode(), done
    texts = [one["subject"] or one["body"] for one in back.objects("inbox", "--bodies")]
    assert {f"text {n}" for n in range(3)} <= set(texts), texts
    back.run("verify", "--full")
    assert back.text("repair") == ""


def check_under_load(ana, place):
    """Copies taken at any moment while blocks are made: each verifies and is a part of the chain."""
    load = ana.start("mine", "--loop", "--allow-empty", "--no-relay")
    try:
        for turn in range(5):
            archive = place / f"load{turn}.tar"
            ana.run("backup", archive)
            back = restored(place, f"load{turn}", archive)
            back.run("verify", "--full")
            tip = back.objects("log", "-n", 1)[0]
            assert ana.text("rev-parse", str(tip["height"])) == tip["hash"]
        assert tip["height"] > 3, "nothing was mined meanwhile"
    finally:
        load.terminate()
        load.communicate(timeout=20)
    assert workplaces(ana) == []


def refuses(place, archive_bytes, code):
    target = place / "refused"
    done = subprocess.run([stores.PROGRAM, "restore", "-", str(target)], input=archive_bytes,
                          env=stores.environment(place), capture_output=True, check=False)
    assert done.returncode == code, (done.returncode, done.stderr)
    assert not target.exists() and not list(place.glob(".refused*")), "something was left"
    return done.stderr


def check_damage(archive, place, numbers):
    good = archive.read_bytes()
    places = paddings(good)
    assert len(places) > 10, "hardly a file is padded"
    for at in [numbers.randrange(len(good) - 1024) for _ in range(8)] + numbers.sample(places, 8):
        bad = bytearray(good)  # The last 1,024 are the end's zeros, which nobody reads.
        bad[at] ^= 1 << numbers.randrange(8)
        target = place / "flip"
        done = subprocess.run([stores.PROGRAM, "restore", "-", str(target)], input=bytes(bad),
                              env=stores.environment(place), capture_output=True, check=False)
        assert done.returncode in (65, 78), (at, done.returncode, done.stderr)
        assert not target.exists(), at
    for cut in (0, 512, len(good) // 2, len(good) - 1500):
        refuses(place, good[:cut], 65)


def paddings(good):
    """Where the bytes lie that follow a file's own up to the next whole block."""
    places = []
    with tarfile.open(fileobj=io.BytesIO(good)) as tar:
        for member in tar:
            end = member.offset_data + member.size
            places += range(end, end + -member.size % 512)
            if member.offset_data - member.offset > 512:  # The extended header of a long path.
                text = good[member.offset + 512:member.offset_data - 512]
                places += range(member.offset + 512 + len(text.rstrip(b"\0")),
                                member.offset_data - 512)
    return places


def hostile(good, change):
    """The archive again by another program, with something in it that does not belong."""
    out = io.BytesIO()
    with tarfile.open(fileobj=io.BytesIO(good)) as tar, \
            tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as made:
        for member in tar:
            if len(member.name) > 100:
                continue
            if member.name == "SHA512SUMS":
                change(made)
            made.addfile(tarfile.TarInfo.frombuf(member.tobuf(tarfile.USTAR_FORMAT), "utf-8",
                                                 "strict"), tar.extractfile(member))
    return out.getvalue()


def check_hostile(archive, place, chunk):
    good = archive.read_bytes()
    trap = place / "trap"

    def entry(name, **fields):
        info = tarfile.TarInfo(name)
        for key, value in fields.items():
            setattr(info, key, value)
        return lambda made: made.addfile(info, io.BytesIO(b"x" * min(info.size, 10)))

    for name in ("../trap", str(trap), "keys/../../trap", "chain/a/b", "run/node.sock", "ballast",
                 "keys/.", "keys/..", "keys/a\nb", "outbox/new/../x", "other"):
        assert b"belongs to no store" in refuses(place, hostile(good, entry(name, size=1)), 65)
    check_chunk_paths(good, place, chunk)
    for kind in (tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.CHRTYPE):
        refuses(place, hostile(good, entry("keys/x", type=kind, linkname=str(trap))), 65)
    refuses(place, hostile(good, entry("format", size=1)), 65)  # Twice.
    huge = tarfile.TarInfo("chain/huge.sst")
    huge.size = 8 ** 11 - 1
    if os.statvfs(place).f_bavail * os.statvfs(place).f_frsize < huge.size:
        refuses(place, good[:1024] + huge.tobuf(tarfile.USTAR_FORMAT), 74)
    refuses(place, b"x" * 10240, 65)
    check_sparse(good, place)
    assert not trap.exists()
    (place / "full").mkdir()
    (place / "full" / "mine").write_text("kept")
    done = subprocess.run([stores.PROGRAM, "restore", str(archive), str(place / "full")],
                          env=stores.environment(place), capture_output=True, check=False)
    assert done.returncode == 73 and (place / "full" / "mine").read_text() == "kept"


def check_chunk_paths(good, place, chunk):
    """Below blobs only a chunk of our own in its folder; `chunk`: such a one, as FOLDER/NAME."""
    folder, name = chunk.parts
    other = "0" if folder != "0" else "1"

    def said_of(path):
        info = tarfile.TarInfo(path)
        info.size = 1
        return refuses(place, good[:1024] + info.tobuf(tarfile.PAX_FORMAT) + b"x", 65)

    assert b"too early" in said_of(f"blobs/own/{folder}/{name}"), "the right path is none"
    for path in ("x", name, f"own/{name}", f"own/{other}/{name}", f"own/{folder}/{name}x",
                 f"own/{folder}/{name[:-1]}", f"own/{folder}/.{name}", f"own/{folder}/{name}/x",
                 f"own/{folder}/{name[:130].upper()}{name[130:]}", f"own/{folder}/../{name}",
                 f"own//{name}", "own/../trap", f"own/{folder}/", f"own/{folder}",
                 f"own/{folder}/{folder}", f"own/x/x{name[1:]}", f"kept/{folder}/{name}",
                 f"fetched/{folder}/{name}", f"upload-1/{name}", f"../blobs/own/{folder}/{name}"):
        assert b"belongs to no store" in said_of(f"blobs/{path}"), path


def check_sparse(good, place):
    """A terabyte of nothing in a few bytes, in each way that archives have for it."""
    terabyte = 1 << 40
    mark = good[:1024]
    old = bytearray(tarfile.TarInfo("chain/x.sst").tobuf(tarfile.GNU_FORMAT))
    old[156:157] = b"S"
    old[483:495] = b"%011o\0" % (terabyte & 0o77777777777)
    binary = bytearray(tarfile.TarInfo("chain/x.sst").tobuf(tarfile.USTAR_FORMAT))
    binary[124:136] = b"\x80" + terabyte.to_bytes(11, "big")
    for block in (old, binary):
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        refuses(place, mark + bytes(block) + bytes(1024), 65)
    for headers in ({"size": str(terabyte)}, {"GNU.sparse.major": "1", "GNU.sparse.minor": "0",
                                              "GNU.sparse.realsize": str(terabyte)}):
        info = tarfile.TarInfo("chain/x.sst")
        info.pax_headers = headers
        refuses(place, mark + info.tobuf(tarfile.PAX_FORMAT) + bytes(1024), 65)


def check_many(archive, place):
    """Entries without end are refused at a million, or where their sums are missing: nothing stays
    and little is kept in memory."""
    info = tarfile.TarInfo("cards/x")
    target = place / "many"
    with subprocess.Popen([stores.PROGRAM, "restore", "-", str(target)], stdin=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=stores.environment(place)) as process:
        process.stdin.write(archive.read_bytes()[:1024])
        for number in range(ENTRIES):
            info.name = f"cards/{number}"
            try:
                process.stdin.write(info.tobuf(tarfile.USTAR_FORMAT))
            except BrokenPipeError:
                break
        process.stdin.close()
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 65, (process.returncode, said)
    assert b"too many files" in said if ENTRIES > 1_000_001 else b"too early" in said, said
    memory = stores.peak_memory(usage)
    assert memory < 600 << 20, f"{memory} bytes of memory"
    assert not target.exists() and not list(place.glob(".many*")), "something was left"


def check_locked(place):
    secret = place / "secret"
    secret.write_text("correct horse")
    eve = stores.Store(place / "eve")
    eve.run("init", eve.directory, "--floor", 8, "--stamp", 1, "--passphrase-file", secret)
    eve.run("backup", place / "eve.tar")  # Needs no passphrase.
    done = subprocess.run([stores.PROGRAM, "restore", str(place / "eve.tar"), str(place / "eve2")],
                          env=eve.environment, capture_output=True, check=False)
    assert done.returncode == 3 and b"no fresh card" in done.stderr, done
    assert stores.Store(place / "eve2").text("id", "--passphrase-file", secret) == \
        eve.text("id", "--passphrase-file", secret)


def main():
    numbers = stores.seeded_random()
    with stores.workplace() as place:
        ana = filled(place)
        archive = check_whole(ana, place)
        check_damage(archive, place, numbers)
        check_hostile(archive, place, check_files(place))
        check_many(archive, place)
        check_without_keys(ana, place)
        check_damaged_store(ana, place)
        check_locked(place)
        check_damaged_index(archive, place)
        check_killed(ana, place)
        check_under_load(ana, place)


main()
