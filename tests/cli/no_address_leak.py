#!/usr/bin/env python3
"""The addresses of sender and receiver stand nowhere in the stored or transferred bytes of a sealed
message: not raw, in hex, in base64 at any offset, in bech32m, or as a fingerprint.

Ana and Ben exchange cards as files and take their cards back from the outbox, so that whatever
their addresses are found in came with the message. A third store, that only relays, is searched
whole, and so is every byte that went over the wire.
"""
import base64
import pathlib
import re
import socket
import sys
import threading

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "support"))
from stores import joined, new_chain, workplace

ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def key_of(address):
    """The 32 bytes of a bech32m address, without its checksum."""
    bits = "".join(f"{ALPHABET.index(letter):05b}" for letter in address.removeprefix("bmsg1")[:52])
    return int(bits[:256], 2).to_bytes(32, "big")


def forms(address, fingerprint):
    """Every spelling under which an address could slip through."""
    key = key_of(address)
    spelled = {"raw": key, "hex": key.hex().encode(), "HEX": key.hex().upper().encode(),
               "bech32": address.encode(), "BECH32": address.upper().encode(),
               "fingerprint": fingerprint.encode()}
    for skipped in range(3):
        for name, encode in (("base64", base64.b64encode), ("base64url", base64.urlsafe_b64encode)):
            # Only the letters that depend on the key alone, whatever stands before and after it.
            text = encode(b"\0" * skipped + key).rstrip(b"=")
            spelled[f"{name}+{skipped}"] = text[-(-skipped * 8 // 6):-1]
    return spelled


def found(data, people):
    return [f"{who}: {form}" for who, spelled in people.items()
            for form, needle in spelled.items() if needle in data]


class Wire(threading.Thread):
    """A proxy that forwards one address and keeps what went through, in both directions."""

    def __init__(self, url):
        super().__init__(daemon=True)
        self.target = re.fullmatch(r"http://([\d.]+):(\d+)", url).groups()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.seen = {}

    def run(self):
        while True:
            near, _ = self.listener.accept()
            far = socket.create_connection(self.target)
            for number, (source, sink) in enumerate(((near, far), (far, near))):
                key = (near.fileno(), number, len(self.seen))
                self.seen[key] = bytearray()
                threading.Thread(target=self.pump, args=(source, sink, self.seen[key]),
                                 daemon=True).start()

    @staticmethod
    def pump(source, sink, seen):
        try:
            while piece := source.recv(65536):
                seen += piece
                sink.sendall(piece)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # The other side has closed; what was seen is kept.

    def bytes(self):
        return b"\n--\n".join(map(bytes, self.seen.values()))


def without_card(store):
    """Takes the store's own card back, so that only messages will travel."""
    for entry in store.objects("outbox"):
        store.run("outbox", "cancel", entry["id"])


def main():
    with workplace() as place:
        ana = new_chain(place / "ana", "ana")
        genesis = place / "ana" / "genesis"
        ben = joined(place / "ben", "ben", genesis)
        relay = joined(place / "relay", "relay", genesis, "--no-identity")
        people = {}
        for name, store in (("ana", ana), ("ben", ben)):
            people[name] = forms(store.text("id"), store.text("id", "--words"))
        ben.run("id", "--card", place / "ben.card")
        assert found((place / "ben.card").read_bytes(), people), "the search finds nothing at all"
        ana.run("contact", "add", "ben", place / "ben.card")
        without_card(ana)
        without_card(ben)

        message = ana.text("send", "-m", "Only for you.", "ben")
        stored = b"".join(file.read_bytes() for file in (place / "ana" / "outbox").rglob("*")
                          if file.is_file())
        assert stored, "the outbox is empty"
        with relay.served() as url:
            wire = Wire(url)
            wire.start()
            ana.run("peers", "add", wire.url)
            ana.run("mine")
            ana.run("sync")
            ben.run("peers", "add", wire.url)
            ben.run("sync")
            transferred = wire.bytes()
        read = ben.text("read", "--body", "--no-mark", message)
        assert read == "Only for you.", f"not what was sent: {read}"
        sealed = relay.run("cat", message)
        # In a block a flag stands between the stamp and the body.
        body = sealed[-int.from_bytes(sealed[28:32], "big"):]
        assert sealed[:4] == b"bmM1" and body in transferred, "the message did not pass the wire"

        places = {"outbox file": stored, "message": sealed, "wire": transferred}
        places |= {str(file.relative_to(place)): file.read_bytes()
                   for folder in (place / "relay", place / "ana" / "chain", place / "ben" / "chain")
                   for file in folder.rglob("*") if file.is_file()}
        leaks = [f"{where}: {leak}" for where, data in places.items()
                 for leak in found(data, people)]
        assert not leaks, "\n".join(leaks)
        print(f"searched {len(places)} places, {sum(map(len, places.values()))} bytes")


if __name__ == "__main__":
    main()
