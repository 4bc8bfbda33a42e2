#!/usr/bin/env python3
"""Files of any size beside a message: sent, kept by peers, fetched from several, refused, resumed."""
import contextlib
import hashlib
import http.server
import os
import pathlib
import re
import resource
import shutil
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402
from chunk_liar import Liar  # noqa: E402

CHUNK = 262144
MEMORY_MAX = 64 << 20  # Of one process, whatever the file.
SIZE = int(os.environ.get("BYTES", 1 << 30))  # Of the large one.


def sha512(content):
    return hashlib.sha512(content).hexdigest()


def new_chain(directory, stamp):
    store = stores.Store(directory)
    store.run("init", directory, "--name", "ana", "--floor", 8, "--stamp", stamp,
              "--no-passphrase")
    return store


def pair(work):
    """Ana and Ben on one chain where chunks need no stamp, each with the other's card."""
    ana = new_chain(work / "ana", 0)
    ben = stores.joined(work / "ben", "ben", work / "ana" / "genesis")
    for one, other, name in ((ana, ben, "ben"), (ben, ana, "ana")):
        one.run("contact", "add", name, "-", input=other.run("id", "--card"))
    return ana, ben


def hand_over(ana, ben):
    """Ana's messages, without her chunks."""
    ben.run("bundle", "apply", "-", input=ana.run("bundle", "create", "-", "--pool"))


def copy_blobs(ana, ben, shelf="kept"):
    shutil.copytree(ana.directory / "blobs" / "own", ben.directory / "blobs" / shelf,
                    dirs_exist_ok=True)


def blobs(store, shelf):
    return sorted(file.name for file in (store.directory / "blobs" / shelf).glob("?/[!.]*"))


def check_sizes(work, ana, ben):
    sizes = (0, 1, CHUNK - 1, CHUNK, CHUNK + 1)
    words = []
    for size in sizes:
        file = work / f"file{size}"
        file.write_bytes(os.urandom(size))
        words += ["-a", file]
    told = ana.text("send", "--dry-run", "-m", "five", *words, "ben")
    assert f"{sum(sizes)} bytes in 10 chunks, no stamp is needed" in told, told
    message = ana.text("send", "-m", "five", *words, "ben")
    assert ana.text("read", message, "--body") == "five"
    ana.run("outbox", "flush")
    hand_over(ana, ben)
    into = work / "into"
    ben.run("read", message, "--attachments", into, exits=(66,))  # Not made yet.
    into.mkdir()
    ben.run("read", message, "--attachments", "/proc", exits=(73,))
    ben.run("read", message, "--attachments", into, exits=(66,))  # No chunks yet.
    assert not list(into.iterdir()), "half a file was left"
    copy_blobs(ana, ben)
    [shown] = ben.objects("read", message, "--attachments", into)
    for index, (size, one) in enumerate(zip(sizes, shown["attachments"])):
        content = (work / f"file{size}").read_bytes()
        assert one["index"] == index and one["name"] == one["safe_name"] == f"file{size}", one
        assert (one["size"], one["sha512"]) == (size, sha512(content)), one
        assert pathlib.Path(one["path"]).read_bytes() == content
        assert pathlib.Path(one["path"]).stat().st_mode & 0o777 == 0o600
        assert ben.run("cat", "--file", index, message) == content
        assert ana.run("cat", "--file", index, message) == content
    ben.run("cat", "--file", 5, message, exits=(66,))
    ben.run("cat", "--file", "x", message, exits=(64,))
    # A second time nothing is written over.
    before = {file.name: file.read_bytes() for file in into.iterdir()}
    ben.run("read", message, "--attachments", into)
    assert {name: (into / name).read_bytes() for name in before} == before
    assert len(list(into.iterdir())) == 2 * len(sizes)
    return message


