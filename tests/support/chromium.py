"""A browser for the scripts that test the page: Chromium without a window, led over WebDriver.
Every document counts what it must not do: calls of pwned() or of a dialog, and violations of its
policy."""
import base64
import contextlib
import json
import os
import re
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import stores

# Runs before anything of a page does, in frames too.
COUNTERS = """{
  const seen = {pwned: 0, dialogs: [], violations: []};
  Object.defineProperty(window, 'counted', {value: () => seen});
  window.pwned = () => { seen.pwned += 1; };
  for (const name of ['alert', 'prompt', 'confirm']) {
    window[name] = (text) => { seen.dialogs.push(`${name}: ${text}`); return true; };
  }
  addEventListener('securitypolicyviolation', (event) => {
    seen.violations.push(`${event.effectiveDirective}: ${event.blockedURI} ${event.sample}`);
  });
}"""

# What the driver says of an element that is not there as yet, or that is being drawn anew.
NOT_YET = ("no such element", "stale element", "element not interactable", "click intercepted")


class Unavailable(Exception):
    """No browser can be started here, and why."""


@contextlib.contextmanager
def started(directory, *switches):
    """A browser whose profile lies in the directory."""
    program = shutil.which("chromedriver")
    if not program or not shutil.which("chromium"):
        raise Unavailable("no chromium: apt-get install chromium chromium-driver")
    driver = subprocess.Popen([program, "--port=0"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, cwd=directory,
                              env=stores.environment(directory) | {"TMPDIR": str(directory)})
    browser = None
    try:
        for _ in range(20):
            said = re.search(r"successfully on port (\d+)", stores.read_line(driver.stdout, 30))
            if said:
                break
        browser = Browser(int(said[1]), directory, switches)
        yield browser
    finally:
        if browser:
            with contextlib.suppress(OSError, AssertionError):
                browser.ask("DELETE", "")
        driver.terminate()
        driver.wait(30)
        driver.stdout.close()


class Browser:
    """One window."""

    def __init__(self, port, directory, switches):
        self.place = f"http://127.0.0.1:{port}/session"
        words = ["--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                 "--disable-background-networking", "--disable-component-update",
                 "--disable-sync", "--disable-ipc-flooding-protection",
                 "--disable-features=HttpsUpgrades", "--window-size=1280,1000",
                 f"--user-data-dir={directory / 'profile'}", *switches]
        if os.geteuid() == 0:
            words.append("--no-sandbox")  # Which Chromium refuses to root.
        wanted = {"browserName": "chrome", "unhandledPromptBehavior": "ignore",
                  "timeouts": {"script": 120_000, "pageLoad": 60_000},
                  "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                  "goog:chromeOptions": {"args": words}}
        try:
            made = self.ask("POST", "", {"capabilities": {"alwaysMatch": wanted}})
        except AssertionError as error:
            raise Unavailable(f"chromium does not start: {str(error).splitlines()[0]}") from None
        self.place += "/" + made["sessionId"]
        self.devtools("Page.addScriptToEvaluateOnNewDocument", source=COUNTERS)
        self.go("about:blank")
        self.requests()  # Those of the first page, which is the browser's own.

    def ask(self, method, path, body=None):
        data = json.dumps(body).encode() if body is not None else None
        asked = urllib.request.Request(self.place + path, data, method=method,
                                       headers={"Content-Type": "application/json"})
        try:
            with urllib.request.urlopen(asked, timeout=150) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()[:2000]}") from None

    def devtools(self, command, **parameters):
        return self.ask("POST", "/goog/cdp/execute", {"cmd": command, "params": parameters})

    def go(self, url):
        self.ask("POST", "/url", {"url": url})

    def run(self, script, *arguments):
        """The body of an async function, run in the page; what it returns."""
        return self.ask("POST", "/execute/sync", {
            "script": f"return (async (...args) => {{ {script} }})(...arguments)",
            "args": list(arguments)})

    def until(self, script, *arguments, seconds=30):
        """Waits until a body returns something; that."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if found := self.run(script, *arguments):
                return found
            time.sleep(0.05)
        raise AssertionError(f"never came true: {script}; the page: {self.text()[:1000]}; "
                             f"it counted: {self.run('return window.counted()')}; "
                             f"its log: {self.log('browser')}")

    def text(self, selector="body"):
        return self.run("return document.querySelector(args[0])?.innerText || ''", selector)

    def element(self, selector):
        found = self.ask("POST", "/element", {"using": "css selector", "value": selector})
        return next(iter(found.values()))

    def act(self, selector, what, body):
        """On an element as it is now, once it can be acted on: the page may just have been drawn
        anew, or not yet have been laid out."""
        deadline = time.monotonic() + 20
        while True:
            try:
                return self.ask("POST", f"/element/{self.element(selector)}/{what}", body)
            except AssertionError as error:
                if time.monotonic() > deadline or not any(word in str(error) for word in NOT_YET):
                    raise
            time.sleep(0.05)

    def click(self, selector):
        self.act(selector, "click", {})

    def type(self, selector, text):
        """As somebody at the keyboard does."""
        self.act(selector, "value", {"text": text})

    def press(self, *keys):
        """Keys for whatever has the focus."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        self.ask("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": actions}]})

    def look(self, width, scheme):
        """The width in pixels; light or dark."""
        self.devtools("Emulation.setDeviceMetricsOverride", width=width, height=760,
                      deviceScaleFactor=1, mobile=False)
        self.devtools("Emulation.setEmulatedMedia",
                      features=[{"name": "prefers-color-scheme", "value": scheme},
                                # Colours are there at once.
                                {"name": "prefers-reduced-motion", "value": "reduce"}])

    def picture(self, file):
        file.write_bytes(base64.b64decode(self.ask("GET", "/screenshot")))

    def log(self, kind):
        return self.ask("POST", "/se/log", {"type": kind})

    def requests(self):
        """The addresses that were asked since the last time."""
        every = [json.loads(one["message"])["message"] for one in self.log("performance")]
        return [one["params"]["request"]["url"] for one in every
                if one["method"] == "Network.requestWillBeSent"]

    def check_quiet(self, *allowed):
        """No code of strangers ran, no policy was violated, and nothing complained since the last
        time, but for what has one of the allowed words."""
        seen = self.run("return window.counted()")
        assert seen == {"pwned": 0, "dialogs": [], "violations": []}, seen
        told = [one["message"] for one in self.log("browser")
                if not any(word in one["message"] for word in allowed)]
        assert not told, told
