#!/usr/bin/env python3
"""Ways to a chain and to a comparison that are no node's: a bundle on a web server, the secret that
members meet by, and `verify --against`."""
import base64
import contextlib
import http.server
import os
import pathlib
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import stores
import web

RANGE = 4 << 20  # What is asked for at once.


def clone(place, *words, exits=0, **environment):
    """Runs clone beside no store; what it says on standard error."""
    done = subprocess.run([stores.PROGRAM, "clone", *map(str, words), "--no-passphrase"], cwd=place,
                          env=stores.environment(place) | environment, capture_output=True,
                          check=False, timeout=60)
    assert done.returncode == exits, f"{words}: {done.returncode}, {done.stderr.decode()}"
    if exits:
        left = [path.name for path in place.iterdir() if "fresh" in path.name]
        assert left == [], f"{words} left {left}"
    return done.stderr.decode()


class Ranges(http.server.BaseHTTPRequestHandler):
    """One file, in the ranges that are asked for; `spoil` changes an answer."""
    content = b""
    asked = []
    spoil = staticmethod(lambda first, total, body: (206, f"bytes {first}-{first + len(body) - 1}/"
                                                     f"{total}", body))

    def do_GET(self):
        asked = self.headers["Range"]
        self.asked.append(asked)
        if asked is None:  # As of a mirror: there is none.
            self.send_error(404)
            return
        first, last = map(int, asked.removeprefix("bytes=").split("-"))
        status, told, body = self.spoil(first, len(self.content), self.content[first:last + 1])
        self.send_response(status)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Range", told)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def ranges(content, spoil=None):
    """Its URL, and what is asked of it."""
    made = {"content": content, "asked": []}
    if spoil:
        made["spoil"] = staticmethod(spoil)
    with web.served(type("One", (Ranges,), made)) as port:
        yield f"http://127.0.0.1:{port}/ops.html", made["asked"]


