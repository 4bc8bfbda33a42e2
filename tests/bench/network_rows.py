"""What a node gives to others: whole chains, ranges of blocks, small answers, and its memory."""
import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import statistics
import subprocess
import threading
import time

import raw_http
import stores
import sync_rows
import web
from report import Row, medians, seconds_of

RANGE = 16
IDLE = 1000
KIB, MIB = 1 << 10, 1 << 20
UNLIMITED = {"limits.requests": 10**6, "limits.requests_at_once": 1000,
             "limits.bytes_out": 1 << 40, "limits.subnet_connections": 2 * IDLE}


@contextlib.contextmanager
def serving(store):
    """A node without the limits that are for strangers; its URL and its process."""
    store.run("config", "set", *next(iter(UNLIMITED.items())))
    for name, value in UNLIMITED.items():
        store.run("config", "set", name, value)
    server = store.start("serve", "--listen", "127.0.0.1:0", "--sync-every", "0")
    try:
        yield stores.read_line(server.stdout, 60).removeprefix("listening "), server
    finally:
        server.terminate()
        assert server.wait(60) == 0, server.stderr.read()
        server.stdout.close()
        server.stderr.close()


def wrk(url, paths, seconds, connections=16):
    """Requests and bytes a second of one thread; any answer but 200 ends the bench."""
    script = pathlib.Path(__file__).with_name("paths.lua")
    _, printed = seconds_of(["wrk", "-t", 1, "-c", connections, "-d", f"{seconds}s", "-s", script,
                             url, "--", *paths])
    text = printed.decode()
    assert "Non-2xx" not in text and "Socket errors" not in text, text
    requests = float(re.search(r"Requests/sec:\s+([0-9.]+)", text)[1])
    size, unit = re.search(r"Transfer/sec:\s+([0-9.]+)(\w*B)", text).groups()
    return requests, float(size) * {"B": 1, "KB": KIB, "MB": MIB, "GB": KIB * MIB}[unit]


