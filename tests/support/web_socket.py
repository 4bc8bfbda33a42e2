"""The client's side of a WebSocket (RFC 6455) over a plain socket: texts, pings, closes."""
import base64
import hashlib
import os
import socket
import struct

GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
MORE, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(opcode, payload=b"", last=True):
    """The bytes of a frame as a client sends it."""
    head = bytes([(0x80 if last else 0) | opcode])
    size = len(payload)
    if size < 126:
        head += bytes([0x80 | size])
    elif size < 65536:
        head += struct.pack(">BH", 0x80 | 126, size)
    else:
        head += struct.pack(">BQ", 0x80 | 127, size)
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class Refused(Exception):
    """The answer to the handshake, where it is another than 101."""


class WebSocket:
    """One connection. `sock` may be polled: when it can be read, arrived() gives what came."""

    def __init__(self, address, target="/", timeout=30, **fields):
        self.sock = socket.create_connection(address, timeout=timeout) \
            if isinstance(address, tuple) else socket.socket(socket.AF_UNIX)
        if not isinstance(address, tuple):
            self.sock.settimeout(timeout)
            self.sock.connect(address)
        self.pending = b""
        self.message = b""
        self.closed = None  # The code of the other side's close; 1006: it ended without.
        try:
            self.shake_hands(target, address, fields)
        except BaseException:
            self.sock.close()
            raise

    def shake_hands(self, target, address, fields):
        key = base64.b64encode(os.urandom(16)).decode()
        host = f"{address[0]}:{address[1]}" if isinstance(address, tuple) else "localhost"
        asked = {"Host": host, "Upgrade": "websocket", "Connection": "Upgrade",
                 "Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13"}
        asked |= {name.replace("_", "-"): value for name, value in fields.items()}
        lines = [f"{name}: {value}\r\n" for name, value in asked.items() if value is not None]
        self.sock.sendall(f"GET {target} HTTP/1.1\r\n{''.join(lines)}\r\n".encode())
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = self.sock.recv(4096)
            if not piece:
                raise Refused(answer.decode())
            answer += piece
        head, self.pending = answer.split(b"\r\n\r\n", 1)
        proof = base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()
        if not head.startswith(b"HTTP/1.1 101 "):
            raise Refused(answer.decode())
        assert f"Sec-WebSocket-Accept: {proof}" in head.decode().split("\r\n"), head

    def say(self, text):
        self.sock.sendall(frame(TEXT, text.encode()))

    def frames(self):
        """Those that are whole in what has come."""
        while len(self.pending) >= 2:
            size, at = self.pending[1], 2
            assert size < 128, "a server masks nothing"
            if size >= 126:
                at = 4 if size == 126 else 10
                if len(self.pending) < at:
                    return
                size = int.from_bytes(self.pending[2:at], "big")
            if len(self.pending) < at + size:
                return
            first, payload = self.pending[0], self.pending[at:at + size]
            self.pending = self.pending[at + size:]
            yield first & 15, payload, first >= 128

    def arrived(self):
        """Reads once; the texts that are whole now. Pings are answered."""
        texts = self.taken()
        if texts:
            return texts
        try:
            piece = self.sock.recv(65536)
        except ConnectionResetError:
            piece = b""
        if not piece:
            self.closed = self.closed or 1006
        self.pending += piece
        return self.taken()

    def taken(self):
        texts = []
        for opcode, payload, last in self.frames():
            if opcode == PING:
                self.sock.sendall(frame(PONG, payload))
            elif opcode == CLOSE:
                self.closed = int.from_bytes(payload[:2], "big") or 1005
            elif opcode in (TEXT, MORE):
                self.message += payload
                if last:
                    texts.append(self.message.decode())
                    self.message = b""
        return texts

    def hear(self):
        """The next text; None if the connection ends first."""
        while self.closed is None:
            texts = self.arrived()
            if texts:
                assert len(texts) == 1, texts
                return texts[0]
        return None

    def close(self):
        self.sock.close()
