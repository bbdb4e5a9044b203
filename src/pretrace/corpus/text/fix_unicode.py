"""ftfy's repair of Unicode, without calling ftfy for lines that it would only lightly change.

ftfy looks for text that was decoded in a wrong encoding, and takes most of the time of the original recipe. Most lines
show no sign of that; of those ftfy only replaces a few characters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

# Lines that ftfy does not change: ASCII without control characters, carriage returns and "&" (of HTML entities).
UNTOUCHED = re.compile(r"[\t\n\x20-\x25\x27-\x7e]*\Z")
# With these signs, too, ftfy only straightens the quotes: no run of them looks like a wrong encoding to it.
CURLY = "\u2018\u2019\u201c\u201d"
SIGNS = rf"\t\n\x20-\x25\x27-\x7e{CURLY}\u2013\u2014\u2026"
PLAIN = re.compile(rf"[{SIGNS}]*\Z")
# With Western letters and a few more signs, too, that holds only if the line passes ftfy's own test.
LIGATURES = "\u0152\u0153"
LETTERS = "".join(map(chr, [*range(0xA1, 0xA8), *range(0xA9, 0xAD), *range(0xAE, 0xB4), *range(0xB5, 0x100)]))
LETTERS += LIGATURES + "\u0160\u0161\u0178\u017d\u017e\u2010\u2011\u20ac"
WESTERN = re.compile(rf"[{SIGNS}{LETTERS}]*\Z")
# The test looks for unlikely neighbors: a letter between ASCII ones passes. Only the last two kinds can fail alone.
SUSPICIOUS = re.compile(rf"[{LETTERS}][^\x00-\x7f]|[^\x00-\x7f][{LETTERS}]|[\xc2\xc3]|[{LIGATURES}](?![A-Za-z])")
STRAIGHT = dict(zip(CURLY, "''\"\"", strict=True))
FTFY_SEGMENT = 1_000_000
"""Characters after which ftfy cuts a line."""
MANY_MARKS = 500
"""Combining marks in a row that are sorted here: Python does it in time that grows with the square of their number."""


def fix_line(line: str, unescape_html: bool = True) -> str:
    """Return what `ftfy.fix_text` gives for a line with its end, without calling it for a light change.

    With `unescape_html`, HTML entities are replaced, unless the line itself has a "<".
    """
    from ftfy.badness import is_bad

    if UNTOUCHED.match(line):
        return line
    if PLAIN.match(line):
        return replaced(line, STRAIGHT)
    if WESTERN.match(line) and len(line) < FTFY_SEGMENT:
        straight = replaced(line, STRAIGHT)
        # ftfy looks again at what it has changed, until nothing changes.
        if not SUSPICIOUS.search(line) or not (is_bad(line) or is_bad(straight)):
            return straight
    return fix_by_ftfy(line, unescape_html)


def fix_by_ftfy(line: str, unescape_html: bool = True) -> str:
    """Return the same, by ftfy."""
    import ftfy

    if len(line) > MANY_MARKS:
        line = _runs_of_marks().sub(lambda match: in_canonical_order(match[0]), line)
    return ftfy.fix_text(line, ftfy.TextFixerConfig(explain=False, unescape_html="auto" if unescape_html else False))


def in_canonical_order(marks: str) -> str:
    """Return combining marks, decomposed, in Unicode's canonical order: any normal form of them stays the same."""
    return "".join(sorted("".join([unicodedata.normalize("NFD", mark) for mark in marks]), key=unicodedata.combining))


@cache
def _runs_of_marks() -> re.Pattern[str]:
    """Return the pattern of many combining marks in a row."""
    marks = "".join([chr(code) for code in range(0x300, 0x1F000) if unicodedata.combining(chr(code))])
    return re.compile(f"[{marks}]{{{MANY_MARKS},}}")


def replaced(text: str, replacements: dict[str, str]) -> str:
    """Replace each key of `replacements` by its value; for a few short ones this is faster than a table."""
    for old, new in replacements.items():
        text = text.replace(old, new)
    return text
