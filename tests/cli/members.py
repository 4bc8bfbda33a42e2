#!/usr/bin/env python3
"""A chain for members: two of them sync, a stranger finds a closed door whatever he asks, a key that
is allowed by setting gets in and one that is taken out of it stays out."""
import contextlib
import hashlib
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402

ED25519 = bytes.fromhex("302e020100300506032b657004220420")  # PKCS #8 before the seed (RFC 8410).
PATHS = ["/bmsg/1/info", "/bmsg/1/genesis", "/bmsg/1/headers/0/2000", "/bmsg/1/feed", "/bmsg/1/peers",
         "/bmsg/1/obj/" + 16 * "0", "/local/1/info", "/", "/nothing", "/bmsg/1/" + 4000 * "x",
         "/../../etc/passwd", "no path at all"]


def run(*words, **options):
    return subprocess.run(words, check=True, capture_output=True, **options).stdout


def certificate(place, name, *, algorithm="ed25519", seed=None):
    """A self-signed certificate and its key, in files; of a curve that is no node's, if wanted."""
    key, shown = place / f"{name}.pem", place / f"{name}.crt"
    if seed:
        key.write_bytes(run("openssl", "pkey", "-inform", "DER", input=ED25519 + seed))
    elif algorithm == "ed25519":
        run("openssl", "genpkey", "-algorithm", "ed25519", "-out", key)
    else:
        run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", f"ec_paramgen_curve:{algorithm}",
            "-out", key)
    # It has expired and is of another name, which must mean nothing.
    asked = run("openssl", "req", "-new", "-key", key, "-subj", "/CN=nobody")
    run("openssl", "x509", "-req", "-signkey", key, "-days", "-1", "-out", shown, input=asked)
    return shown, key


class Asked:
    """What one caller gets for one request, seen from both sides of his TLS."""

    def __init__(self, port, shown, target):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if shown:
            context.load_cert_chain(*shown)
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(incoming, outgoing)
        self.raw, self.text, self.end = b"", b"", None
        request = f"GET {target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode()
        with socket.create_connection(("127.0.0.1", port), timeout=20) as wire:
            self.step(self.tls.do_handshake, wire, incoming, outgoing)
            self.certificate = self.tls.getpeercert(binary_form=True)
            self.tls.write(request)
            while self.end is None:
                self.step(self.read, wire, incoming, outgoing)

    def read(self):
        got = self.tls.read(65536)
        self.text += got
        if not got:
            self.end = "end"

    def step(self, work, wire, incoming, outgoing):
        """Does `work` once, with as much of the network as it needs."""
        while True:
            try:
                work()
                wire.sendall(outgoing.read())
                return
            except ssl.SSLWantReadError:
                wire.sendall(outgoing.read())
            except ssl.SSLError as error:
                self.end = error.reason or str(error)
                return
            got = wire.recv(65536)
            self.raw += got
            if got:
                incoming.write(got)
            else:
                incoming.write_eof()


def port_of(url):
    assert url.startswith("https://127.0.0.1:"), f"plain on a chain for members: {url}"
    return int(url.rsplit(":", 1)[1])


def key_of(store):
    key = store.text("id", "--node")
    assert re.fullmatch("[0-9a-f]{64}", key), key
    return key


def check_closed_door(place, url, member_seed, chain):
    """No answer of a stranger's tells him one thing from another."""
    port = port_of(url)
    member = certificate(place, "member", seed=member_seed)
    seen = Asked(port, member, PATHS[0])
    assert seen.text.startswith(b"HTTP/1.1 200") and chain.encode() in seen.text, (seen.text, seen.end)
    assert chain.encode() not in seen.certificate and b"club" not in seen.certificate
    strangers = {"stranger": certificate(place, "stranger"), "none": None,
                 "curve": certificate(place, "curve", algorithm="P-256")}
    for name, shown in strangers.items():
        met = [Asked(port, shown, path) for path in PATHS]
        assert all(one.text == b"" for one in met), name
        ends = {(one.end, len(one.raw), one.certificate) for one in met}
        assert len(ends) == 1, (name, [(end, size) for end, size, _ in ends])
        assert "ALERT" in met[0].end, (name, met[0].end)
    again = Asked(port, member, "/bmsg/1/genesis")
    assert b"name club\n" in again.text, "a member is kept out after strangers"
    return len(strangers) * len(PATHS)


def refused(store, *words, key=None):
    done = subprocess.run(store.words(*words), env=store.environment, capture_output=True,
                          check=False, timeout=60)
    told = done.stderr.decode()
    assert done.returncode == 77, (words, done.returncode, told)
    assert "members only" in told and "serve.allow" in told + "serve.allow" * (key is None), told
    if key:
        assert key in told, told
    return told


@contextlib.contextmanager
def serving(store, *options):
    """A node on a free port: its process and URL."""
    process = store.start("serve", "--listen", "127.0.0.1:0", "--sync-every", "0", *options)
    try:
        yield process, stores.read_line(process.stdout, 20).removeprefix("listening ")
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        process.stdout.close()
        process.stderr.close()


def allow(store, process, keys):
    store.run("config", "set", "serve.allow", keys)
    process.send_signal(signal.SIGHUP)


