"""A peer that lies about chunks of files."""
import contextlib
import http.server


class Liar(http.server.BaseHTTPRequestHandler):
    """Says that it has every chunk, and gives another, or the one with a bit turned."""
    lies = []
    told = 0

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.path.endswith("have"):
            answer = b"\xff" * ((len(body) // 8 + 7) // 8)
        else:
            Liar.told += 1
            lie = self.lies[Liar.told % len(self.lies)]
            answer = b"bmP1M" + len(lie).to_bytes(4, "big") + lie
        with contextlib.suppress(ConnectionError):  # Whoever has asked may be gone.
            self.send_response(200)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

    def log_message(self, *words):
        pass
