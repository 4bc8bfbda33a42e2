"""Stores whose nodes live in network namespaces of their own, all on one bridge at first; and
stores on this machine's loopback that reach each other through proxies, where namespaces are not
allowed."""
import os
import signal

import namespaces
import stores
import wires
from namespaces import ip

BRIDGE = "left"
PORT = 5512
# A subnet for each: what a server takes from one subnet at once is limited.
ADDRESS = "10.77.{}.1"
MASK = 16


class Node(stores.Store):
    """A store whose commands run in a namespace of their own, at an address of its own."""

    def __init__(self, number, directory):
        super().__init__(directory)
        self.number, self.namespace = number, namespaces.Namespace()
        self.address, self.port = ADDRESS.format(number + 1), f"port{number}"
        self.url, self.peers = f"https://{self.address}:{PORT}", {}
        self.server = self.key = None
        with self.namespace:
            ip("link", "add", "line", "type", "veth", "peer", "name", self.port, "netns",
               f"/proc/{os.getpid()}/fd/{self.namespace.home}")
            ip("address", "add", f"{self.address}/{MASK}", "dev", "line")
            ip("link", "set", "line", "up")
        ip("link", "set", self.port, "master", BRIDGE, "up")

    def run(self, *arguments, **options):
        with self.namespace:
            return super().run(*arguments, **options)

    def start(self, *arguments, **options):
        with self.namespace:
            return super().start(*arguments, **options)

    def serve(self):
        # What here happens in seconds happens elsewhere in hours: nobody is asked for patience.
        self.server = self.start("serve", "--listen", f"{self.address}:{PORT}", "--sync-every", "0",
                                 "-c", "limits.requests=100000",
                                 preexec_fn=namespaces.end_with_parent)
        url = stores.read_line(self.server.stdout, 20).removeprefix("listening ")
        assert url == self.url, f"TLS is spoken at {self.url}, not {url}"
        self.key = stores.read_line(self.server.stdout, 20).split()[1]

    def set_link(self, state):
        """"up" or "down"."""
        ip("link", "set", self.port, state)
        with self.namespace:
            ip("neighbour", "flush", "dev", "line")

    def stop(self):
        self.server.send_signal(signal.SIGTERM)
        _, complaint = self.server.communicate(timeout=30)
        assert self.server.returncode == 0, complaint.decode()

    def know(self, other, url):
        """Reaches another node at this url from now on."""
        if self.peers.get(other.number) == url:
            return
        if other.number in self.peers:
            self.run("peers", "rm", self.peers[other.number])
        self.run("peers", "add", url, "--node", other.key, "--no-probe")
        self.peers[other.number] = url

    def tip(self):
        return self.text("rev-parse", "tip")

    def close(self):
        self.stop()
        ip("link", "delete", self.port)
        self.namespace.close()


class Proxied(stores.Store):
    """The same without namespaces: a link that is down is proxies that cut what comes."""

    def __init__(self, number, directory):
        super().__init__(directory)
        self.number, self.lines = number, []
        self.server = self.url = self.key = None

    def serve(self):
        self.server = self.start("serve", "--listen", "127.0.0.1:0", "--sync-every", "0")
        self.url = stores.read_line(self.server.stdout, 20).removeprefix("listening ")
        self.key = stores.read_line(self.server.stdout, 20).split()[1]

    def know(self, other, url):
        host, port = url.removeprefix("http://").split(":")
        line = wires.Wire((host, int(port)))
        self.lines.append(line)
        other.lines.append(line)
        self.run("peers", "add", f"http://{host}:{line.port}", "--no-probe")

    def set_link(self, state):
        for line in self.lines:
            line.cut_after = None if state == "up" else 0

    stop = Node.stop

    def tip(self):
        return self.text("rev-parse", "tip")

    def close(self):
        self.stop()
        for line in self.lines:
            line.close()
