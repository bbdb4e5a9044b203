"""The exception for errors that the user can fix, and the functions that make its text safe to print.

Raise `PretraceError` with a single line that says what was wrong, where (file, row, column, key), what is accepted and
what to do. The stage runner and the command line print that line and exit with 1; any other exception is a bug.

Such a line quotes names, rows and messages of libraries, which may come from anyone. It is made safe here, in one
place: no line end, no terminal control character, no password, and not longer than a screen.
"""

from __future__ import annotations

import re
import unicodedata

from pretrace.common.mask import mask_secrets

LONGEST = 2000
"""Characters of an error line; a longer one is shortened in the middle."""
BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Marks, embeddings, overrides, isolates: they change the order in which text is displayed, so that one name could look
like another."""
INVISIBLE = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff{''.join(sorted(BIDI_CONTROLS))}]")
"""All that `is_control` finds but line ends and tabs, and `BIDI_CONTROLS`."""


class PretraceError(Exception):
    """Bad input or an unusable state, described in one line for the person who can fix it."""

    def __init__(self, text: object = "") -> None:
        super().__init__(_shortened(printable(" ".join(mask_secrets(str(text)).split()))))


def printable(name: str) -> str:
    """Return a name as one line of text: control characters, line ends and invalid UTF-8 are escaped."""
    if name.isascii() and name.isprintable():
        return name
    return "".join(_escape(c) if is_control(c) or c in BIDI_CONTROLS else c for c in name)


def visible(text: str) -> str:
    """Return a text of any number of lines: what `printable` escapes is escaped, but for line ends and tabs."""
    return INVISIBLE.sub(lambda match: _escape(match[0]), text)


def is_control(character: str) -> bool:
    """Return True if a character would break a line, or is a lone surrogate (invalid UTF-8 in a name)."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _shortened(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 :]}"
