"""A TCP proxy for the scripts: it loses what goes one way, cuts, delays or changes a byte."""
import contextlib
import socket
import threading
import time

THERE, BACK = "there", "back"


class Wire:
    """Passes on what connects to it, to `target`. The faults may be set at any time.

    lost: after how many bytes of a connection one direction falls silent, for each direction.
    cut_after: after how many bytes of all connections and both directions each is closed for good.
    flip_at: which of those bytes gets another value.
    delay: seconds to wait before each piece is passed on.
    """

    def __init__(self, target, host="127.0.0.1"):
        self.target = target
        self.lost, self.cut_after, self.flip_at, self.delay = {}, None, None, 0
        self.passed = self.dropped = self.cuts = self.flips = 0
        self._lock = threading.Lock()
        self._open = set()
        self._listener = socket.create_server((host, 0), backlog=64)
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._close_all()

    def _close_all(self):
        with self._lock:
            ends, self._open = self._open, set()
        for end in ends:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self._listener.accept()
                threading.Thread(target=self._join, args=(caller,), daemon=True).start()

    def _join(self, caller):
        with caller, contextlib.suppress(OSError):
            if self.cut_after is not None and self.passed >= self.cut_after:
                self.cuts += 1
                return
            with socket.create_connection(self.target, 30) as called:
                called.settimeout(None)
                with self._lock:
                    self._open |= {caller, called}
                back = threading.Thread(target=self._pump, args=(called, caller, BACK), daemon=True)
                back.start()
                self._pump(caller, called, THERE)
                back.join()

    def _pump(self, source, target, direction):
        here = 0  # Bytes of this direction.
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                time.sleep(self.delay)
                piece, is_last = self._spoil(piece)
                limit = self.lost.get(direction, here + len(piece))
                passes = piece[:max(0, limit - here)]
                here += len(piece)
                self.dropped += len(piece) - len(passes)
                target.sendall(passes)
                if is_last:
                    return self._close_all()
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _spoil(self, piece):
        """What is left of a piece, and whether it is the last of all."""
        with self._lock:
            begin, is_last = self.passed, False
            if self.cut_after is not None and begin + len(piece) >= self.cut_after:
                piece, is_last = piece[:max(0, self.cut_after - begin)], True
                self.cuts += 1
            self.passed += len(piece)
            if self.flip_at is not None and begin <= self.flip_at < self.passed:
                at = self.flip_at - begin
                piece = piece[:at] + bytes([piece[at] ^ 0x15]) + piece[at + 1:]
                self.flips += 1
            return piece, is_last


@contextlib.contextmanager
def wire(url):
    """A wire to an http URL of this machine; it and its own URL."""
    host, port = url.removeprefix("http://").rsplit(":", 1)
    one = Wire((host, int(port)))
    try:
        yield one, f"http://127.0.0.1:{one.port}"
    finally:
        one.close()
