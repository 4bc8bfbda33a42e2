"""What manual pages tell a reader to type: taken from the page as it is shown, since that is what
gets copied, and run in a shell as somebody would who has nothing else."""
import os
import pathlib
import re
import shutil
import socket
import subprocess

import stores

MAN = pathlib.Path(__file__).resolve().parents[2] / "man"
WIDE = 1000  # Columns: no line of a page is broken.
CRON = re.compile(r"(?:[\d*/,-]+ ){5}(.*)")
# A reader that goes on for ever; it may be told to stop at any moment.
ENDLESS = re.compile(r"bmsg watch (?!.*--(?:drain|count|timeout|parked))")
# Programs of others: each keeps what it was given, and does as much as the line needs.
STAND_INS = {
    "mail": "cat >/dev/null", "notify-send": ":", "age": "cat", "pass": "echo 'a passphrase'",
    "systemctl": ":", "xdg-open": ":", "ssh": "shift; exec sh -c \"$*\"",
    "crontab": "[ \"$1\" = - ] || { echo 'no crontab for you' >&2; exit 1; }; cat >/dev/null",
}


def plain(text):
    """Without what makes letters bold or underlined."""
    return re.sub(r".\x08|\x1b\[[\d;]*m", "", text)


def shown(page, formatter="mandoc"):
    """The lines of a page as mandoc(1) or groff(1) shows it."""
    words = {"mandoc": ["mandoc", "-T", "utf8", "-O", f"width={WIDE}", page],
             "groff": ["groff", "-mandoc", "-Tutf8", f"-rLL={WIDE}n", page]}[formatter]
    done = subprocess.run(words, capture_output=True, check=True)
    return plain(done.stdout.decode()).splitlines()


def sections(lines):
    """The headings of a page that stand at its margin."""
    return [line for line in lines[1:-1] if line and not line[0].isspace()]


def commands(lines):
    """What stands behind "$ ", with what goes on behind "> ", and what cron would run."""
    found = []
    for line in lines:
        text = line.strip()
        if text.startswith("$ "):
            found.append(text[2:])
        elif text.startswith("> ") or text == ">":
            found[-1] += "\n" + text[2:]
        elif match := CRON.fullmatch(text):
            found.append(match[1].replace("\\%", "%"))
    return found


def scripts(lines):
    """The scripts that a page shows, by the names that their second lines give them."""
    found = {}
    for at, line in enumerate(lines):
        if line.strip() != "#!/bin/sh":
            continue
        margin = len(line) - len(line.lstrip())
        text = [one[margin:] for one in lines[at:lines.index("", at)]]
        found[text[1].removeprefix("# ").partition(":")[0]] = "\n".join(text) + "\n"
    return found


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class Typist:
    """A shell in a directory that is home, with the program on its PATH. The port that pages name
    may be taken, so another stands in its place."""

    def __init__(self, home, shell="sh"):
        self.home = home
        self.shell = shell
        self.port = free_port()
        places = home / ".bin"
        places.mkdir()
        (places / "bmsg").symlink_to(pathlib.Path(stores.PROGRAM).resolve())
        for name, does in STAND_INS.items():
            (places / name).write_text(f"#!/bin/sh\n{does}\n")
            (places / name).chmod(0o755)
        settings = home / ".config" / "bmsg"
        settings.mkdir(parents=True, exist_ok=True)
        (settings / "config.toml").write_text(
            f'serve.listen = "127.0.0.1:{self.port}"\nweb.listen = "127.0.0.1:0"\n')
        self.environment = stores.environment(home) | {"PATH": f"{places}:{os.environ['PATH']}"}
        del self.environment["BMSG_NO_INPUT"]  # Without a terminal nobody is asked anyway.

    def script(self, lines):
        """The lines, each followed by a note of how it ended, beside what makes them run at all."""
        text = "exec 9>.codes\n" + ("set -o pipefail\n" if self.shell == "bash" else "")
        text += ("ready() { n=0; until [ -S \"$1/run/node.sock\" ]; do sleep 0.05; n=$((n + 1)); "
                 "[ $n -lt 400 ] || return 1; done; }\n")
        for number, line in enumerate(lines):
            line = line.replace(":5512", f":{self.port}")
            if "--no-passphrase" not in line:  # Nobody is there to ask.
                line = re.sub(r"^(bmsg (?:-C \S+ )?(?:init|clone)) ", r"\1 --no-passphrase ", line)
            store = re.search(r"-C (\S+)", line)
            ready = f"ready {store[1] if store else '$BMSG_STORE'}\n"
            if re.match(r"bmsg (-C \S+ )?serve", line) and not line.endswith("&"):
                line += f" &\n{ready}kill $!; wait $!"
            if re.match(r"bmsg (-C \S+ )?web", line):
                line = (f"rm -f .page\n{line} >.page &\n"
                        "until grep -qs listening .page; do sleep 0.05; done\nkill $!; wait $!")
            if ENDLESS.match(line):
                line += " &\nsleep 1; kill $!; wait $!; [ $? -eq 143 ]"
            text += f"{line}\necho \"{number} $?\" >&9\n"
            text += ready if line.endswith("&") and "serve" in line else ""
        return text + "for job in $(jobs -p); do kill $job 2>/dev/null; done; wait\n"

    def type(self, lines, expected=(), seconds=120):
        """Runs them in one shell; what they print. Fails at an exit code other than 0, or the one
        that `expected` has for the line."""
        done = subprocess.run([shutil.which(self.shell), "-c", self.script(lines)], cwd=self.home,
                              env=self.environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, check=False,
                              timeout=seconds * stores.PATIENCE)
        told = [line.split() for line in (self.home / ".codes").read_text().splitlines()]
        codes = {int(number): int(code) for number, code in told}
        said = done.stdout.decode(errors="replace")
        for number, line in enumerate(lines):
            wanted = dict(expected).get(line, 0)
            assert number in codes, f"'{line}' did not end; before it: {said[-1500:]}"
            assert codes[number] == wanted, f"'{line}' exits {codes[number]}: {said[-1500:]}"
        return said
