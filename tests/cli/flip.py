#!/usr/bin/env python3
"""Flips one byte of a stored sealed message: flip.py DIRECTORY MESSAGE.

MESSAGE is what `bmsg cat` printed. Some 64 bytes from the middle of its body are looked for in the
files of a database that nobody has open; one bit of their first byte is turned round in each place.
"""
import pathlib
import sys


def body_of(message):
    """The bytes after head and nonce; see bmsg-format(5), "Message"."""
    key_bytes = int.from_bytes(message[6:8], "big")
    return message[32 + key_bytes + 64 + 8:]


def flip(file, needle):
    data = bytearray(file.read_bytes())
    places = 0
    at = data.find(needle)
    while at >= 0:
        print(f"{file}: byte {at}: {data[at]:02x} becomes {data[at] ^ 1:02x}")
        data[at] ^= 1
        places += 1
        at = data.find(needle, at + 1)
    if places:
        file.write_bytes(data)
    return places


def main():
    directory, message = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]).read_bytes()
    body = body_of(message)
    # Where one slice straddles the records of a log, another does not.
    for start in range(len(body) // 2, len(body) - 64, 64):
        needle = body[start:start + 64]
        if sum(flip(file, needle) for file in sorted(directory.iterdir()) if file.is_file()):
            return
    sys.exit(f"the message is in no file of {directory}")


if __name__ == "__main__":
    main()
