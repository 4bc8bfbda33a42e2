"""What a browser sends to the page of `bmsg web`, for scripts that test it over HTTP."""
import contextlib
import http.client
import json
import socket

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
          "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")


class Browser:
    """What a browser would send, one question to a connection."""

    def __init__(self, port, path=None):
        self.port, self.path = port, path
        self.cookie = self.token = None
        self.answer = self.set_cookie = None

    def connection(self):
        made = http.client.HTTPConnection("127.0.0.1", self.port or 80, timeout=60)
        if self.path:
            made.sock = socket.socket(socket.AF_UNIX)
            made.sock.connect(self.path)
        return made

    def ask(self, method, target, body=None, status=200, **changed):
        """The objects of an answer, which has this status; None: any. `changed`: headers that are
        not as usual; None: left out."""
        host = f"127.0.0.1:{self.port}"
        headers = {"Host": host, "Sec-Fetch-Site": "same-origin", "Cookie": self.cookie,
                   "X-Bmsg-Token": self.token}
        if method == "POST":
            headers |= {"Origin": f"http://{host}", "Content-Type": "application/json"}
        headers |= {name.replace("_", "-"): value for name, value in changed.items()}
        data = json.dumps(body).encode() if body is not None else None
        with contextlib.closing(self.connection()) as line:
            line.request(method, target, data,
                         {name: value for name, value in headers.items() if value is not None})
            self.answer = line.getresponse()
            text = self.answer.read()
        assert status in (None, self.answer.status), f"{method} {target}: {self.answer.status} {text[:300]}"
        check_fields(self.answer)
        self.set_cookie = self.answer.getheader("Set-Cookie") or self.set_cookie
        if target.startswith("/api/"):
            return [json.loads(one) for one in text.splitlines()]
        return text

    def get(self, what, **more):
        return self.ask("GET", f"/api/{what}", **more)

    def post(self, what, body=None, **more):
        return self.ask("POST", f"/api/{what}", body or {}, **more)

    def enter(self, link):
        session = self.post("enter", {"token": link})[0]
        assert session["type"] == "session", session
        self.token = session["token"]
        self.cookie = self.set_cookie.split(";")[0]
        return self


def check_fields(answer):
    assert answer.getheader("Content-Security-Policy") == POLICY
    assert answer.getheader("Cache-Control") == "no-store"
    assert answer.getheader("Referrer-Policy") == "no-referrer"
    assert answer.getheader("X-Content-Type-Options") == "nosniff"
    assert not [name for name, _ in answer.getheaders() if name.lower().startswith("access-")]
