"""The one meaning of *missing*: in a label, a text, an id, a choice or a target, from any format."""

from __future__ import annotations

import unicodedata
from typing import Any

INVISIBLE = frozenset(("Cc", "Cf", "Zs", "Zl", "Zp"))
"""Categories of white space, control and format characters, Unicode 15."""


def is_missing(value: Any) -> bool:
    """Return True for None, NaN, NaT, pandas' NA, and for text without a visible character.

    `NA`, `null` or `None` that is written out is text.
    """
    if isinstance(value, str):
        return not has_visible(value)
    if value is None or type(value).__name__ == "NAType":  # pandas' NA has no truth value
        return True
    try:
        return bool(value != value)  # NaN and NaT are not themselves
    except (TypeError, ValueError, ArithmeticError):
        return False


def has_visible(text: str) -> bool:
    """Return True if a text has more than white space, control and format characters."""
    stripped = text.strip()
    if not stripped or stripped[0].isalnum():
        return bool(stripped)
    return any(unicodedata.category(character) not in INVISIBLE for character in stripped)
