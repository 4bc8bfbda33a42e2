#!/usr/bin/env python3
"""Mirrors behind real web servers: nginx as a file server, for a whole clone too, and as a cache
before serve, TLS by the system's authorities, and a chain long enough for a file of headers."""
import pathlib
import shutil
import subprocess
import sys
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import moved_clock  # noqa: E402
import stores  # noqa: E402
import web  # noqa: E402

DEPTH = 4  # max_reorg
LONG = 2110  # Blocks: more than one range of headers.
LOOK_BACK = 16  # Blocks below our tip whose headers are asked for with the new ones.
FLEETING = ("info", "feed", "peers")  # What a node is asked for that is no part of the chain.


def mine(store, count):
    store.run("mine", "--allow-empty", "--no-relay", "-n", count)


def sync(store, url, code=0, **extra):
    """What sync complains of."""
    done = subprocess.run(store.words("sync", url), capture_output=True, timeout=60, check=False,
                          env=store.environment | extra)
    assert done.returncode == code, (url, done)
    return done.stderr.decode()


def check_file_server(ana, fresh, tree, place):
    ben = fresh.copy_to(place / "ben-files")
    with web.nginx(place / "nginx-files", f"root {place};") as port:
        sync(ben, f"http://127.0.0.1:{port}/{tree.name}/")
        assert "404" in sync(ben, f"http://127.0.0.1:{port}/nowhere", 76)
    tip = ana.text("mirror", tree, "--json")
    assert f'"height":{ben.objects("status")[0]["height"]},' in tip, tip
    assert ben.text("verify", "--full").startswith("OK ")


def is_of_tail(path, top, tail):
    """Whether what was asked is about blocks above `top`, or about none. The headers begin a little
    below: that is how it is seen that both sides are on one branch."""
    kind, _, rest = path.removeprefix("/bmsg/1/").partition("/")
    if kind in ("blocks", "headers"):
        return int(rest.split("/")[0]) > top - (LOOK_BACK if kind == "headers" else 0)
    return rest.split("?")[0] in tail if kind == "block" else kind.split("?")[0] in FLEETING


def check_clone(ana, tree, place):
    """All that lasts comes from files; the node itself is asked for the newest blocks alone."""
    top = ana.objects("mirror", tree)[0]["height"]
    ana.run("send", "--public", "-m", "newest of all")
    mine(ana, 1)
    tip = ana.text("rev-parse", "tip")
    tail = ana.text("rev-list", f"{top}..tip").split()
    assert 1 < len(tail) < 16 < top, (top, tail)

    authority = web.Authority(place / "authority-clone")
    ben = stores.Store(place / "ben-clone")
    ben.environment["SSL_CERT_FILE"] = str(authority.certificate)
    files = web.nginx(place / "nginx-clone", f"root {place};", authority.certify("files"))
    with ana.served() as url, web.counting(int(url.rsplit(":", 1)[1])) as (origin, seen):
        with files as port:
            done = subprocess.run([stores.PROGRAM, "clone", f"https://127.0.0.1:{port}/{tree.name}",
                                   ben.directory, "--name", "ben", "--no-passphrase"],
                                  capture_output=True, timeout=60, check=False,
                                  env=ben.environment)
            assert done.returncode == 0, done
        assert ben.text("rev-parse", "tip") == ana.text("rev-parse", top) and not seen, seen
        ben.run("sync", f"http://127.0.0.1:{origin}")
    asked = [path for path, _, _ in seen]
    assert any(path.startswith("/bmsg/1/block") for path in asked), "the origin gave nothing"
    below = [path for path in asked if not is_of_tail(path, top, tail)]
    assert not below, f"of what the files have up to {top}, the origin was asked for {below}"
    assert sum(path.startswith("/bmsg/1/headers/") for path in asked) <= 1, asked
    print(f"clone: {top} blocks from files, {len(tail)} from the origin by {len(asked)} GETs")
    assert ben.text("rev-parse", "tip") == tip
    assert ben.text("verify", "--full").startswith("OK ")


def check_cache(ana, fresh, place):
    """Two peers and one that takes it for a mirror: the origin is asked once for what lasts."""
    cache = """proxy_http_version 1.1; proxy_cache kept; proxy_cache_lock on;
        proxy_cache_key $uri$is_args$args; client_max_body_size 9m;
        location / { proxy_pass http://127.0.0.1:%d; }
        location /mirror/ { rewrite ^/mirror(/.*) $1 break; proxy_pass http://127.0.0.1:%d; }"""
    with ana.served() as url, web.counting(int(url.rsplit(":", 1)[1])) as (origin, seen):
        with web.nginx(place / "nginx-cache", cache % (origin, origin)) as port:
            for name, path in (("ben", ""), ("cleo", ""), ("dan", "/mirror")):
                store = fresh.copy_to(place / f"{name}-cache")
                sync(store, f"http://127.0.0.1:{port}{path}")
                assert store.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
                assert store.text("verify", "--full").startswith("OK ")
    lasting = [path for path, status, lasts in seen if lasts and status == 200]
    assert lasting, seen
    expected = {f"/bmsg/1/blocks/{first}/16" for first in range(16, 48, 16)}
    assert expected < set(lasting), lasting
    twice = {path for path in lasting if lasting.count(path) > 1} & expected
    assert not twice, twice
    fleeting = [path for path, _, lasts in seen if not lasts]
    assert fleeting.count("/bmsg/1/info") == 3, "a cache answered for what changes"


