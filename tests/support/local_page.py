"""The page of `bmsg web` for the scripts that test it: started, its link, two people with mail."""
import contextlib
import re
import signal
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
def page(store, *options, listen="127.0.0.1:0"):
    """The command, where it listens, and the file with its link."""
    file = store.directory.parent / "link"
    file.unlink(missing_ok=True)
    running = store.start(*options, "web", "--listen", listen, "--link-file", file)
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
