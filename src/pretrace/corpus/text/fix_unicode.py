"""ftfy's repair of Unicode, without calling ftfy for lines that it would only lightly change.

ftfy looks for text that was decoded in a wrong encoding, and takes most of the time of the original recipe. Most lines
show no sign of that; of those ftfy only replaces a few characters.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from pretrace.corpus.text.mojibake import may_be_bad

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
    if len(line) >= FTFY_SEGMENT:
        return fix_by_ftfy(line, unescape_html)
    # ftfy looks again at what it has changed, until nothing changes.
    if WESTERN.match(line):
        straight = replaced(line, STRAIGHT)
        if not SUSPICIOUS.search(line) or not (is_bad(line) or is_bad(straight)):
            return straight
    elif _steady().match(line):
        pattern, narrow_ones = _narrow()
        narrow = pattern.sub(lambda match: narrow_ones[match[0]], line)
        if unicodedata.is_normalized("NFC", narrow) and not (_is_bad(line) or _is_bad(narrow)):
            return narrow
    return fix_by_ftfy(line, unescape_html)


def _is_bad(line: str) -> bool:
    from ftfy.badness import is_bad

    return may_be_bad(line) and is_bad(line)


@cache
def _steady() -> re.Pattern[str]:
    """Return the pattern of lines of any script in which ftfy changes single characters only: those of `_narrow`.

    There are no control and format characters that it removes, no ligatures, no surrogates, and no "&".
    """
    from ftfy.chardata import LIGATURES

    controls = "\0-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u206a-\u206f\ufeff\ufff9-\uffff\ud800-\udfff"
    return re.compile(f"[^{controls}&\uff06{''.join(map(chr, LIGATURES))}]*\\Z")


@cache
def _narrow() -> tuple[re.Pattern[str], dict[str, str]]:
    """Return what ftfy puts in the place of single characters, of full and half width and quotes; and their pattern."""
    from ftfy.chardata import WIDTH_MAP

    quotes = STRAIGHT | dict.fromkeys("\u02bc\u201a\u201b", "'") | dict.fromkeys("\u201e\u201f", '"')
    narrow = {chr(code): character for code, character in WIDTH_MAP.items()} | quotes
    return re.compile(f"[{''.join(map(re.escape, narrow))}]"), narrow


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
