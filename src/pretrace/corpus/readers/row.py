"""The type of a row of any kind of file, its bounds, and the check of its columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pretrace.corpus.readers.faults import BadInputError

DOCUMENT_BYTES = 64 << 20
"""UTF-8 bytes of the longest document, and of the longest line of .jsonl: some fifty novels."""
Row = tuple[int | None, dict[str, Any] | BadInputError]
"""A row's number (from 1; None: the whole file is one row), and its columns or its fault."""
DocumentUnit = Literal["file", "piece", "blank_line", "line"]


def check_columns(wanted: list[str], present: Iterable[str]) -> None:
    """Raise `BadInputError` for the first wanted column that is missing or there twice."""
    names = list(present)
    for column in wanted:
        if names.count(column) != 1:
            has = ", ".join(map(repr, names)) or "none"
            raise BadInputError("column_twice" if column in names else "no_column", f"{column!r}; has {has}")


def check_text(text: str) -> None:
    """Raise `BadInputError` for a text that is none: with a NUL, half of a surrogate pair, or too long."""
    if (index := text.find("\0")) >= 0:
        raise BadInputError("nul", index)
    try:
        size = len(text) if text.isascii() else len(text.encode())
    except UnicodeEncodeError as error:
        raise BadInputError("surrogate", error.start) from None
    if size > DOCUMENT_BYTES:
        raise BadInputError("too_long", DOCUMENT_BYTES)
