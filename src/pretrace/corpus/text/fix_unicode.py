"""What ftfy does to text, without asking it about lines that it would only lightly change.

ftfy looks for text that was decoded in a wrong encoding, and takes most of the time of the original recipe. Most lines
show no sign of that; what it does to those is a replacement of a few characters.
"""

from __future__ import annotations

import re

# What ftfy leaves alone: ASCII without control characters, carriage returns and "&" (which may begin an HTML entity).
UNTOUCHED = re.compile(r"[\t\n\x20-\x25\x27-\x7e]*\Z")
# With these signs besides, ftfy only straightens the quotes: no run of them looks like a wrong encoding to it.
CURLY = "\u2018\u2019\u201c\u201d"
SIGNS = rf"\t\n\x20-\x25\x27-\x7e{CURLY}\u2013\u2014\u2026"
TYPESET = re.compile(rf"[{SIGNS}]*\Z")
# With Western letters and a few more signs besides, that holds only where ftfy's own test finds the line in order.
LIGATURES = "\u0152\u0153"
LETTERS = "".join(map(chr, [*range(0xA1, 0xA8), *range(0xA9, 0xAD), *range(0xAE, 0xB4), *range(0xB5, 0x100)]))
LETTERS += LIGATURES + "\u0160\u0161\u0178\u017d\u017e\u2010\u2011\u20ac"
WESTERN = re.compile(rf"[{SIGNS}{LETTERS}]*\Z")
# The test looks for signs in bad company: a letter between ASCII ones passes. Only the last two kinds can fail alone.
SUSPICIOUS = re.compile(rf"[{LETTERS}][^\x00-\x7f]|[^\x00-\x7f][{LETTERS}]|[\xc2\xc3]|[{LIGATURES}](?![A-Za-z])")
STRAIGHT = dict(zip(CURLY, "''\"\"", strict=True))
FTFY_SEGMENT = 1_000_000
"""Characters after which ftfy cuts a line."""


def fix_line(line: str, unescape_html: bool = True) -> str:
    """What `ftfy.fix_text` gives for a line with its end, without calling it where it would only lightly change it.

    `unescape_html`: whether HTML entities are replaced, unless the line itself has a "<".
    """
    from ftfy.badness import is_bad

    if UNTOUCHED.match(line):
        return line
    if TYPESET.match(line):
        return replaced(line, STRAIGHT)
    if WESTERN.match(line) and len(line) < FTFY_SEGMENT:
        straight = replaced(line, STRAIGHT)
        # ftfy looks again at what it has changed, until nothing changes.
        if not SUSPICIOUS.search(line) or not (is_bad(line) or is_bad(straight)):
            return straight
    return fixed_by_ftfy(line, unescape_html)


def fixed_by_ftfy(line: str, unescape_html: bool = True) -> str:
    """The same, by ftfy."""
    import ftfy

    return ftfy.fix_text(line, ftfy.TextFixerConfig(explain=False, unescape_html="auto" if unescape_html else False))


def replaced(text: str, replacements: dict[str, str]) -> str:
    """`text` with each key of `replacements` replaced by its value; a few short ones are faster than a table."""
    for old, new in replacements.items():
        text = text.replace(old, new)
    return text
