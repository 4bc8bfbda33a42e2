"""A relay between a command and a node that counts every byte of both directions."""
import contextlib
import socket
import threading
import urllib.parse


class Relay:
    """Passes TCP on; `bytes_there` and `bytes_back` went over the wire."""

    def __init__(self, url):
        self.node = None
        if url:
            self.lead_to(url)
        self.bytes_there = self.bytes_back = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def lead_to(self, url):
        """From now on new connections go there."""
        place = urllib.parse.urlsplit(url)
        self.node = (place.hostname, place.port)

    @property
    def bytes(self):
        return self.bytes_there + self.bytes_back

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.create_connection(self.node)
            for source, target, name in ((near, far, "bytes_there"), (far, near, "bytes_back")):
                threading.Thread(target=self.pass_on, args=(source, target, name),
                                 daemon=True).start()

    def pass_on(self, source, target, name):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                with self.lock:
                    setattr(self, name, getattr(self, name) + len(data))
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def close(self):
        self.listener.close()


@contextlib.contextmanager
def relay(url):
    """A relay before the node at `url`."""
    one = Relay(url)
    try:
        yield one
    finally:
        one.close()
