"""The page of `bmsg web` for the scripts that test it: started, its link, two people with mail."""
import contextlib
import pathlib
import re
import signal
import subprocess
import time

import stores


def link_in(file, before=""):
    """The token in the file, once it is another than `before`."""
    for _ in range(300):
        found = re.fullmatch(r"http://\S+/#t=([0-9a-f]{64})\n", file.read_text()) if file.exists() \
            else None
        if found and found[1] != before:
            return found[1]
        time.sleep(0.1)
    raise AssertionError("no link was written")


@contextlib.contextmanager
def page(store, *options, listen="127.0.0.1:0", extra=()):
    """The command, where it listens, and the file with its link."""
    file = store.directory.parent / "link"
    file.unlink(missing_ok=True)
    running = store.start(*options, "web", "--listen", listen, "--link-file", file, *extra)
    try:
        place = stores.read_line(running.stdout, 30).removeprefix("listening ")
        yield running, place, file
    finally:
        running.send_signal(signal.SIGTERM)
        said = running.communicate(timeout=60)
        assert running.returncode == 0, (running.returncode, said)
        assert said == (b"", b""), said


def port_of(place):
    return int(re.fullmatch(r"http://127\.0\.0\.1:(\d+)", place)[1])


def met(directory):
    """Two stores that know each other's cards, and mail from ben that ana has in a block."""
    ana = stores.new_chain(directory / "ana", "ana")
    ben = stores.joined(directory / "ben", "ben", directory / "ana" / "genesis")
    ben.run("contact", "add", "ana", "-", input=ana.run("id", "--card"))
    ana.run("contact", "add", "ben", "-", input=ben.run("id", "--card"))
    with ana.served() as url:
        ben.run("send", "-s", "<script>alert(1)</script>", "-m", "Hello ana", "ana")
        ben.run("sync", url)
    ana.run("mine", "--no-relay")
    return ana, ben


def branch_off(ana, ben):
    """A block of ana's that a longer branch of ben's has overtaken."""
    with ana.served() as url:
        ben.run("sync", url)
    ana.run("send", "--public", "-m", "soon aside")
    ana.run("mine", "--no-relay")
    ben.run("mine", "-n", "8", "--allow-empty", "--no-relay")
    with ben.served() as url:
        ana.run("sync", url)


def long_store(directory, name, blocks):
    """A store with so many blocks of two messages each."""
    program = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "long_chain"
    bundle = directory / f"{name}.bundle"
    with bundle.open("wb") as out:
        subprocess.run([program, str(blocks), "2", "0"], stdout=out, check=True, timeout=120)
    store = stores.Store(directory / name)
    store.run("clone", "--no-passphrase", bundle, store.directory, timeout=300)
    return store
