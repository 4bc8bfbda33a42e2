#!/usr/bin/env python3
"""Records that some program has found become peers that strangers told of: those that a node of the
chain has signed, at places that may be called, and nothing else that stands between them."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import stores

PLACE = "11.0.0.1:5512"


def main():
    with stores.workplace() as place:
        ana = stores.new_chain(place / "ana", "ana")
        ben = stores.joined(place / "ben", "ben", ana.directory / "genesis")
        eve = stores.new_chain(place / "eve", "eve")
        with ana.served("--advertise", PLACE):
            record = ana.run("peers", "export", "--records")
        assert record.startswith(PLACE.encode() + b" ") and record.count(b"\n") == 1, record
        changed = record.replace(b"11.0.0.1", b"11.0.0.2")
        junk = b"\n\0\xff\n" + b"x" * 600 + b"\n" + changed
        for store, given in ((eve, record), (ben, junk), (ben, b""), (ben, record[:-9])):
            assert store.run("peers", "learn", input=given) == b""
            assert store.objects("peers") == [], given
        for given in (junk + record + junk, record, record * 900):
            ben.run("peers", "learn", input=given)
            [peer] = ben.objects("peers")
            assert (peer["url"], peer["source"]) == (f"https://{PLACE}", "dht"), peer
            assert peer["node"] == ana.text("id", "--node"), peer
        # A person names the url: the key that a stranger chose is nobody's.
        ben.run("peers", "add", "--no-probe", f"https://{PLACE}")
        [peer] = ben.objects("peers")
        assert (peer["source"], peer["node"]) == ("config", None), peer
        ben.run("peers", "learn", input=b"x" * 513_001, exits=(65,))
        ben.run("peers", "learn", input=b"x" * 513_000)


main()
