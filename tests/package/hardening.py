#!/usr/bin/env python3
"""What the compiler and the linker add against those who find a bug before we do: it is all in the
optimised program."""
import os
import re
import subprocess

PROGRAM = os.environ["BMSG"]


def printed(*words):
    return subprocess.run([*words, PROGRAM], check=True, stdout=subprocess.PIPE, text=True).stdout


def segment(lines, name):
    """The flags of a program header."""
    return re.search(rf"^\s*{name}\s+(?:0x\w+\s+){{5}}([RWE ]+?)\s+0x", lines, re.M)[1]


def main():
    segments = printed("readelf", "-lW")
    dynamic = printed("readelf", "-dW")
    symbols = printed("readelf", "-W", "--dyn-syms")
    assert "DYN (Position-Independent Executable" in printed("readelf", "-hW")
    assert re.search(r"FLAGS_1.* NOW .*PIE|FLAGS_1.* PIE.*NOW", dynamic), dynamic
    assert segment(segments, "GNU_STACK").strip() == "RW", "code may run on the stack"
    assert segment(segments, "GNU_RELRO").strip() == "R", "tables of the linker stay writable"
    for segment_flags in re.findall(r"^\s*LOAD\s+(?:0x\w+\s+){5}([RWE ]+?)\s+0x", segments, re.M):
        assert not ("W" in segment_flags and "E" in segment_flags), "writable code"
    assert not re.search(r"RPATH|RUNPATH|TEXTREL", dynamic), dynamic
    assert "__stack_chk_fail" in symbols, "no guard of the stack"
    assert re.search(r"__(memcpy|snprintf|vsnprintf|memset)_chk", symbols), "no checks of buffers"
    # Whoever jumps into the middle of a function finds no landing place.
    code = printed("objdump", "-d", "--no-show-raw-insn", "--disassemble=main")
    first = re.search(r"<main>:\n\s*\w+:\s+(\w+)", code)
    assert os.uname().machine != "x86_64" or first[1] == "endbr64", code[:300]


main()