def check_tls(ana, fresh, tree, place):
    authority = web.Authority(place / "authority")
    trusted = {"SSL_CERT_FILE": str(authority.certificate)}
    cases = [("good", {}, 0, trusted, ""),
             ("named", {"names": "DNS:localhost"}, 0, trusted, ""),
             ("stranger", {}, 76, {"SSL_CERT_FILE": str(place / "nobody")}, "local issuer"),
             ("other", {"names": "DNS:example.org"}, 76, trusted, "another name than '127.0.0.1'"),
             ("expired", {"days": -1}, 76, trusted, "expired"),
             ("self", {"signed": False}, 76, trusted, "self-signed")]
    (place / "nobody").write_text("")
    for name, made, code, environment, says in cases:
        host = "localhost" if name == "named" else "127.0.0.1"
        store = fresh.copy_to(place / f"tls-{name}")
        with web.files(tree.parent, authority.context(name, **made)) as (port, asked):
            said = sync(store, f"https://{host}:{port}/{tree.name}", code, **environment)
            assert says in said and "pinned" not in said, (name, said)
            assert bool(asked) == (code == 0), (name, asked)
        height = store.objects("status")[0]["height"]
        assert (height > 0) == (code == 0), (name, height)
    with ana.served(listen="https://127.0.0.1:0") as url:  # A node is no mirror.
        assert "self-signed" in sync(fresh, f"{url}/{tree.name}", 76, **trusted)


def check_long(place):
    """The clock moves on between batches, since no block is dated far ahead."""
    ana = stores.Store(place / "long")

    def at(seconds_ago, *words):
        subprocess.run(moved_clock.words(f"FAKETIME=-{seconds_ago}s", *ana.words(*words)),
                       check=True, capture_output=True, env=ana.environment, timeout=120)

    ago = 22000
    at(ago, "init", ana.directory, "--floor", "8", "--stamp", "1", "--no-passphrase", "--interval",
       "10")
    for _ in range(LONG // 50 + 1):
        ago -= 500
        at(ago, "mine", "--allow-empty", "--no-relay", "-n", "50")
    ana.run("config", "set", "max_reorg", DEPTH)
    tree = place / "long-tree"
    ana.run("mirror", tree)
    ben = stores.joined(place / "long-client", "ben", ana.directory / "genesis")
    with web.files(place) as (port, asked):
        sync(ben, f"http://127.0.0.1:{port}/{tree.name}")
        assert asked.count(f"/{tree.name}/bmsg/1/headers/0/2000") == 1, asked
        assert len(set(asked)) == len(asked), "a file was fetched twice"
    height = ben.objects("status")[0]["height"]
    assert height > 2000 and ben.text("rev-parse", "tip") == ana.text("rev-parse", height)
    with ana.served() as url:
        with urllib.request.urlopen(f"{url}/bmsg/1/headers/0/2000", timeout=60) as answer:
            assert answer.read() == (tree / "bmsg/1/headers/0/2000").read_bytes()
            assert "immutable" in answer.headers["Cache-Control"]


def main():
    skipped = []
    with stores.workplace() as place:
        place.chmod(0o755)  # nginx is somebody else.
        ana = stores.new_chain(place / "ana", "ana")
        ana.run("config", "set", "max_reorg", DEPTH)
        fresh = stores.joined(place / "fresh", "fresh", ana.directory / "genesis")
        mine(ana, 55)
        tree = place / "tree"
        ana.run("mirror", tree)
        if web.NGINX:
            check_file_server(ana, fresh, tree, place)
            check_clone(ana, tree, place)
            check_cache(ana, fresh, place)
        else:
            skipped.append("no nginx: apt-get install nginx-light")
        if web.OPENSSL:
            check_tls(ana, fresh, tree, place)
        else:
            skipped.append("no openssl: apt-get install openssl")
        if moved_clock.FOUND:
            check_long(place)
        else:
            skipped.append("no faketime: apt-get install faketime")
    for reason in skipped:
        print(f"skip: {reason}")
    sys.exit(77 if skipped else 0)


main()
