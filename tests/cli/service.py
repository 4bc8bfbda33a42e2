#!/usr/bin/env python3
"""serve under a service manager: it says when it answers, at which height, that it lives and that
it ends, and serves the sockets that were opened for it."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.request

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import stores

SECONDS = 20


class Manager:
    """Listens where NOTIFY_SOCKET says, and remembers all it is told."""

    def __init__(self, place):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(place)
        self.socket.settimeout(SECONDS)
        self.told = []

    def hear(self, line):
        """Waits for a line, which must come."""
        deadline = time.monotonic() + SECONDS
        while True:
            assert time.monotonic() < deadline, f"no {line}, only {self.told}"
            lines = self.socket.recv(4096).decode().split("\n")
            self.told += lines
            if line in lines:
                return


def check_news(store, place):
    for name, address in (("path", str(place / "notify")), ("abstract", f"\0bmsg-{os.getpid()}")):
        manager = Manager(address)
        variables = {"NOTIFY_SOCKET": address.replace("\0", "@"), "WATCHDOG_USEC": "100000"}
        store.environment |= variables
        server = store.start("serve", "--listen", "127.0.0.1:0", "--sync-every", "0")
        try:
            height = store.objects("log", "-n", "1")[0]["height"]
            manager.hear("READY=1")
            assert f"STATUS=height {height}" in manager.told, manager.told
            assert manager.told[0] == "READY=1", f"{name}: {manager.told}"
            for _ in range(3):
                manager.hear("WATCHDOG=1")
            store.run("mine", "--allow-empty")
            manager.hear(f"STATUS=height {height + 1}")
            server.send_signal(signal.SIGTERM)
            manager.hear("STOPPING=1")
            assert server.wait(SECONDS) == 0
        finally:
            server.kill()
            server.communicate()
        for variable in variables:
            store.environment.pop(variable)


def check_silence(store):
    """A manager of another process, or one that is gone, is no reason to fail."""
    for variables in ({"NOTIFY_SOCKET": "/nowhere/at/all"}, {"WATCHDOG_USEC": "nonsense"},
                      {"LISTEN_FDS": "3", "LISTEN_PID": "1"}):
        store.environment |= variables
        with store.served() as url:
            assert urllib.request.urlopen(f"{url}/bmsg/1/info", timeout=SECONDS).status == 200
        for variable in variables:
            store.environment.pop(variable)


def start_with(store, listening, *options):
    """serve as systemd starts it: sockets from descriptor 3 on, named for this very process."""
    script = 'LISTEN_PID=$$ LISTEN_FDS=$1; export LISTEN_PID LISTEN_FDS; shift; exec "$@"'
    numbers = [one.fileno() for one in listening]
    moves = " ".join(f"{3 + at}<&{number}" for at, number in enumerate(numbers))
    words = ["bash", "-c", f'exec {moves}; {script}', "sh", str(len(numbers)),
             *store.words("serve", "--sync-every", "0", *options)]
    return subprocess.Popen(words, env=store.environment, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, pass_fds=numbers)


def check_sockets(store, place):
    """They take the place of the usual one; --listen adds to them."""
    tcp = socket.create_server(("127.0.0.1", 0))
    unix = socket.socket(socket.AF_UNIX)
    unix.bind(str(place / "given.sock"))
    unix.listen()
    open_to_all = socket.create_server(("0.0.0.0", 0))
    url = f"http://127.0.0.1:{tcp.getsockname()[1]}"
    given = [url, f"unix:{place}/given.sock", f"https://0.0.0.0:{open_to_all.getsockname()[1]}"]
    for options, more in (((), 0), (("--listen", "127.0.0.1:0"), 1)):
        server = start_with(store, [tcp, unix, open_to_all], *options)
        try:
            lines = [stores.read_line(server.stdout, SECONDS) for _ in range(3 + more + 1)]
            assert lines[:3] == [f"listening {one}" for one in given], lines
            assert lines[-1].startswith("node "), lines
            assert urllib.request.urlopen(f"{url}/bmsg/1/info", timeout=SECONDS).status == 200
            server.send_signal(signal.SIGTERM)
            assert server.wait(SECONDS) == 0, server.stderr.read()
        finally:
            server.kill()
            server.communicate()
    assert (place / "given.sock").exists(), "a socket of the manager was removed"


def check_bad_socket(store):
    here, there = socket.socketpair()
    server = start_with(store, [here])
    out, complaint = server.communicate(timeout=SECONDS)
    there.close()
    assert server.returncode != 0 and b"does not listen" in complaint, (out, complaint)


def check_reload(store, place):
    """HUP has it take its settings anew, if they are good. That its peer has news it may hear from
    that peer at any time."""
    ben = stores.joined(place / "ben", "ben", store.directory / "genesis")
    ben.run("mine", "--allow-empty", "-n", "30")
    wanted = ben.objects("log", "-n", "1")[0]["height"]
    config = store.directory / "config.toml"
    with ben.served() as url:
        store.run("peers", "add", url)
        store.run("config", "set", "serve.sync_every", "0")
        server = store.start("serve", "--listen", "127.0.0.1:0", "-v")
        try:
            stores.read_line(server.stdout, SECONDS)
            good = config.read_text()
            config.write_text("no.such = 1\n")
            server.send_signal(signal.SIGHUP)
            while "goes on with the settings it has" not in stores.read_line(server.stderr, SECONDS):
                assert server.poll() is None
            config.write_text(good)
            store.run("config", "set", "serve.sync_every", "1s")
            server.send_signal(signal.SIGHUP)
            while "took the settings anew" not in stores.read_line(server.stderr, SECONDS):
                assert server.poll() is None
            deadline = time.monotonic() + SECONDS
            while store.objects("log", "-n", "1")[0]["height"] != wanted:
                assert time.monotonic() < deadline, "it did not ask its peer"
                time.sleep(0.05)
            server.send_signal(signal.SIGTERM)
            assert server.wait(SECONDS) == 0
        finally:
            server.kill()
            server.communicate()


def check_mining(store):
    """--mine puts what waits into blocks, and ends with the rest."""
    server = store.start("serve", "--listen", "127.0.0.1:0", "--sync-every", "0", "--mine")
    try:
        stores.read_line(server.stdout, SECONDS)
        store.run("send", "--public", "-m", "text", "--wait", "mined=1", "--timeout", "60")
        height = store.objects("log", "-n", "1")[0]["height"]
        store.run("send", "--public", "-m", "another", "--wait", "mined=2", "--timeout", "60")
        assert store.objects("log", "-n", "1")[0]["height"] >= height + 2, "buried, too"
        server.send_signal(signal.SIGTERM)
        assert server.wait(SECONDS) == 0
    finally:
        server.kill()
        server.communicate()
    store.run("verify", "--full")


def main():
    with stores.workplace() as place:
        store = stores.new_chain(place / "ana", "ana")
        check_news(store, place)
        check_silence(store)
        check_sockets(store, place)
        check_bad_socket(store)
        check_reload(store, place)
        check_mining(store)


main()