def eventually(condition, what):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def newcomers(place):
    """Ana and Ben, whose keys the rules name: their stores exist before the chain does."""
    keys = {}
    for name in ("ana", "ben"):
        store = stores.Store(place / f"{name}-before")
        store.run("init", store.directory, "--no-identity", "--no-passphrase", "--floor", 0)
        keys[name] = (store.directory / "keys" / "node.key", key_of(store))
    genesis = stores.members_rules(place / "genesis", *(key for _, key in keys.values()))
    made = [stores.joined(place / name, name, genesis, "--node-key", file)
            for name, (file, _) in keys.items()]
    assert [key_of(store) for store in made] == [key for _, key in keys.values()]
    return made


def check_joining(place, process, url, ana):
    """A key that is told first and let in then."""
    there = pathlib.Path(place / "cleo")
    cleo = stores.Store(there)
    join = ("init", there, "--name", "cleo", "--no-passphrase", "--genesis", url)
    told = refused(cleo, *join)
    assert "--node-key FILE" in told and not there.exists(), told
    keyed = (*join, "--node-key", place / "cleo.key")
    first = re.search("[0-9a-f]{64}", refused(cleo, *keyed))[0]
    assert (place / "cleo.key").stat().st_mode & 0o777 == 0o600
    told = refused(cleo, "clone", url, there, "--no-passphrase", "--node-key", place / "cleo.key",
                   key=first)
    assert not there.exists()
    allow(ana, process, first)
    eventually(lambda: subprocess.run(cleo.words(*keyed), env=cleo.environment, check=False,
                                      capture_output=True).returncode == 0, "allowed, not let in")
    assert key_of(cleo) == first
    cleo.run("sync", url)
    cleo.run("peers", "probe", url)
    allow(ana, process, "")
    eventually(lambda: subprocess.run(cleo.words("sync", url), env=cleo.environment, check=False,
                                      capture_output=True).returncode == 77, "still let in")
    refused(cleo, "sync", url, key=first)
    refused(cleo, "peers", "probe", url, key=first)
    cleo.run("-c", "serve.allow=zz", "serve", exits=(78,))
    return cleo


def check_changed_key(url, ana, ben, cleo):
    """Where one node was, another answers: it is refused until somebody says that it may."""
    with cleo.served(listen=url) as again:
        assert again == url
        told = subprocess.run(ben.words("sync"), env=ben.environment, check=False,
                              capture_output=True)
        said = told.stderr.decode()
        assert told.returncode == 77 and key_of(ana) in said and key_of(cleo) in said, said
        ben.run("peers", "add", url, "--node", key_of(cleo))
        ben.run("sync")


def check_calls(ana, cleo):
    """Whoever is called is handed the chain: no stranger is, whoever told of him."""
    place = "11.0.0.1:5512"
    server = cleo.start("serve", "--listen", "127.0.0.1:0", "--advertise", place)
    stores.read_line(server.stdout, 20)
    record = cleo.run("peers", "export", "--records")
    server.send_signal(signal.SIGTERM)
    server.communicate(timeout=20)
    ana.run("peers", "learn", input=record)
    assert [one["node"] for one in ana.objects("peers") if one["source"] == "dht"] == [key_of(cleo)]
    assert place not in ana.text("sync", "--dry-run")
    assert place in ana.text("-c", f"serve.allow={key_of(cleo)}", "sync", "--dry-run")
    ana.run("peers", "rm", f"https://{place}")


def check_half_taken(ana, cleo):
    """Settings of which one is no good are not taken at all."""
    with serving(ana) as (process, url):
        ana.run("config", "set", "serve.lan", "true")  # Nobody there could call this machine's own.
        allow(ana, process, key_of(cleo))
        while "goes on with the settings it has" not in stores.read_line(process.stderr, 20):
            pass
        refused(cleo, "sync", url, key=key_of(cleo))
    for name in ("serve.allow", "serve.lan"):
        ana.run("config", "unset", name)


def main():
    with stores.workplace() as place:
        ana, ben = newcomers(place)
        ana.run("mine")
        with serving(ana) as (process, url):
            ben.run("peers", "add", url)
            ben.run("sync")
            assert ana.text("rev-parse", "tip") == ben.text("rev-parse", "tip")
            chain = hashlib.sha512((ana.directory / "genesis").read_bytes()).hexdigest()
            strangers = check_closed_door(place, url, (bytes.fromhex(
                (ben.directory / "keys" / "node.key").read_text())), chain)
            cleo = check_joining(place, process, url, ana)
            assert ana.text("rev-parse", "tip") == ben.text("rev-parse", "tip")
            process.send_signal(signal.SIGUSR1)
            said = b""
            while b"turned away" not in said.split(b"serving:")[-1] or b"serving:" not in said:
                said += stores.read_line(process.stderr, 20).encode() + b"\n"
            count = int(re.search(rb"serving: .*, (\d+) turned away", said)[1])
            assert count > strangers, (count, strangers)
            lines = said.count(b"turned away 127.0.0.1, which shows")
            assert lines == 1, (lines, said.decode())  # One a minute, however many came.
        check_changed_key(url, ana, ben, cleo)
        check_calls(ana, cleo)
        check_half_taken(ana, cleo)
        with ana.served(listen="http://127.0.0.1:0") as url:  # Written out, it is open to all here.
            assert url.startswith("http://")
            ben.run("sync", url)
    print(f"{count} strangers were turned away")


main()
