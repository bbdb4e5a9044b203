"""A row of a file of any kind, its bounds, and the check of its columns."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Literal

from pretrace.corpus.readers.faults import BadInputError

DOCUMENT_BYTES = 64 << 20
"""UTF-8 bytes of the longest document, and of the longest line of .jsonl: some fifty novels."""
Row = tuple[int | None, dict[str, Any] | BadInputError]
"""A row's number as a person counts (from 1; None: the whole file is one), and its columns or its fault."""
DocumentUnit = Literal["file", "piece", "blank_line", "line"]


def check_columns(wanted: list[str], present: Iterable[str]) -> None:
    """Raises `BadInputError` for the first wanted column that is not there, or there twice."""
    names = list(present)
    for column in wanted:
        if names.count(column) != 1:
            raise BadInputError(
                "no_column", f"{column!r}{' only once' * (column in names)}; has {', '.join(names) or 'none'}"
            )
