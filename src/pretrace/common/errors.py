"""The one exception whose text is meant for a person, and what makes text from elsewhere fit for that.

Raise `PretraceError` with a single line that says what was wrong, where (file, row, column, key), what is accepted and
what to do. The stage runner and the command line print that line and exit with 1; anything else is a defect of ours.

Such a line quotes names, rows and messages of libraries, which may be anyone's. So it is made safe here, where every
one of them comes by: no line end, nothing that a terminal obeys, no password, no more than fits on a screen.
"""

from __future__ import annotations

import re
import unicodedata

LONGEST = 2000
"""Characters of a line; of a longer one the beginning and the end are kept."""
BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""They turn the order of what is shown around: a name could look like another one."""
IN_URL = re.compile(
    r"(?P<before>\b[a-z][a-z0-9+.-]*://)(?:[^\s/@:'\"]+|[^\s/@:'\"]*:(?!\d+/)[^\s'\"]*)@"
    r"|(?P<name>[?&][^=&\s]*(?:token|key|secret|signature|password|sig|credential)[^=&\s]*=)[^&\s'\")]+",
    re.IGNORECASE,
)
"""Who asks, and with which key, as some write it into a URL: `s3://key:secret@bucket`, `https://host/?token=...`."""


class PretraceError(Exception):
    """Bad input or an unusable state, described in one line for the person who can mend it."""

    def __init__(self, text: object = "") -> None:
        super().__init__(_shortened(printable(" ".join(mask_secrets(str(text)).split()))))


def printable(name: str) -> str:
    """A name that fits into a line: control characters, line ends and what is not UTF-8 are written as escapes."""
    if name.isascii() and name.isprintable():
        return name
    return "".join(_escape(c) if is_control(c) or c in BIDI_CONTROLS else c for c in name)


def is_control(character: str) -> bool:
    """Whether a character would break a line, or is half of a surrogate pair (bytes of a name that are not UTF-8)."""
    return unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp")


def mask_secrets(text: str) -> str:
    """Text without the passwords and keys that stand in its URLs."""
    return IN_URL.sub(lambda found: f"{found['before'] or found['name']}***{'@' * bool(found['before'])}", text)


def has_secret(text: str) -> bool:
    """Whether a URL in a text has a password or a key in it."""
    return mask_secrets(text) != text


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _shortened(line: str) -> str:
    return line if len(line) <= LONGEST else f"{line[: LONGEST // 2]} … {line[-LONGEST // 2 :]}"