def alternating(sides, rounds):
    """The median of each side's figures, measured in turn."""
    found = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            found[name].append(side())
    return {name: sorted(values)[len(values) // 2] for name, values in found.items()}


def answers(options, places):
    """Ranges of blocks and small answers beside nginx, which sends the same bytes from files. What
    never changes has been asked for before, and is kept; ranges that may change are made anew."""
    count = 10_000 if options.quick else 100_000
    store = places.foreign(count)
    top = store.objects("status")[0]["height"]
    ranges = [f"/bmsg/1/blocks/{first}/{RANGE}"
              for first in range(RANGE, top - 2 * RANGE, RANGE)][:50]
    made = [path.removesuffix(str(RANGE)) + str(RANGE - 1) for path in ranges]
    seconds, rounds = (1, 1) if options.quick else (3, 3)
    with stores.workplace() as place, serving(store) as (url, _):
        place.chmod(0o755)
        for path in (*ranges, "/bmsg/1/info"):
            _, body = seconds_of(["curl", "-sf", url + path])
            file = pathlib.Path(f"{place}/files{path}")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(body)
        small = place / "files/small"
        small.write_bytes(b"x" * 200)
        with web.nginx(place / "nginx", f"root {place}/files; access_log off;") as port:
            its = f"http://127.0.0.1:{port}"
            done = alternating({
                "ours": lambda: wrk(url, ranges, seconds)[1] / MIB,
                "made": lambda: wrk(url, made, seconds)[1] / MIB,
                "nginx": lambda: wrk(its, ranges, seconds)[1] / MIB,
                "info": lambda: wrk(url, ["/bmsg/1/info"], seconds)[0],
                "feed": lambda: wrk(url, ["/bmsg/1/feed"], seconds)[0],
                "small": lambda: wrk(its, ["/small"], seconds)[0],
            }, rounds)
    yield Row(f"ranges of {RANGE} blocks served", "MiB/s", done["ours"], "nginx, the same files",
              done["nginx"], 0.5, True)
    yield Row(f"ranges of {RANGE - 1} blocks made anew", "MiB/s", done["made"], "", None, None,
              True)
    for name in ("info", "feed"):
        yield Row(f"small answers ({name})", "requests/s", done[name], "nginx, 200 bytes",
                  done["small"], 0.5, True)


def cpu_of(process):
    """Seconds of all cores that a running process has used."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(") ", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stage_costs(places, count):
    """What each stage of taking the chain in costs, by itself."""
    with stores.workplace() as place:
        _, printed = seconds_of([places.tools / "bench_blocks", "stages", place / "store",
                                 places.bundle(count)])
    for stage, cost in json.loads(printed).items():
        yield Row(f"CPU of a first sync: {stage}", "us a message", cost)


def first_sync(options, places):
    """A whole chain over loopback; the reference only fetches the same ranges."""
    count = 10_000 if options.quick else 100_000
    store = places.foreign(count)
    top = store.objects("status")[0]["height"]
    spent = {"client": [], "server": []}
    with stores.workplace() as place, serving(store) as (url, server):
        number = [0]

        def sync():
            number[0] += 1
            before = cpu_of(server)
            new = stores.joined(place / f"new{number[0]}", "new", store.directory / "genesis")
            children = resource.getrusage(resource.RUSAGE_CHILDREN)
            took, _ = seconds_of(new.words("sync", url), env=new.environment)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent["client"].append(after.ru_utime + after.ru_stime
                                   - children.ru_utime - children.ru_stime)
            spent["server"].append(cpu_of(server) - before)
            assert new.objects("status")[0]["tip"] == store.objects("status")[0]["tip"]
            shutil.rmtree(new.directory)
            return took

        def curl():
            words = ["curl", "-sf", "--parallel-max", 1]
            for first in range(1, top + 1, RANGE):
                words += ["-o", "/dev/null", f"{url}/bmsg/1/blocks/{first}/{RANGE}"]
            return seconds_of(words)[0]

        took = medians({"sync": sync, "curl": curl}, 1 if options.quick else 3)
    yield Row(f"first sync of {count:,} messages", "s", took["sync"], "curl of the same ranges",
              took["curl"], 3)
    for side, seconds in spent.items():
        yield Row(f"CPU of a first sync: {side}, all of it", "us a message",
                  statistics.median(seconds) * 1e6 / count)
    yield from stage_costs(places, count)


def resident(process):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", text)[1]) * KIB


def idle_memory(options, places):
    """A node that rests, alone and with many who only stay connected."""
    store = places.foreign(10_000)
    peers = 100 if options.quick else IDLE
    with serving(store) as (url, server):
        address = raw_http.address_of(url)
        raw_http.probe(address)
        alone = resident(server)
        with contextlib.ExitStack() as stack:
            raw_http.more_descriptors()
            for _ in range(peers):
                wire = stack.enter_context(socket.create_connection(address, timeout=20))
                wire.sendall(raw_http.get("/bmsg/1/info"))
                assert wire.recv(64).startswith(b"HTTP/1.1 200"), "a peer is not answered"
            with_peers = resident(server)
    yield Row("memory of serve, idle", "MiB", alone / MIB, "", None, 24)
    yield Row(f"memory of each of {peers:,} idle peers", "KiB", (with_peers - alone) / peers / KIB,
              "", None, 32)


def sync_memory(options, places):
    """The most that a first sync of a big chain holds."""
    messages = 10_000 if options.quick else 100_000
    bundle = places.directory / f"wide-{messages}"
    if not bundle.exists():
        with open(f"{bundle}.part", "wb") as out:
            subprocess.run([places.tools / "long_chain", str(messages // 100), "100", "0", "10200"],
                           stdout=out, check=True)
        os.replace(f"{bundle}.part", bundle)
    with stores.workplace() as place:
        source = stores.Store(place / "source")
        source.run("clone", bundle, source.directory, "--no-passphrase", timeout=3600)
        size = bundle.stat().st_size
        new = stores.joined(place / "new", "new", source.directory / "genesis")
        with serving(source) as (url, _):
            running = new.start("sync", url)
            most = [0]

            def watch():
                while running.poll() is None:
                    with contextlib.suppress(OSError, TypeError):
                        most[0] = max(most[0], resident(running))
                    time.sleep(0.02)

            watcher = threading.Thread(target=watch)
            watcher.start()
            running.communicate(timeout=3600)
            watcher.join()
        assert running.returncode == 0 and most[0] > 0
        assert new.objects("status")[0]["tip"] == source.objects("status")[0]["tip"]
    yield Row(f"memory of a first sync of {size / MIB:,.0f} MiB", "MiB", most[0] / MIB, "", None, 96)


def rows(options, places):
    assert web.NGINX and shutil.which("wrk") and shutil.which("curl"), "needs nginx, wrk and curl"
    for part in (first_sync, answers, idle_memory, sync_memory):
        yield from part(options, places)
    yield from sync_rows.rows(options, places)