def check_names(work, ana, ben):
    content = b"beware"
    source = work / "source"
    source.write_bytes(content)
    names = ["../../x", "/etc/passwd", "a\nb", "-rf", ".bashrc", "..", "con.txt", "\x1b[31mred",
             "\u202efdp.exe", "x" * 251 + ".pdf", "x", "dot. .", "~root", "a\\b"]
    ids = [ana.text("send", "-m", "named", "-a", source, f"--attach-name={name}", "ben")
           for name in names]
    ana.run("send", "-m", "long", "-a", source, "--attach-name", "x" * 256, "ben", exits=(64,))
    ana.run("outbox", "flush")
    hand_over(ana, ben)
    copy_blobs(ana, ben)
    outer = work / "outer"
    into = outer / "inner" / "into"
    into.mkdir(parents=True)
    (into / "x").symlink_to(work / "elsewhere")
    os.mkfifo(into / "passwd")
    for message in ids:
        ben.run("read", message, "--attachments", into)
    assert not (work / "elsewhere").exists()
    files = [file for file in outer.rglob("*") if file.is_file()]
    assert len(files) == len(names), files
    for file in files:
        assert file.parent == into and file.read_bytes() == content
        assert file.name[0] not in ".-~" and file.name.isprintable() and len(file.name) <= 210
    assert {"x-2", "x-3", "passwd-2", "_rf", "_bashrc", "_con.txt", "attachment"} <= {
        file.name for file in files}, files


def check_words(work, ana):
    file = work / "source"
    for words, code in ((("-a", work / "none", "ben"), 66), (("-a", work, "ben"), 66),
                        (("-a", file, "nobody"), 67), (("--attach-name", "x", "-m", "m", "ben"), 64),
                        (("-a", "-", "-a", "-", "ben"), 64), (("-a", "-", "-F", "-", "ben"), 64),
                        (("-a", file, "-a", file, "--attach-name", "x", "ben"), 64)):
        ana.run("send", *words, exits=(code,), input=b"")
    before = blobs(ana, "own")
    big = work / "big"
    with open(big, "wb") as hole:
        hole.truncate((1 << 30) + 1)
    ana.run("send", "-a", big, "ben", exits=(65,))
    big.unlink()
    # What cannot be sent has cost no work and left nothing.
    assert blobs(ana, "own") == before
    line = f'{{"to":["ben"],"attachments":["{file}"]}}\n{{"to":["ben"],"attachments":["-"]}}\n'
    told = ana.objects("send", "--stdin", input=line.encode(), exits=(3,))
    assert [one["type"] for one in told] == ["queued", "error"], told
    assert len(blobs(ana, "own")) == len(before) + 2


def check_keys(work, ana):
    """A repeat under the same key makes no chunks and prints the same id."""
    file = work / "keyed"
    file.write_bytes(b"once")
    words = ("send", "--key", "k", "-m", "m", "-a", file, "ben")
    first = ana.text(*words)
    there = blobs(ana, "own")
    assert ana.text(*words) == first and blobs(ana, "own") == there
    file.write_bytes(b"twice")
    ana.run(*words, exits=(65,))
    piped = ("send", "--key", "p", "-m", "m", "-a", "-", "ben")
    assert ana.text(*piped, input=b"stream") == ana.text(*piped, input=b"stream")
    ana.run(*piped, input=b"other", exits=(65,))


def peak(command, **options):
    """Runs it to its end; its peak memory in bytes."""
    with subprocess.Popen(command, **options) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, (command, process.returncode)
    return stores.peak_memory(usage)


def send_pipe(ana, size, *words):
    """Sends so many bytes from a pipe; the message, and the peak of memory."""
    reader, writer = os.pipe()
    out = ana.directory.parent / "sent"
    writes = os.fork()
    if writes == 0:
        os.close(reader)
        block = os.urandom(1 << 20)
        for number in range(size >> 20):
            if os.write(writer, number.to_bytes(8, "big") + block[8:]) != 1 << 20:
                os._exit(1)
        os._exit(0)
    os.close(writer)
    with open(out, "wb") as told:
        memory = peak(ana.words("send", "-a", "-", *words, "ben"), stdin=reader, stdout=told,
                      env=ana.environment)
    os.close(reader)
    assert os.waitstatus_to_exitcode(os.waitpid(writes, 0)[1]) == 0
    return out.read_text().strip(), memory


