#!/usr/bin/env python3
"""Every line of every EXAMPLES section, and whatever else pages and README.md tell one to type,
works: it is run as it is shown, in a world where the names that it uses mean something."""
import pathlib
import re
import shutil
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "support"))
import pages
import stores
import world

README = pathlib.Path(__file__).resolve().parents[2] / "README.md"
# These begin with nothing; the tutorial has a test of its own, and bmsg-discover needs a network.
FRESH = {"bmsg", "README"}
ELSEWHERE = {"bmsg-tutorial", "bmsg-discover"}
# What a page started and does not end.
AFTER = {"bmsg-unlock": ["bmsg lock"]}
SEND_FILE = "tar -c notes | bmsg send -m files -a - --attach-name notes.tar --expires 1d ana"
# What a page takes for granted.
BEFORE = {
    "bmsg-hooks.1": ["install -m 700 /dev/stdin ana/hooks/post-receive <<< '#!/bin/true'"],
    "bmsg-approve": ["bmsg -C ben send --public --topic deploy -m 'release 1.4'",
                     "bmsg -C ben bundle create --pool release", "bmsg bundle apply release"],
    "bmsg-cat": [SEND_FILE, "bmsg outbox flush"],
    "bmsg-read": [SEND_FILE, "bmsg outbox flush"],
    "bmsg-clone": ["bmsg invite --host 127.0.0.1:5512 > invite"],
    "bmsg-endorse": ["rm -r ana", "bmsg init ana --no-passphrase --private --endorser "
                     "$(bmsg endorsers key --new a.key) --endorser-key a.key"],
    "bmsg-charter": ["rm -r ana", "bmsg init ana --no-passphrase --private --endorser "
                     "$(bmsg endorsers key --new a.key) --endorser-key a.key"],
    "bmsg-invite": ["head -c 32 /dev/urandom | basenc --base64url -w 0 | tr -d = "
                    "> ana/keys/discovery.secret"],
    "bmsg-mark": ["bmsg contact rename ben ci"],
    "bmsg-search": ["bmsg contact rename ben ci"],
    "bmsg-mirror": ["mkdir ~/www"],
    "bmsg-open": ["tar c notes | bmsg seal -r ana > notes.sealed"],
    "bmsg-passwd": ["echo another > ~/new-passphrase"],
    "bmsg-restore": ["bmsg backup ~/backup/bmsg.tar"],
    "bmsg-unlock": ["pass bmsg > ~/secret", "bmsg passwd --new-passphrase-file ~/secret"],
    "bmsg-watch": ["while sleep 1; do bmsg send -q -m uptime ana; bmsg mine -q; done > /dev/null &"],
    "bmsg-send": ["bmsg mine --loop --allow-empty > /dev/null &"],
}
# Not 0, and why.
EXPECTED = {"bmsg schedule --install cron": 64}  # It would ask, and nobody is at a terminal.
# Not run, and why.
NOT_RUN = {
    "./dev build": "builds the program under test",
    "./dev demo": "demo_test runs it",
    "bmsg clone https://www.example.org/ops.bundle": "invite_clone does, from its own server",
}


def lines_of(path):
    if path.suffix == ".md":
        fenced = re.findall(r"^```$(.*?)^```$", path.read_text(), flags=re.M | re.S)
        lines = [line for block in fenced for line in block.splitlines() if line.strip()]
        return [line.removeprefix("$ ").partition("  #")[0].strip() for line in lines]
    return pages.commands(pages.shown(path))


def make_world(directory):
    """The names that examples use: ana, whose store is the usual one, ben, the group ops; files."""
    place = world.World(directory)
    ana = place.ana
    ana.run("contact", "add", "ana", ana.text("id"))
    ana.run("contact", "group", "add", "ops", "ben", "ana")
    ana.run("peers", "rm", "http://127.0.0.1:9")
    hub = stores.joined(directory / "hub", "hub", ana.directory / "genesis")
    for store in (ana, place.ben, hub):
        (store.directory / "ballast").unlink()  # It need not be copied for each page.
    (directory / "solved").rename(directory / "solved.block")
    for name in ("notes", "backup", "Mail", ".zfunc", ".config/fish/completions"):
        (directory / name).mkdir(parents=True)
    (directory / "notes" / "one").write_text("text\n")


def run_page(path, lines, template, directory):
    """All lines of one page in a copy of the world, beside a node that serves where pages say."""
    home = directory / path.name
    if path.stem in FRESH:
        home.mkdir()
    else:
        shutil.copytree(template, home, symlinks=True)
    typist = pages.Typist(home, "bash")
    typist.environment["BMSG_STORE"] = str(home / "ana")
    before = list(BEFORE.get(path.stem, BEFORE.get(path.name, [])))
    for name, text in pages.scripts(pages.shown(path)).items() if path.suffix != ".md" else []:
        (home / name).write_text(text)
        (home / name).chmod(0o755)
    if path.stem not in FRESH and any(":5512" in line and "serve" not in line for line in lines):
        before.append("bmsg -C hub serve > /dev/null &")
    typist.type(before + lines + AFTER.get(path.stem, []), EXPECTED)
    shutil.rmtree(home)


def main():
    if not shutil.which("mandoc") or not shutil.which("jq"):
        print("skip: mandoc or jq is not installed")
        sys.exit(77)
    found = {path: lines_of(path) for path in [README, *sorted(pages.MAN.iterdir())]}
    every = [line for lines in found.values() for line in lines]
    idle = (set(NOT_RUN) | set(EXPECTED)) - set(every)
    faults = [f"nobody shows '{line}' any more" for line in sorted(idle)]
    commands = [path for path in found if path.suffix == ".1"]
    faults += [f"{path.name} shows no example" for path in commands if not found[path]]
    ran = 0
    with stores.workplace() as directory:
        make_world(directory / "world")
        for path, all_lines in found.items():
            if sys.argv[1:] and path.stem not in sys.argv[1:]:
                continue
            lines = [line for line in all_lines if line not in NOT_RUN]
            if not lines or path.stem in ELSEWHERE:
                continue
            began = time.monotonic()
            try:
                run_page(path, lines, directory / "world", directory)
                ran += len(lines)
            except AssertionError as fault:
                faults.append(f"{path.name}: {fault}")
            if time.monotonic() - began > 3:
                print(f"{path.name} took {time.monotonic() - began:.1f} s", flush=True)
    print(f"{ran} lines of {len(found)} pages")
    sys.exit("\n".join(faults) if faults else 0)


main()