def check_whole(place, ana, bundle, tree):
    """From a plain file server; its bytes tell, a mirror is still a mirror."""
    with web.files(bundle.parent) as (port, asked):
        url = f"http://127.0.0.1:{port}/{bundle.name}"
        assert clone(place, url, "fresh", "--name", "ben") == ""
        assert asked == [f"/{bundle.name}"], asked
        new = stores.Store(place / "fresh")
        assert new.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
        assert new.objects("peers") == []
        new.run("verify", "--full")
        subprocess.run(["rm", "-r", place / "fresh"], check=True)
        clone(place, f"http://127.0.0.1:{port}/{tree.name}", "fresh")
        assert new.objects("status")[0]["height"] == ana.objects("mirror", tree)[0]["height"]
        subprocess.run(["rm", "-r", place / "fresh"], check=True)
        # A bundle that was cut or changed is named; what is none is no mirror either.
        whole = bundle.read_bytes()
        for at in (40, len(whole) // 2, len(whole) - 1):
            bundle.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
            assert f"'{url}': " in clone(place, url, "fresh", exits=65)
            bundle.write_bytes(whole[:at])
            assert f"'{url}': " in clone(place, url, "fresh", exits=65)
        for content in (b"", b"bmP", b"bmP2" + whole[4:], b"<html>"):
            bundle.write_bytes(content)
            assert "404" in clone(place, url, "fresh", exits=76)
        bundle.write_bytes(whole)
        said = clone(place, url.replace("127.0.0.1", "192.0.2.1"), "fresh", exits=65)
        assert "plain http" in said, said
    clone(place, url, "fresh", exits=69)


def check_ranges(place, ana, bundle):
    """Piece by piece; whoever gives other pieces is refused."""
    whole = bundle.read_bytes()
    assert len(whole) > RANGE, "the bundle fits into one range"
    with ranges(whole) as (url, asked):
        clone(place, url, "fresh")
        assert len(asked) == len(whole) // RANGE + 1, asked
    new = stores.Store(place / "fresh")
    assert new.text("rev-parse", "tip") == ana.text("rev-parse", "tip")
    subprocess.run(["rm", "-r", place / "fresh"], check=True)
    total = len(whole)

    def answer(told, second=None, status=206):
        def spoil(first, _, body):
            if first == 0 and second:
                return 206, f"bytes 0-{len(body) - 1}/{total}", body
            return status, told.format(first=first, last=first + len(body) - 1), body
        return spoil

    faults = [answer(told) for told in
              ("bytes 1-{last}/%d" % total, "bytes {first}-{last}/*",
               "items {first}-{last}/%d" % total,
               "bytes {first}-{last}/%d" % (17 << 30), "",
               "bytes {first}-{last}/%d" % RANGE + "0" * 30)]
    faults += [answer("bytes {first}-{last}/%d" % (total + 1), second=True),
               answer("bytes 0-{last}/%d" % total, second=True),
               answer("", second=True, status=200), answer("", second=True, status=416),
               lambda first, _, body: (206, f"bytes {first}-{first}/{total}", body[:1])]
    for spoil in faults:
        with ranges(whole, spoil) as (url, asked):
            clone(place, url, "fresh", exits=76)
            assert len(asked) < 4, asked
    with ranges(whole, lambda first, _, body: (301, "", body)) as (url, asked):
        clone(place, url, "fresh", exits=76)
        assert asked[0] is not None


def check_authorities(place, bundle):
    """Https is judged as a mirror's is."""
    authority = web.Authority(place / "authority")
    for name, trusted, code in (("good", authority.certificate, 0), ("bad", "/dev/null", 76)):
        with web.files(bundle.parent, authority.context(name)) as (port, asked):
            clone(place, f"https://127.0.0.1:{port}/{bundle.name}", "fresh", exits=code,
                  SSL_CERT_FILE=str(trusted))
            assert bool(asked) == (code == 0), asked
        subprocess.run(["rm", "-rf", place / "fresh"], check=True)


def check_secret(place, ana):
    """The secret goes from store to store; where nobody answers, bmsg-discover is asked."""
    file = ana.directory / "keys" / "discovery.secret"
    ana.run("invite", "--host", "a.example", "--dht", exits=(66,))
    secret = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
    file.write_text(secret[1:])
    ana.run("invite", "--host", "a.example", "--dht", exits=(65,))
    file.write_text(secret + "\n")
    bare = ana.text("invite", "--host", "a.example")
    uri = ana.text("invite", "--host", "a.example", "--dht")
    assert uri == f"{bare}#dht={secret}"
    told = [ana.objects("invite", "--host", "a.example", *more)[0]["dht"]
            for more in ([], ["--dht"])]
    assert told == [False, True], told
    assert f"&dht={secret}" in ana.text("invite", "--host", "a.example", "--dht", "--card")
    with ana.served() as url:
        clone(place, ana.text("invite", "--host", url.partition("://")[2], "--dht"), "fresh")
    kept = place / "fresh" / "keys" / "discovery.secret"
    assert kept.read_text() == secret + "\n" and stat.S_IMODE(kept.stat().st_mode) == 0o600
    subprocess.run(["rm", "-r", place / "fresh"], check=True)
    check_search(place, ana, secret)


def check_search(place, ana, secret):
    """The program is given the chain and the secret, not the secret in its words."""
    away = ana.text("invite", "--host", "127.0.0.1:1", "--dht")
    assert "--bootstrap HOST:PORT" in clone(place, away, "fresh", exits=69)
    assert "--bootstrap" not in clone(place, away.partition("#")[0], "fresh", exits=69)
    words = (away, "fresh", "--bootstrap", "192.0.2.1:4222", "--bootstrap", "192.0.2.2:4222")
    said = clone(place, *words, exits=69, PATH="/nowhere")
    assert "no program 'bmsg-discover'" in said, said
    said = clone(place, *words, "-c", "sync.proxy=socks5h://127.0.0.1:1", exits=77)
    assert "past the proxy" in said, said
    programs = place / "programs"
    programs.mkdir()
    program = programs / "bmsg-discover"
    path = f"{programs}:{os.environ['PATH']}"

    def answers(script):
        program.write_text(f"#!/bin/sh\necho \"$@\" > {place}/words\ncat > {place}/input\n"
                           f"{script}\n")
        program.chmod(0o755)
        return clone(place, *words, exits=69, PATH=path)

    assert "nobody of this chain" in answers(":")
    chain = ana.objects("status")[0]["chain_id"]
    assert (place / "words").read_text().split() == \
        ["--once", "--chain", chain, "--bootstrap", "192.0.2.1:4222", "--bootstrap",
         "192.0.2.2:4222", "--secret-file", "-"]
    assert (place / "input").read_text() == secret + "\n"
    assert "exited with 69" in answers("exit 69")
    key = "A" * 43
    assert "nobody of this chain" in answers(f"echo 11.0.0.1:5512 {key} 1 {'A' * 86}")
    program.write_text("#!/bin/sh\necho garbage\n")
    clone(place, *words, exits=65, PATH=path)


def compared(store, *words, exits=0):
    """The lines behind that of the store itself."""
    lines = store.text("verify", *words, exits=(exits,)).splitlines()
    assert lines[0].startswith("OK "), lines
    objects = store.objects("verify", *words, exits=(exits,))
    assert [one["type"] for one in objects] == ["comparison"] * (len(lines) - 1) + ["summary"]
    return lines[1:], objects[:-1]


def check_against(place, ana):
    """How a chain stands to another: in all ways, and to those that are none of its own."""
    ana = ana.copy_to(place / "ana-against")
    old = ana.copy_to(place / "old")
    height = ana.objects("status")[0]["height"]
    rival = ana.copy_to(place / "rival")
    for store, count in ((ana, 40), (rival, 20)):
        store.run("mine", "--allow-empty", "--no-relay", "-n", count)
    with ana.served() as url, rival.served() as theirs, old.served() as behind:
        cases = [(ana, url, 0, "same", height + 40, "same as"),
                 (old, url, 0, "behind", height, "behind"),
                 (ana, behind, 0, "ahead", height, "ahead of"),
                 (ana, theirs, 1, "apart", height, "apart from"),
                 (rival, url, 1, "apart", height, "apart from")]
        for store, place_of, code, relation, common, says in cases:
            lines, objects = compared(store, "--against", place_of, exits=code)
            assert lines[0].startswith(f"{says} {place_of}: "), lines
            told = objects[0]
            known = told["with"], told["relation"], told["common"]
            assert known == (place_of, relation, common), told
            assert told["settled"] is False
        lines, objects = compared(ana, "-c", "max_reorg=10", "--against", theirs, "--against",
                                  behind, exits=65)
        assert f"from height {height + 1} on" in lines[0] and "deeper" in lines[0], lines
        assert [one["settled"] for one in objects] == [True, False], objects
        ana.run("verify", "--against", url, "--against", "http://127.0.0.1:1", exits=(69,))
    new = stores.new_chain(place / "new", "new")
    with new.served() as url:
        ana.run("verify", "--against", url, exits=(78,))
        assert compared(new, "--against", url)[1][0]["relation"] == "same"
    ana.run("verify", "--against", "somewhere", exits=(66,))
    with web.liar() as url:
        ana.run("verify", "--against", url, exits=(76,))
    with ana.served(listen="https://127.0.0.1:0") as url:
        ana.run("peers", "add", "--no-probe", "--node", "0" * 64, url)
        ana.run("verify", "--against", url, exits=(77,))


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana", "--chain-name", "ops")
        ana.run("config", "set", "max_reorg", 4)
        for _ in range(3):
            for _ in range(25):
                ana.run("send", "--public", "-F", "-", input=os.urandom(30_000).hex().encode())
            ana.run("mine", "--no-relay")
        ana.run("mine", "--allow-empty", "--no-relay", "-n", 40)
        bundle = place / "www" / "chain.txt"
        bundle.parent.mkdir()
        ana.run("bundle", "create", bundle)
        tree = place / "www" / "tree"
        tree.mkdir()
        ana.run("mirror", tree)
        check_whole(place, ana, bundle, tree)
        check_ranges(place, ana, bundle)
        if web.OPENSSL:
            check_authorities(place, bundle)
        check_secret(place, ana)
        ana.run("config", "unset", "max_reorg")
        check_against(place, ana)


main()
