"""A quick test for text that ftfy's heuristic could take for wrongly decoded; nearly all text passes it.

ftfy searches a line for unlikely neighbors among 400 characters (`ftfy.badness`), and tries each of forty patterns at
every character. All its patterns have one of those characters that is no common letter or sign; most need a second
one beside it. So here only such characters are looked at, with what is beside them. A line without them is not bad.
"""

from __future__ import annotations

import re
from functools import cache

ALONE = "\N{CYRILLIC CAPITAL LETTER DJE}"
"""A common letter that is bad after another common one."""
ENTRIES = "\u0412\u0413\u0420\u0421\u0392\u0393\u039e\u039f"
"""Capitals between which a sign is bad."""


def may_be_bad(text: str) -> bool:
    """Return True if `ftfy.badness.is_bad` may be true of the text; False if it is not."""
    return _pattern().search(text) is not None


@cache
def _pattern() -> re.Pattern[str]:
    """Return the pattern of what is in all text that is bad, and seldom in other text."""
    from ftfy.badness import MOJIBAKE_CATEGORIES as KINDS

    letters = KINDS["kaomoji"].replace("\N{DEGREE SIGN}", "") + KINDS["upper_accented"] + KINDS["lower_accented"]
    signs = "".join(
        KINDS[kind]
        for kind in ("c1", "bad", "law", "currency", "start_punctuation", "end_punctuation", "numeric", "box")
    )
    signs += "\N{DEGREE SIGN}"
    rare, upper = f"{letters}{signs}{ALONE}", KINDS["upper_accented"]
    common = f"{KINDS['lower_common']}{KINDS['upper_common']}"
    beside = [
        f"(?<=[{KINDS['c1']}{ALONE}])",
        f"(?<=[{signs}])[{rare}]",
        f"[{signs}{upper}]",
        # First bytes of many characters, with what those after them look like.
        f"(?<=[\xce\xd0\xd8\xd9\N{SQUARE ROOT}])[{rare}{KINDS['common']}]",
        "(?<=[\xc2\xc3])",
        "(?<=[\u0152\u0153])(?![A-Za-z])",
        "(?<=\u03b2\u20ac)",
        f"(?<=[{KINDS['lower_common']}][{upper}])",
        f"(?<=[A-Za-z][{common}][{KINDS['bad']}])",
        f"(?<=[{ENTRIES}][{signs}])[{ENTRIES}]",
    ]
    return re.compile(f"[{rare}](?:{'|'.join(beside)})")
