"""A page of others, which tries to have the browser ask for it what only ours may: every way by
which a page can send something elsewhere."""
import http.server
import threading

WAYS = ["form", "form-text", "form-parts", "form-get", "form-null", "form-redirected", "fetch",
        "fetch-json", "beacon", "beacon-json", "xhr", "image", "script", "style", "frame", "object",
        "events", "socket"]
# (base, targets): sends each target by each way; what of the answers could be seen.
FOREIGN = """
  const [base, targets] = args;
  const body = JSON.stringify({to: ['ben'], body: 'not from us', id: '0'.repeat(128), token: 'x'});
  const seen = [];
  const soon = (act) => Promise.race([new Promise(act), new Promise((d) => setTimeout(d, 8000))]);
  const add = (name, attributes, parent = document.body) => {
    const made = Object.assign(document.createElement(name), attributes);
    parent.append(made);
    return made;
  };
  const loaded = (what, name, attributes) => soon((done) => add(name, {...attributes,
    onload: () => { seen.push(what); done(); }, onerror: done}));
  const form = (action, more) => soon((done) => {
    const name = 'f' + Math.random();
    const frame = add('iframe', {name});
    const made = add('form', {action, method: 'POST', target: name, ...more});
    // What a form of the kind text/plain makes of this is JSON.
    add('input', {name: body.slice(0, -1) + ',"x":"', value: '"}'}, made);
    frame.onload = () => {
      try { if (frame.contentDocument) seen.push(action); } catch { /* Not ours to see. */ }
      done();
    };
    made.submit();
  });
  const ways = {
    form: (url) => form(url),
    'form-text': (url) => form(url, {enctype: 'text/plain'}),
    'form-parts': (url) => form(url, {enctype: 'multipart/form-data'}),
    'form-get': (url) => form(url, {method: 'GET', action: url}),
    'form-null': (url) => soon((done) => {
      const frame = document.createElement('iframe');
      frame.sandbox = 'allow-forms allow-scripts';
      frame.srcdoc = `<form method=POST action="${url}"><input name=x></form>` +
                     '<script>document.forms[0].submit()</scr' + 'ipt>';
      frame.onload = done;
      document.body.append(frame);
    }),
    'form-redirected': (url) => form('/to?' + url, {enctype: 'text/plain'}),
    fetch: (url) => fetch(url, {method: 'POST', mode: 'no-cors', credentials: 'include', body})
      .then((answer) => { if (answer.type !== 'opaque') seen.push(url); }),
    'fetch-json': (url) => fetch(url, {method: 'POST', credentials: 'include', body,
      headers: {'Content-Type': 'application/json', 'X-Bmsg-Token': '0'.repeat(64)}})
      .then(() => seen.push(url)),
    beacon: (url) => navigator.sendBeacon(url, body),
    'beacon-json': (url) => navigator.sendBeacon(url, new Blob([body], {type: 'application/json'})),
    xhr: (url) => soon((done) => {
      const request = new XMLHttpRequest();
      request.open('POST', url);
      request.withCredentials = true;
      request.onloadend = () => { if (request.status) seen.push(url); done(); };
      request.send(body);
    }),
    image: (url) => loaded(url, 'img', {src: url}),
    script: (url) => loaded(url, 'script', {src: url}),
    style: (url) => loaded(url, 'link', {rel: 'stylesheet', href: url}),
    frame: (url) => soon((done) => {
      const frame = add('iframe', {src: url});
      frame.onload = () => { if (frame.contentDocument) seen.push(url); done(); };
    }),
    object: (url) => soon((done) => add('object', {data: url, onload: done, onerror: done})),
    events: (url) => soon((done) => {
      const events = new EventSource(url, {withCredentials: true});
      events.onopen = () => { seen.push(url); events.close(); done(); };
      events.onerror = () => { events.close(); done(); };
    }),
    socket: (url) => soon((done) => {
      const socket = new WebSocket(url.replace('http', 'ws'));
      socket.onopen = () => { seen.push(url); socket.close(); };
      socket.onclose = done;
    }),
  };
  for (const target of targets) {
    await Promise.all(Object.entries(ways).map(async ([way, go]) => {
      try { await go(`${base}/api/${target}?way=${way}.`); } catch { /* Refused. */ }
    }));
  }
  // Beacons have no end that a page is told of: what is asked after them comes after them.
  await Promise.all(['/', '/app.js', '/bootstrap.css', '/api/inbox', '/api/state'].map(
    (path) => fetch(base + path, {credentials: 'include'}).then(() => seen.push(path), () => {})));
  await loaded('/app.js', 'script', {src: base + '/app.js'});
  await loaded('/app.css', 'link', {rel: 'stylesheet', href: base + '/app.css'});
  return seen;
"""


class Recorder:
    """An empty page without any door, which notes what it is asked; /to?URL leads there."""

    def __init__(self):
        lines = self.lines = []
        self.told = threading.Condition()
        told = self.told

        class Answer(http.server.BaseHTTPRequestHandler):
            """The same answer to everything."""

            def handle_one_request(self):
                self.raw_requestline = self.rfile.readline(65537)
                if not self.raw_requestline or not self.parse_request():
                    self.close_connection = True
                    return
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with told:
                    lines.append(f"{self.command} {self.path}")
                    told.notify_all()
                away = self.path.startswith("/to?")
                self.send_response(307 if away else 200)
                if away:
                    self.send_header("Location", self.path[4:])
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", "0")
                self.end_headers()
                self.close_connection = True

            def log_message(self, format, *args):  # pylint: disable=redefined-builtin
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.server.daemon_threads = True
        self.port = self.server.server_port

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def wait_for(self, wanted, seconds=20):
        """Those of the (way, target) that were not asked in time."""
        with self.told:
            self.told.wait_for(lambda: not self.missing(wanted), seconds)
            return self.missing(wanted)

    def missing(self, wanted):
        return [(way, target) for way, target in wanted
                if not any(f"/api/{target}?" in line and f"way={way}." in line or
                           way == "form-get" and f"GET /api/{target}?%7B" in line
                           for line in self.lines)]
