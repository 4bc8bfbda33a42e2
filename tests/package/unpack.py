#!/usr/bin/env python3
"""The Debian package: the same bytes whoever makes it, nothing in it of where it was made, and all
of it works where it is unpacked."""
import gzip
import hashlib
import os
import pathlib
import pty
import re
import shutil
import stat
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import building
import stores
from building import run

EPOCH = 1_700_000_000
FIRST_MINUTE = "2023-11-14 22:13"  # Of the epoch.
UNITS = ["bmsg.service", "bmsg-sync.service", "bmsg-sync.timer", "bmsg-mine.service",
         "bmsg-mine.timer", "bmsg-endorse.service", "bmsg-endorse.timer"]
OTHERS = ["bin/bmsg", "share/bash-completion/completions/bmsg",
          "share/zsh/vendor-completions/_bmsg", "share/fish/vendor_completions.d/bmsg.fish",
          "share/doc/bmsg/README.md", "share/doc/bmsg/copyright", "share/doc/bmsg/changelog.gz",
          "share/lintian/overrides/bmsg"]


def check_same_bytes(place):
    """Another directory, another umask, another kind of file system where there is one."""
    one = building.package(place / "one", EPOCH)
    shared = pathlib.Path("/dev/shm")
    elsewhere = shared if os.access(shared, os.W_OK) else place
    other_place = elsewhere / f"{place.name}-a-much-longer-name"
    before = os.umask(0o077)
    try:
        other = building.package(other_place, EPOCH)
        digests = {hashlib.sha512(deb.read_bytes()).hexdigest() for deb in (one, other)}
    finally:
        os.umask(before)
        shutil.rmtree(other_place, ignore_errors=True)
    assert len(digests) == 1, "two packages of one build differ"
    return one


def check_list(deb):
    """Modes, owners and times of everything; exactly the files that belong there."""
    files = []
    os.environ["TZ"] = "UTC"
    for line in run("dpkg-deb", "-c", deb).splitlines():
        mode, owner, _, *when, path = line.split()
        is_program = path == "./usr/bin/bmsg" or "/examples/" in path
        wanted = ("drwxr-xr-x" if path.endswith("/") else
                  "-rwxr-xr-x" if is_program else "-rw-r--r--")
        assert (mode, owner, " ".join(when)) == (wanted, "root/root", FIRST_MINUTE), line
        if not path.endswith("/"):
            files.append(path.removeprefix("./usr/"))
    pages = [f"share/man/man{page[-1]}/{page}.gz" for page in building.pages()]
    notices = [path for path in files if path.startswith("share/doc/bmsg/linked/")]
    assert len(notices) > 10, notices
    samples = [f"share/doc/bmsg/examples/hooks/{path.name}"
               for path in (building.SOURCE / "cli" / "share" / "hooks").iterdir()]
    units = [f"lib/systemd/user/{unit}" for unit in UNITS]
    assert sorted(files) == sorted(OTHERS + pages + notices + samples + units)


def check_fields(deb, version):
    fields = dict(line.split(": ", 1) for line in run("dpkg-deb", "-f", deb).splitlines()
                  if re.match(r"[A-Z][\w-]*: ", line))
    assert fields["Package"] == "bmsg" and fields["Version"] == version, fields
    assert re.fullmatch(r"libc6 \(>= [\d.]+\)", fields["Depends"]), fields
    assert {"Maintainer", "Section", "Priority", "Installed-Size", "Description"} <= set(fields)


def check_no_traces(root):
    """Not a path of the machine that it was made on."""
    traces = {str(building.SOURCE), str(building.BUILD), str(pathlib.Path.home()) + "/"} - {"/"}
    for file in (path for path in root.rglob("*") if path.is_file()):
        data = file.read_bytes()
        if file.suffix == ".gz":
            assert data[4:8] == bytes(4), f"{file.name} bears a time"
            data = gzip.decompress(data)
        for trace in traces:
            assert trace.encode() not in data, f"{file} names {trace}"


def check_pages(root):
    """Every page, by each program that is there."""
    programs = [words for words in (["mandoc", "-T", "utf8"], ["man", "-l"])
                if shutil.which(words[0])]
    assert programs, "neither mandoc nor man is installed; ./dev deps installs both"
    environment = os.environ | {"LC_ALL": "C.UTF-8", "MANWIDTH": "80"}
    for page in building.pages():
        file = root / "share" / "man" / f"man{page[-1]}" / f"{page}.gz"
        for words in programs:
            done = subprocess.run([*words, file], capture_output=True, env=environment, check=True)
            title = f"{page[:-2].upper()}({page[-1]})".encode()
            assert title in re.sub(rb".\x08", b"", done.stdout), f"{words[0]} does not show {page}"
            assert not done.stderr, f"{words[0]} {page}: {done.stderr.decode()}"


