#!/usr/bin/env python3
"""With a proxy set, nothing is ever connected to but the proxy: one that is down, that refuses or
that is none is named in the error, and the peer beside it never hears a thing."""
import pathlib
import socket
import subprocess
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "support"))
import stores  # noqa: E402


class Trap:
    """Listens and counts who connects; says `answer` to each and closes."""

    def __init__(self, answer=b""):
        self.count = 0
        self.answer = answer
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            guest, _ = self.socket.accept()
            self.count += 1
            with guest:
                guest.settimeout(5)
                guest.recv(3)
                guest.sendall(self.answer)


def failed(store, *words, code, says, proxy=None):
    given = ("-c", f"sync.proxy={proxy}") if proxy else ()
    done = subprocess.run(store.words(*given, *words), env=store.environment, capture_output=True,
                          check=False, timeout=60)
    told = done.stderr.decode()
    assert done.returncode == code and says in told, (words, proxy, done.returncode, told)


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        peer = Trap()
        with socket.create_server(("127.0.0.1", 0)) as gone:
            dead = gone.getsockname()[1]
        silent, refusing = Trap(), Trap(b"\x05\x00\x05\x05\x00\x01\x00\x00\x00\x00\x00\x00")
        url, onion = f"http://127.0.0.1:{peer.port}", "http://abcdefghijklmnop.onion:5512"
        fresh = place / "fresh"
        asked = [("sync", url), ("sync", f"https://localhost:{peer.port}"),
                 ("peers", "probe", url), ("clone", url, fresh, "--no-passphrase"),
                 ("init", fresh, "--no-passphrase", "--genesis", url), ("sync", onion)]
        ana.run("peers", "add", "--no-probe", url)
        for port in (dead, silent.port, refusing.port):
            name = f"127.0.0.1:{port}"
            for words in asked:
                failed(ana, *words, code=69, says=name, proxy=f"socks5h://{name}")
        assert peer.count == 0, f"{peer.count} connections went past the proxy"
        assert silent.count >= len(asked) and refusing.count >= len(asked), "no proxy was asked"
        # A proxy of another kind is no reason to do without one, and neither is none.
        failed(ana, "sync", url, code=78, says="sync.proxy", proxy=f"socks5://127.0.0.1:{dead}")
        failed(ana, "sync", onion, code=69, says="needs a proxy")
        assert peer.count == 0
        ana.run("sync", url, exits=(69, 76))
        assert peer.count > 0, "the trap counts nothing"
        # Without one: a name that nobody knows is named, and a name that also leads to an address
        # where nobody listens (of IPv6) leads on to the other.
        failed(ana, "sync", "http://nobody.onion:1", code=69, says="nobody.onion")
        failed(ana, "sync", "https://nobody.invalid:1", code=69, says="nobody.invalid")
        heard = peer.count
        ana.run("sync", f"http://localhost:{peer.port}", exits=(69, 76))
        assert peer.count > heard, "localhost was not reached"
        print(f"{silent.count + refusing.count} calls of proxies, none past them")


main()
