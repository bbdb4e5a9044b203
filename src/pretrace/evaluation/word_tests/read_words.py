"""Rows of a file of words; every error names the file, the row and the column."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.missing import is_missing
from pretrace.tasks.read_table import read_file

Words = Callable[[str], str]
"""Brings a word into the form that the words of vectors have."""


def read_rows(file: str, columns: Sequence[str], value: str | None = None) -> Iterator[tuple[str, list[str], Any]]:
    """Yield the place of each row, its texts in some columns, and what it has in one more column.

    Raises:
        PretraceError: no such file or column, or a text is empty.
    """
    if not Path(file).is_file():
        raise PretraceError(f"{file}: no such file; paths are from where the command runs")
    table = read_file(file, [*columns, *([value] if value else [])], advice=f"takes {', '.join(columns)}")
    texts = [table.column(name) for name in columns]
    values = table.column(value) if value else [None] * len(table)
    for place, row, last in zip(table.places, zip(*texts, strict=True), values, strict=True):
        for name, text in zip(columns, row, strict=True):
            if is_missing(text) or not isinstance(text, str):
                raise PretraceError(f"{place}: column {name!r}: got {text!r}; takes text")
        yield place, list(row), last
