"""Four stores of one chain, for scripts about approvals: ana, ben and carl may sign, dora acts. All
of them are contacts of hers; eve is not."""
import pathlib
import subprocess

import stores
from pair import ids_of

FALSE_APPROVAL = pathlib.Path(stores.PROGRAM).resolve().parent / "tests" / "false_approval"
TWO_OF_THREE = "of(2, ana, ben, carl)"


def lines_of(path):
    return path.read_text().splitlines() if path.exists() else []


def refused(store, code, says, *words, **options):
    """A command that fails with this code and these words; its message."""
    done = subprocess.run(store.words(*words), capture_output=True, env=store.environment,
                          check=False, timeout=60, **options)
    told = done.stderr.decode()
    assert done.returncode == code and says in told, (words, done.returncode, told)
    assert done.stdout == b"", (words, done.stdout)
    return told


class Signers:
    def __init__(self, directory):
        self.directory = directory
        self.dora = stores.new_chain(directory / "dora", "dora")
        self.ana, self.ben, self.carl, self.eve = self.others = [
            self.joined(name) for name in ("ana", "ben", "carl", "eve")]
        for store in self.others[:3]:
            self.dora.run("contact", "add", store.directory.name, store.text("id"))
        self.mined()

    def joined(self, name, *options):
        return stores.joined(self.directory / name, name, self.dora.directory / "genesis", *options)

    def meet(self, *others):
        """All have what all have."""
        with self.dora.served() as url:
            self.all_sync(url, others)
            self.all_sync(url, others)

    def mined(self, *others):
        """All that waits, in a block that all have."""
        with self.dora.served() as url:
            self.all_sync(url, others)
            self.dora.run("mine", "--allow-empty", "--no-relay")
            self.all_sync(url, others)

    def all_sync(self, url, others):
        running = [store.start("sync", url) for store in others or self.others]
        for one in running:
            told = one.communicate(timeout=60)[1]
            assert one.returncode == 0, told

    def posted(self, store, text, topic="depl"):
        """A public message in a block."""
        message = store.text("send", "--public", "--topic", topic, "-m", text)
        self.mined()
        return message

    def approved(self, store, message, *options):
        """An approval in a block."""
        approval = store.text("approve", message, *options)
        self.mined()
        return approval

    def approve_as(self, store, message, text, topic="depl", within=None):
        """Has store's owner sign that the message says this text; it waits there, or elsewhere."""
        outbox = (within or store).directory / "outbox"
        words = [FALSE_APPROVAL, self.dora.directory / "genesis", outbox, topic, message, text]
        subprocess.run(words, input=store.run("id", "backup", "--paper"), capture_output=True,
                       check=True)

    def standing(self, message):
        """What dora shows of it: pending, how many of how many, by whom."""
        shown = self.dora.objects("read", message)[0]
        found = shown["approvals"]
        assert ("pending" in shown["marks"]) == found["pending"], shown
        return found["pending"], found["have"], found["needed"], [
            one["name"] for one in found["by"]]

    def watched(self, *options, **more):
        """Ids of what dora's watch prints until nothing is left."""
        return ids_of(self.dora.run("watch", "--drain", *options, **more))

    def program(self, name, text):
        path = self.directory / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return path


class Runner:
    """A watch of dora's that calls a program, which writes down what it was called for."""

    def __init__(self, signers, cursor, what=("--topic", "depl"), text=""):
        self.signers = signers
        self.log = signers.directory / f"{cursor}.log"
        self.program = signers.program(f"{cursor}.sh", f'echo "$BMSG_ID" >>{self.log}\n{text}')
        self.words = ["watch", *what, "--cursor", cursor]
        signers.dora.run(*self.words, "--drain")  # From now on.

    def calls(self, *options, **more):
        """Lets it run until nothing is left; what it was called for by then."""
        self.signers.dora.run(*self.words, "--drain", *options, "--exec", self.program, **more)
        return lines_of(self.log)
