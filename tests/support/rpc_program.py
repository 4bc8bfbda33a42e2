"""A program that calls `bmsg web --rpc`, for the scripts."""
import base64
import contextlib
import http.client
import json
import socket


class Program:
    """A program that calls, one question to a connection."""

    def __init__(self, port, path=None):
        self.port, self.path = port, path
        self.answer = None

    def ask(self, method, body=None, status=200, target="/", **changed):
        """The text of an answer. `changed`: headers that are not as usual; None: left out."""
        headers = {"Host": f"127.0.0.1:{self.port}"}
        if method == "POST":
            headers["Content-Type"] = "application/json"
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        line = http.client.HTTPConnection("127.0.0.1", self.port or 80, timeout=60)
        if self.path:
            line.sock = socket.socket(socket.AF_UNIX)
            line.sock.connect(self.path)
        with contextlib.closing(line):
            line.request(method, target, body,
                         {name: value for name, value in headers.items() if value is not None})
            self.answer = line.getresponse()
            text = self.answer.read().decode()
        assert self.answer.status == status, (method, changed, self.answer.status, text[:300])
        assert not [name for name, _ in self.answer.getheaders()
                    if name.lower().startswith("access-")]
        return text

    def post(self, what, **more):
        text = self.ask("POST", what if isinstance(what, (str, bytes)) else json.dumps(what),
                        **more)
        return json.loads(text) if text else None

    def call(self, name, *words):
        return self.post({"jsonrpc": "2.0", "id": 1, "method": name, "params": list(words)})

    def result(self, name, *words):
        answer = self.call(name, *words)
        assert "result" in answer, answer
        return answer["result"]

    def refusal(self, name, *words):
        return self.call(name, *words)["error"]["message"]

    def handshake(self, path="/", **changed):
        """The status of a request to become a WebSocket."""
        headers = {"Host": f"127.0.0.1:{self.port}", "Upgrade": "websocket",
                   "Connection": "Upgrade", "Sec-WebSocket-Version": "13",
                   "Sec-WebSocket-Key": base64.b64encode(b"0123456789abcdef").decode()}
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        text = f"GET {path} HTTP/1.1\r\n" + "".join(
            f"{name}: {value}\r\n" for name, value in headers.items() if value is not None)
        with socket.create_connection(("127.0.0.1", self.port)) as line:
            line.settimeout(30)
            line.sendall(text.encode() + b"\r\n")
            said = line.recv(4096).decode(errors="replace")
        return int(said.split()[1])
