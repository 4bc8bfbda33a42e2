"""Web servers on this machine for the scripts: files, files over TLS, nginx where there is one."""
import contextlib
import functools
import http.client
import http.server
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import threading
import time

NGINX = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin")
OPENSSL = shutil.which("openssl")
NOBODY = 65534


class Files(http.server.SimpleHTTPRequestHandler):
    """A plain file server; notes what it was asked."""
    asked = []

    def do_GET(self):
        self.asked.append(self.path)
        super().do_GET()

    def do_POST(self):
        self.asked.append("POST " + self.path)
        self.send_error(405)

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def served(handler, tls=None):
    """A server that answers by `handler` on a free port; the port."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Liar(http.server.BaseHTTPRequestHandler):
    """Does not speak the protocol."""

    def do_GET(self):
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        self.close_connection = True

    def log_message(self, *arguments):
        pass


@contextlib.contextmanager
def liar():
    """A server that is no node; its URL."""
    with served(Liar) as port:
        yield f"http://127.0.0.1:{port}"


@contextlib.contextmanager
def files(directory, tls=None):
    """A file server; its port and the list of what it was asked."""
    asked = []
    handler = type("Noting", (Files,), {"asked": asked})
    with served(functools.partial(handler, directory=str(directory)), tls) as port:
        yield port, asked


@contextlib.contextmanager
def counting(origin, change=None):
    """A server that hands everything on to the port `origin`; its port and all answers to GET as
    (path, status, whether it may be kept). `change` is given the path, what was sent and what was
    answered, and gives back what is answered in its place."""
    seen = []

    class Forward(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def forward(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            names = ("If-None-Match", "Content-Type")
            fields = {name: self.headers[name] for name in names if self.headers[name]}
            there = http.client.HTTPConnection("127.0.0.1", origin, timeout=30)
            there.request(self.command, self.path, body or None, fields)
            answer = there.getresponse()
            content = answer.read()
            if change:
                content = change(self.path, body, content)
            if self.command == "GET":
                lasts = "immutable" in (answer.headers["Cache-Control"] or "")
                seen.append((self.path, answer.status, lasts))
            self.send_response_only(answer.status)
            for name in ("Content-Type", "Cache-Control", "ETag"):
                if answer.headers[name]:
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            there.close()

        do_GET = do_POST = forward

        def log_message(self, *arguments):
            pass

    with served(Forward) as port:
        yield port, seen


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def wait_for_port(port, process):
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as one:
            if one.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError(f"nginx does not listen: {process.stderr.read().decode()}")


@contextlib.contextmanager
def nginx(directory, server, tls=None):
    """nginx, in the foreground and without privileges, with this text for its one server; its port.
    `directory` is for its own files; what it is to read must be readable for everybody. `tls` is the
    files of a certificate and of its key."""
    directory = pathlib.Path(directory)
    directory.mkdir()
    port = free_port()
    temporary = "".join(f"{name}_temp_path {directory}/{name};\n" for name in
                        ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    secure = ""
    if tls:
        secure = " ssl;\nssl_certificate %s;\nssl_certificate_key %s" % tls
    config = directory / "nginx.conf"
    config.write_text(f"daemon off;\nmaster_process off;\npid {directory}/pid;\n"
                      f"error_log stderr;\nevents {{}}\nhttp {{\naccess_log off;\n{temporary}"
                      f"proxy_cache_path {directory}/cache keys_zone=kept:1m;\n"
                      f"server {{ listen 127.0.0.1:{port}{secure};\n{server}\n}}\n}}\n")
    lowered = {}
    if os.geteuid() == 0:
        os.chown(directory, NOBODY, NOBODY)
        lowered = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    process = subprocess.Popen([NGINX, "-p", str(directory), "-c", str(config), "-e", "stderr"],
                               stderr=subprocess.PIPE, cwd="/", **lowered)
    try:
        wait_for_port(port, process)
        yield port
    finally:
        process.terminate()
        process.wait(20)
        process.stderr.close()


class Authority:
    """A certificate authority of our own, and what it signs."""

    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.directory.mkdir()
        self.certificate = self.directory / "authority.crt"
        self.openssl("req", "-x509", "-newkey", "ed25519", "-nodes", "-keyout", "authority.key",
                     "-out", "authority.crt", "-days", "10", "-subj", "/CN=authority")

    def openssl(self, *words):
        subprocess.run([OPENSSL, *words], cwd=self.directory, check=True, capture_output=True,
                       timeout=60)

    def certify(self, name, names="IP:127.0.0.1", days=10, signed=True):
        """The files of a certificate for `names` and of its key, which is no secret here."""
        self.openssl("req", "-newkey", "rsa:2048", "-nodes", "-keyout", f"{name}.key", "-out",
                     f"{name}.csr", "-subj", f"/CN={name}")
        (self.directory / f"{name}.ext").write_text(f"subjectAltName={names}\n")
        signer = ["-CA", "authority.crt", "-CAkey", "authority.key", "-CAcreateserial"]
        if not signed:
            signer = ["-signkey", f"{name}.key"]
        self.openssl("x509", "-req", "-in", f"{name}.csr", "-out", f"{name}.crt", "-days",
                     str(days), "-extfile", f"{name}.ext", *signer)
        key = self.directory / f"{name}.key"
        key.chmod(0o644)  # nginx is somebody else.
        return self.directory / f"{name}.crt", key

    def context(self, name, **made):
        """A server's side of TLS with such a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*self.certify(name, **made))
        return context
