"""Stores in network namespaces of their own, all on one bridge, on which the script stands, too."""
import contextlib
import os
import signal
import time

import namespaces
import stores
from namespaces import ip

PORT = 5512


def build_bridge(*addresses):
    """In the script's own network, which it has entered. Addresses with their prefix length."""
    ip("link", "add", "bridge", "type", "bridge", "mcast_snooping", "0")
    for address in addresses:
        ip("address", "add", address, "dev", "bridge")
    ip("link", "set", "bridge", "up")


class Neighbour(stores.Store):
    """A store whose commands run in its namespace, at `address`, with its prefix length."""

    def __init__(self, directory, address):
        super().__init__(directory)
        self.namespace = namespaces.Namespace()
        self.address = address.partition("/")[0]
        self.url = f"https://{self.address}:{PORT}"
        self.server = self.key = None
        port = f"port{self.namespace.network}"
        with self.namespace:
            ip("link", "add", "line", "type", "veth", "peer", "name", port, "netns",
               f"/proc/{os.getpid()}/fd/{self.namespace.home}")
            ip("address", "add", address, "dev", "line")
            ip("link", "set", "line", "up")
        ip("link", "set", port, "master", "bridge", "up")

    def run(self, *arguments, **options):
        with self.namespace:
            return super().run(*arguments, **options)

    def start(self, *arguments, **options):
        with self.namespace:
            return super().start(*arguments, preexec_fn=namespaces.end_with_parent, **options)

    @contextlib.contextmanager
    def serving(self, *options):
        """A node that can be called from outside its namespace."""
        self.server = self.start("serve", "--listen", f"0.0.0.0:{PORT}", "--sync-every", "0",
                                 *options)
        try:
            stores.read_line(self.server.stdout, 20)
            self.key = stores.read_line(self.server.stdout, 20).split()[1]
            yield
        finally:
            self.server.send_signal(signal.SIGTERM)
            _, complaint = self.server.communicate(timeout=30)
            assert self.server.returncode == 0, complaint.decode()

    def peers_from(self, source):
        return [peer for peer in self.objects("peers") if peer["source"] == source]


def eventually(what, holds, seconds=20):
    deadline = time.monotonic() + seconds * stores.PATIENCE
    while not (found := holds()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.1)
    return found