def at_terminal(words, environment):
    """What a program prints at a terminal, and its exit code."""
    process, terminal = pty.fork()
    if process == 0:
        os.execve(words[0], [str(word) for word in words], environment)
    printed = b""
    try:
        while piece := os.read(terminal, 65536):
            printed += piece
    except OSError:
        pass  # The other end is closed.
    os.close(terminal)
    _, status = os.waitpid(process, 0)
    return re.sub(rb"\x1b\[[\d;]*m|.\x08", b"", printed).decode(), os.waitstatus_to_exitcode(status)


def check_help(root, place):
    """Pages open at a terminal, though no variable says where they are."""
    program = root / "bin" / "bmsg"
    tools = {}
    for name, programs in (("both", ["man", "mandoc"]), ("mandoc", ["mandoc"]), ("none", [])):
        tools[name] = place / name
        tools[name].mkdir()
        for one in programs:
            if shutil.which(one):
                (tools[name] / one).symlink_to(shutil.which(one))
    paths = {"both": "/usr/bin:/bin", "mandoc": str(tools["mandoc"]), "none": str(tools["none"])}
    asked = [["help", "send"], ["send", "--help"], ["send", "--help", "--no-sign"]]
    for name, path in paths.items():
        environment = {"PATH": path, "HOME": str(place), "TERM": "dumb", "PAGER": "/bin/cat",
                       "MANPAGER": "/bin/cat", "LC_ALL": "C.UTF-8"}
        page_comes = any((tools[name] / one).exists() for one in ("man", "mandoc"))
        for words in asked:
            text, code = at_terminal([program, *words], environment)
            assert code == 0 and ("BMSG-SEND(1)" in text) == page_comes, (name, words, text[:300])
            assert ("Usage: " in text) != page_comes, (name, words, text[:300])
        for words in (["send", "-h"], ["--no-pager", "help", "send"]):
            text, code = at_terminal([program, *words], environment)
            assert code == 0 and "Usage: " in text and "BMSG-SEND" not in text, (name, words)
        for words in asked:
            done = subprocess.run([program, *words], capture_output=True, env=environment,
                                  check=True)
            assert b"Usage: " in done.stdout and not done.stderr, (name, words, done)
        done = subprocess.run([program, "help", "security"], capture_output=True, env=environment,
                              check=False)
        assert done.returncode == (0 if page_comes else 66), (name, done)
        assert (b"BMSG-SECURITY(7)" in re.sub(rb".\x08", b"", done.stdout)) == page_comes, name


def check_completion(root, store):
    """The scripts are those that the program prints, and bash completes with the one from here."""
    paths = {shell: root / path for shell, path in zip(("bash", "zsh", "fish"), OTHERS[1:4])}
    for shell, path in paths.items():
        assert path.read_bytes() == store.run("completion", shell), f"{path} is another"
    environment = store.environment | {"PATH": f"{root}/bin:/usr/bin:/bin"}
    words = f"-C {store.directory} contact show a"
    script = (f'source {paths["bash"]}; COMP_WORDS=(bmsg {words}); COMP_CWORD=5; _bmsg; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    assert run("bash", "-c", script, env=environment) == "ana\n"


def check_units(root, store):
    """The package's units are those of `schedule` for one store: only what names it differs."""
    printed = {pathlib.Path(one["file"]).name: one["text"]
               for one in store.objects("schedule", "--systemd")}
    mined = [unit for unit in UNITS if "endorse" not in unit]
    assert sorted(printed) == sorted(mined)
    naming = re.compile(r"^(Description|ConditionPathExists|ExecStart|ReadWritePaths)=")
    for unit in mined:
        pairs = zip((root / "lib" / "systemd" / "user" / unit).read_text().splitlines(),
                    printed[unit].splitlines()[1:], strict=True)
        for packaged, own in pairs:
            assert packaged == own or naming.match(packaged)[1] == naming.match(own)[1], unit
            if packaged.startswith("ExecStart="):
                words = packaged.removeprefix(
                    "ExecStart=/usr/bin/bmsg -C %h/.local/share/bmsg/default ")
                assert own == (f'ExecStart="{stores.PROGRAM}" -C "{store.directory}" {words}'), own


def main():
    for program in ("dpkg-deb", "dpkg-shlibdeps"):
        assert shutil.which(program), f"{program} is not installed; ./dev deps installs it"
    with stores.workplace() as place:
        deb = check_same_bytes(place)
        check_list(deb)
        run("dpkg-deb", "-x", deb, place / "root")
        root = place / "root" / "usr"
        program = root / "bin" / "bmsg"
        assert stat.S_IMODE(program.stat().st_mode) == 0o755
        said = run(program, "version", env={})
        check_fields(deb, said.splitlines()[0].removeprefix("bmsg "))
        check_no_traces(root)
        check_pages(root)
        check_help(root, place)
        stores.PROGRAM = str(program)
        store = stores.new_chain(place / "ana", "ana")
        store.run("contact", "add", "ana", store.text("id"))
        check_completion(root, store)
        check_units(root, store)


main()
