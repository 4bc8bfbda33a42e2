"""The stores and repositories that rows of ./dev bench stand beside; each is made once."""
import json
import pathlib
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
import stores  # noqa: E402
from report import seconds_of  # noqa: E402

PER_BLOCK = 100
LISTED = 20
GIT_USER = {"GIT_CONFIG_NOSYSTEM": "1", "GIT_AUTHOR_NAME": "a", "GIT_AUTHOR_EMAIL": "a@b",
            "GIT_COMMITTER_NAME": "a", "GIT_COMMITTER_EMAIL": "a@b"}


class Places:
    """Makes what is missing under `directory`, and tells how long that took."""

    def __init__(self, directory, tools):
        self.directory = pathlib.Path(directory)
        self.tools = pathlib.Path(tools)
        self.variables = stores.environment(self.directory) | GIT_USER

    def _made(self, name, make):
        place = self.directory / name
        done = place / "made"
        if not done.exists():
            if place.exists():
                sys.exit(f"bench: '{place}' was begun and not finished; remove it")
            place.mkdir(parents=True)
            begin = time.monotonic()
            make(place)
            done.touch()
            print(f"bench: made {name} in {time.monotonic() - begin:.1f} s", file=sys.stderr)
        return place

    def bundle(self, messages):
        """A chain with so many messages for others, as a bundle."""
        def make(place):
            with open(place / "bundle", "wb") as out:
                subprocess.run([self.tools / "long_chain", str(messages // PER_BLOCK),
                                str(PER_BLOCK), "0", "foreign"], stdout=out, check=True)
        return self._made(f"bundle-{messages}", make) / "bundle"

    def foreign(self, messages):
        """A store of that chain; its identity has no mail."""
        def make(place):
            store = stores.Store(place / "reader")
            store.run("clone", self.bundle(messages), store.directory, "--no-passphrase",
                      timeout=3600)
        return stores.Store(self._made(f"foreign-{messages}", make) / "reader")

    def posts(self, blocks, per_block):
        """A store of so many blocks of short public posts."""
        def make(place):
            with open(place / "bundle", "wb") as out:
                subprocess.run([self.tools / "long_chain", str(blocks), str(per_block), "0"],
                               stdout=out, check=True)
            store = stores.Store(place / "reader")
            store.run("clone", place / "bundle", store.directory, "--no-passphrase", timeout=3600)
        return stores.Store(self._made(f"posts-{blocks}x{per_block}", make) / "reader")

    def mailbox(self, messages):
        """Ana's and ben's store of a chain of so many messages, of which the newest are from ana to
        ben: more than a listing shows. Both know the other, and ben has listed his mail."""
        def make(place):
            ana, ben = stores.Store(place / "ana"), stores.Store(place / "ben")
            for store in (ana, ben):
                store.run("clone", self.bundle(messages), store.directory, "--no-passphrase",
                          "--name", store.directory.name, timeout=3600)
            with ana.served() as url:
                ben.run("sync", url)
                ana.run("contact", "add", "ben", ben.text("id"))
                ben.run("contact", "add", "ana", ana.text("id"))
                letters = "".join(json.dumps({"to": ["ben"], "body": f"letter {number}"}) + "\n"
                                  for number in range(2 * LISTED))
                ana.run("send", "--stdin", input=letters.encode())
                ana.run("mine", timeout=600)
                ben.run("sync", url)
            assert len(ben.objects("inbox", "-n", 1000)) == 2 * LISTED
        place = self._made(f"mailbox-{messages}", make)
        return stores.Store(place / "ana"), stores.Store(place / "ben")

    def repository(self, commits):
        """So many commits, each with a text of its own, packed."""
        def make(place):
            stream = []
            for number in range(commits):
                text = f"letter {number} of the bench"
                stream += ["commit refs/heads/main",
                           f"committer a <a@b> {1700000000 + number} +0000", f"data {len(text)}",
                           text, f"M 100644 inline f{number % 100}", f"data {len(text)}", text, ""]
            self.git(place, "init", "-q")
            self.git(place, "fast-import", "--quiet", input="\n".join(stream).encode())
            self.git(place, "symbolic-ref", "HEAD", "refs/heads/main")
            self.git(place, "reset", "-q", "--hard")
        return self._made(f"repository-{commits}", make)

    def git(self, repository, *words, **options):
        """Seconds and output."""
        return seconds_of(["git", "-C", repository, *words], env=self.variables, **options)
