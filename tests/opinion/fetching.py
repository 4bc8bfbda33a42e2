"""Mirrors with good and bad blocks: ours joins from there, theirs reads the files."""
import contextlib
import functools
import http.server
import json
import re
import shutil
import subprocess
import threading
import time

import arithmetic
import breaking
import coding
import opine
import stores
from judge import Chain
from worlds import agree, standing_of


def now():
    return int(time.time())


@contextlib.contextmanager
def web_server(directory):
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=directory)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def check_mirrors(place, store, numbers, rounds):
    """Who joins from a mirror tree that somebody altered."""
    store.run("config", "set", "max_reorg", 1)
    store.run("mirror", place / "tree")
    text = (place / "tree/bmsg/1/genesis").read_bytes()
    files = sorted((place / "tree/bmsg/1/blocks").glob("*/16"))
    assert len(files) == 2, files
    with web_server(place) as url:
        for turn in range(rounds):
            file = numbers.choice(files)
            good = file.read_bytes()
            frames = coding.decode_pack(good, needs_end=False)
            at = numbers.randrange(16)
            if turn % 8:
                frames[at] = ("B", breaking.spoil_bytes(frames[at][1], numbers))
            file.write_bytes(coding.encoded_pack(frames, with_end=False))
            compare_mirror("mirror", place / "tree", f"{url}/tree", text, file.read_bytes())
            file.write_bytes(good)


def compare_mirror(what, tree, url, text, data, how=""):
    """Ours joins from there, theirs reads the files; the rule that ours names, and theirs."""
    line, _ = opine.opinion(text, tree, now())
    joiner = stores.Store(tree.with_name("joiner"))
    words = [stores.PROGRAM, "clone", url, joiner.directory, "--no-identity", "--no-passphrase"]
    done = subprocess.run(words, capture_output=True, check=False, env=joiner.environment,
                          timeout=60)
    said = done.stderr.decode()
    is_good = done.returncode == 0 and "accept {} {} {}".format(*standing_of(joiner)) == line
    agree(what, "accept" if is_good else "refuse", line.split()[0], data, f"{how} {line}, {said}")
    shutil.rmtree(joiner.directory, ignore_errors=True)
    named = re.search(r"the rule '?(\w+)", said)
    return named and named[1], line.split()[2].strip(":")


def good_line(world, chain, count):
    """Blocks from the first on; endorsers change their rules in the sixth."""
    line = [chain.tip.header.encoded() + b"\0"]
    world.maker.chain = chain
    for number in range(count):
        draft = world.maker.draft(chain.tip)
        if number == 5 and not chain.is_pow:
            breaking.charter_breaks(world.maker, draft)["good charter"]()
        line.append(world.maker.finished(draft))
        assert chain.take(line[-1], now()) == "ok"
    return line


def check_fetches(world, rounds):
    """Who joins from a mirror whose last block is one of ours, good or broken in one place."""
    chain, place = Chain(world.text), world.store.directory.with_name(f"{world.name}-web")
    place.mkdir()
    world.store.run("mirror", place / "tree")
    line = good_line(world, chain, 30)
    world.recent = [chain.tip]
    base = place / "tree" / "bmsg" / "1"
    (base / "blocks" / "0").mkdir(parents=True)
    (base / "blocks" / "16").mkdir()
    info = json.loads((base / "info").read_bytes())
    with web_server(place) as url:
        for _ in range(rounds):
            data, names = world.block(chain)
            header = coding.read_header(coding.Reader(data + bytes(256)))
            more = arithmetic.work(header.bits) if chain.is_pow else 1
            claim = {"height": 31, "tip": header.hash().hex(), "time": header.time,
                     "work": f"{min(chain.tip.work + more, 2 ** 256 - 1):064x}", "now": header.time}
            (base / "info").write_text(json.dumps(info | claim))
            for first in (0, 16):
                frames = [("B", one) for one in [*line, data][first:first + 16]]
                (base / "blocks" / str(first) / "16").write_bytes(
                    coding.encoded_pack(frames, with_end=False))
            ours, theirs = compare_mirror(f"{world.name} fetch", place / "tree", f"{url}/tree",
                                          world.text, data, ", ".join(names))
            if ours:  # The last block is the only bad one.
                agree(f"{world.name} fetch's rule", ours, theirs, data)