@contextlib.contextmanager
def keepers(work, names, quota="2G"):
    """Stores that keep chunks for others, and their urls."""
    with contextlib.ExitStack() as stack:
        urls, servers = [], []
        for name in names:
            store = stores.joined(work / name, name, work / "ana" / "genesis")
            store.run("config", "set", "blob_quota", quota)
            server = store.start("serve", "--listen", "127.0.0.1:0", "--sync-every", "0")
            stack.callback(end, server)
            urls.append(stores.read_line(server.stdout, 20).removeprefix("listening "))
            servers.append(server)
        yield urls, servers


def end(server):
    if server.poll() is None:
        server.send_signal(signal.SIGTERM)
    server.wait(20)
    server.stdout.close()
    server.stderr.close()


def given_by(told):
    """How many chunks came from each peer, as -v tells."""
    return {url: int(count) for url, count in re.findall(r"(http://\S+): (\d+) chunks", told)}


def check_network(work, ana, ben, size):
    """Through two nodes with a quota, of which one is killed halfway; the download is killed, too."""
    with keepers(work, ("kim", "lea")) as (urls, servers):
        message, memory = send_pipe(ana, size, "-m", "big", "--attach-name", "big.bin")
        print(f"send: {memory >> 20} MiB at most", flush=True)
        assert memory <= MEMORY_MAX, memory
        count = size // CHUNK
        for url in urls:
            ana.run("peers", "add", url)
            ben.run("peers", "add", url)
        began = time.monotonic()
        ana.run("sync", timeout=600)
        print(f"given to two in {time.monotonic() - began:.1f} s", flush=True)
        for name in ("kim", "lea"):
            kept = blobs(stores.Store(work / name), "kept")
            assert len(kept) >= count + 1, (name, len(kept))
        ben.run("sync")
        into = work / "fetched"
        into.mkdir()
        words = ben.words("-v", "read", message, "--attachments", into)
        with subprocess.Popen(words, env=ben.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as download:
            while len(blobs(ben, "fetched")) < count // 4:
                assert download.poll() is None, download.stderr.read()
                time.sleep(0.02)
            download.kill()
        had = len(blobs(ben, "fetched"))
        assert count // 4 <= had <= count, had
        assert [file.name[0] for file in into.iterdir()] in ([], ["."]), "half a file has a name"
        with subprocess.Popen(words, env=ben.environment, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE) as download:
            while len(blobs(ben, "fetched")) < had + (count - had) // 3:
                assert download.poll() is None, download.stderr.read()
                time.sleep(0.02)
            servers[1].kill()
            out, told = download.communicate(timeout=600)
            assert download.returncode == 0, told
        told = told.decode()
        given = given_by(told)
        fetched = sum(given.values())
        assert fetched <= count - had + count // 20, (fetched, count, had)
        assert set(given) == set(urls) and min(given.values()) > 0, told
        saved = into / "big.bin"
        assert f"saved   {saved}" in out.decode(), out
        want = ana.objects("read", message)[0]["attachments"][0]["sha512"]
        with open(saved, "rb") as file:
            assert hashlib.file_digest(file, "sha512").hexdigest() == want
        assert saved.stat().st_size == size
        assert not list((ben.directory / "blobs" / "fetched").glob("?/*")), "the store kept what it has no quota for"
        saved.unlink()
        # From the one that is left, as a stream.
        out = work / "stream"
        with open(out, "wb") as stream:
            memory = peak(ben.words("cat", "--file", 0, message), stdout=stream, env=ben.environment)
        print(f"cat: {memory >> 20} MiB at most", flush=True)
        assert memory <= MEMORY_MAX, memory
        with open(out, "rb") as file:
            assert hashlib.file_digest(file, "sha512").hexdigest() == want
        out.unlink()
    served = stores.peak_memory(resource.getrusage(resource.RUSAGE_CHILDREN))
    print(f"any process: {served >> 20} MiB at most", flush=True)
    assert served <= MEMORY_MAX, served


def check_damage(work, ana, ben):
    """A chunk that is damaged here is as good as absent; nothing of the file is written."""
    file = work / "honest"
    file.write_bytes(os.urandom(3 * CHUNK))
    message = ana.text("send", "-m", "m", "-a", file, "ben")
    ana.run("outbox", "flush")
    hand_over(ana, ben)
    copy_blobs(ana, ben)
    names = sorted((ben.directory / "blobs" / "kept").glob("?/*"), key=lambda one: one.stat().st_mtime)
    hit = 0
    for one in names:
        content = bytearray(one.read_bytes())
        if len(content) > CHUNK:
            content[-1] ^= 1
            one.write_bytes(content)
            hit += 1
    assert hit >= 3
    into = work / "lied"
    into.mkdir()
    ben.run("read", message, "--attachments", into, exits=(66,))
    assert not list(into.iterdir())
    assert ben.run("cat", "--file", 0, message, exits=(66,)) == b""


def check_lying_peer(work, ana, ben):
    """What it gives is not taken, and the file comes from the one who is honest."""
    file = work / "true"
    file.write_bytes(os.urandom(5 * CHUNK))
    message = ana.text("send", "-m", "m", "-a", file, "ben")
    ana.run("outbox", "flush")
    hand_over(ana, ben)
    turned = bytearray(next((ana.directory / "blobs" / "own").glob("?/[!.]*")).read_bytes())
    turned[-1] ^= 1
    Liar.lies = [bytes(turned), b"nothing"]
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar) as liar:
        threading.Thread(target=liar.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{liar.server_port}"
        ben.run("peers", "add", "--no-probe", url)
        ben.run("cat", "--file", 0, message, exits=(66,))
        assert Liar.told > 0, "nobody asked the liar"
        with keepers(work, ("nan",)) as (urls, _):
            ana.run("sync", urls[0])
            ben.run("peers", "add", urls[0])
            assert ben.run("cat", "--file", 0, message) == file.read_bytes()
            ben.run("peers", "rm", urls[0])
        liar.shutdown()
    ben.run("peers", "rm", url)


def check_resume(work):
    """A send that is killed goes on where it was; with other content it has another key."""
    ana = new_chain(work / "slow", 8)
    file = work / "slow.bin"
    file.write_bytes(os.urandom(6 * CHUNK))
    words = ("send", "--expires", "2d", "-m", "m", "-a", file, ana.text("id"))
    sending = ana.start(*words)
    upload = ana.directory / "blobs"
    done = []
    while len(done) < 3:
        assert sending.poll() is None, sending.stderr.read()
        time.sleep(0.005)
        done = [one for one in upload.glob("upload-*/*") if len(one.name) > 140]
    sending.kill()
    sending.communicate()
    done = {one.name for one in upload.glob("upload-*/*") if len(one.name) > 140}
    assert not (ana.directory / "outbox" / "new").exists() or \
        len(list((ana.directory / "outbox" / "new").iterdir())) <= 1, "queued before it was whole"
    message = ana.text(*words)
    own = set(blobs(ana, "own"))
    # The last one may have been cut short.
    assert len(own) == 7 and len(done & own) >= len(done) - 1, (len(own), len(done & own))
    assert ana.run("cat", "--file", 0, message) == file.read_bytes()
    assert not list(upload.glob("upload-*")), "the upload was not tidied"
    ana.text(*words)
    assert len(own & set(blobs(ana, "own"))) == 7 and len(blobs(ana, "own")) == 14, "a key was used twice"


def check_quota(work, ana):
    """A node takes as much as it said, and no more."""
    ana.run("config", "set", "sync.timeout", "30s")
    file = work / "much"
    file.write_bytes(os.urandom(6 * CHUNK))
    ana.run("send", "-m", "m", "-a", file, ana.text("id"))
    with keepers(work, ("max",), quota="1M") as (urls, _):
        ana.run("sync", urls[0])
        kept = blobs(stores.Store(work / "max"), "kept")
        assert 0 < sum(int(name.split("-")[2], 16) for name in kept) <= 1 << 20, kept
    with keepers(work, ("nil",), quota="0") as (urls, _):
        ana.run("sync", urls[0])
        assert not blobs(stores.Store(work / "nil"), "kept")


def main():
    with stores.workplace() as work:
        ana, ben = pair(work)
        check_sizes(work, ana, ben)
        check_names(work, ana, ben)
        check_words(work, ana)
        check_keys(work, ana)
        check_damage(work, ana, ben)
        check_lying_peer(work, ana, ben)
        check_resume(work)
        check_quota(work, ana)
    with stores.workplace() as work:
        check_network(work, *pair(work), SIZE)


main()
