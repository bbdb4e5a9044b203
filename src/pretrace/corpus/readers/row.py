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
            raise BadInputError(
                "no_column", f"{column!r}{' only once' * (column in names)}; has {', '.join(names) or 'none'}"
            )
