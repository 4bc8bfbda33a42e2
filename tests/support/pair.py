"""Ana and Ben on one chain, for scripts about mail between two stores."""
import json

from stores import joined, new_chain


def ids_of(lines):
    """Ids of the messages among JSON lines, in order."""
    return [one["id"] for one in map(json.loads, lines.splitlines()) if one["type"] == "message"]


class Pair:
    """Each has the other as a contact. Ben writes, Ana watches."""

    def __init__(self, directory):
        self.directory = directory
        self.ana = new_chain(directory / "ana", "ana")
        self.ben = joined(directory / "ben", "ben", directory / "ana" / "genesis")
        for one, other in ((self.ana, self.ben), (self.ben, self.ana)):
            (directory / "card").write_bytes(other.run("id", "--card"))
            one.run("contact", "add", other.directory.name, directory / "card")

    def exchange(self, store=None):
        """Gives Ana what another store has, and the other way round."""
        with self.ana.served() as url:
            (store or self.ben).run("sync", url)

    def sent(self, *texts):
        """Ids of messages from Ben that lie in Ana's pool."""
        ids = [self.ben.text("send", "-m", text, "ana") for text in texts]
        self.exchange()
        return ids

    def mined(self, *texts):
        """Ids of messages from Ben, in a block of their own."""
        ids = self.sent(*texts)
        self.ana.run("mine", "--no-relay")
        return ids

    def watched(self, *options, **more):
        """Ids of what a watch gives out until nothing is left."""
        return ids_of(self.ana.run("watch", "--drain", *options, **more))

    def script(self, name, text):
        """A program of Ana's."""
        path = self.directory / name
        path.write_text("#!/bin/sh\n" + text)
        path.chmod(0o755)
        return path
