"""Text that wants to act on a terminal, and what of it must never be seen."""
# What terminals have been made to obey, and what makes text look like another.
HOSTILE = [
    "\x1b[2J\x1b[1;1H", "\x1b]0;title\x07", "\x1b]8;;http://evil\x07link\x1b]8;;\x07",
    "\x1b]52;c;cHduZWQ=\x07", "\x1bP$qm\x1b\\", "\x1b_apc\x1b\\", "\x9b31m", "\x9d0;t\x9c",
    "\x1bc", "\x1b]0;without end", "good\rbad ", "\x08\x08\x08gone", "\x7f", "\x00nul",
    "\u202eright to left", "\u2066isolate", "\u2028line", "\u2029paragraph", "\ufeffbom",
    "\u061cmark", "\u200bzero\u200d\u2060width", "e" + "\u0301" * 10000, "\x0b\x0c\x0e\x0f",
    "\x05\x1a\x18", "\U000e0041tag", "\x1b[6n\x1b[c\x1bZ", "\x1b#8\x1b(0",
]
# The same as an argument, which ends at NUL and may be no UTF-8 at all.
ARGUMENT = "\x1b]0;x\x07\x9b1m\u202e\r\x08\u2028".encode() + b"\xff\x9b2J"
FORBIDDEN = ({chr(code) for code in range(0x20)} - {"\n", "\t"}) | \
    {chr(code) for code in range(0x7f, 0xa0)} | \
    set("\u061c\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e"
        "\u2066\u2067\u2068\u2069\ufeff\U000e0041")


def check_harmless(text, where):
    """Fails on a byte that a terminal would obey."""
    try:
        shown = text.decode()
    except UnicodeDecodeError as error:
        raise AssertionError(f"{where}: not UTF-8: {error}") from error
    bad = sorted(FORBIDDEN & set(shown))
    assert not bad, f"{where}: {bad} in {shown[:300]!r}"
