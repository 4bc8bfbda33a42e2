"""A web server between a command and a node, that is slow or lies."""
import http.server
import threading
import time
import urllib.request


class Between(http.server.ThreadingHTTPServer):
    """Passes on what is asked of a node; `change` may alter the answers to /blocks/, and `delay`
    them. Counts those."""

    daemon_threads = True

    def __init__(self, url, change=None, delay=0):
        super().__init__(("127.0.0.1", 0), Handler)
        self.node, self.change, self.delay, self.asked = url, change, delay, 0
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request, client_address):
        """Whoever asked may have stopped waiting."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.pass_on(None)

    def do_POST(self):
        self.pass_on(self.rfile.read(int(self.headers["Content-Length"])))

    def pass_on(self, body):
        with urllib.request.urlopen(self.server.node + self.path, body, timeout=60) as answer:
            content = answer.read()
        if "/blocks/" in self.path:
            self.server.asked += 1
            time.sleep(self.server.delay)
            if self.server.change:
                content = self.server.change(content)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


def flipped(content):
    """Other bodies under the same heads."""
    assert b"honest" in content, "nothing to lie about"
    return content.replace(b"honest", b"honesT")
