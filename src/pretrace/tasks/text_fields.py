"""The parts of text of each row of a table, from their columns; a cell that is not text is named."""

from __future__ import annotations

from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.missing import is_missing
from pretrace.corpus.readers.tables.table import Table
from pretrace.settings.columns import Fields

MOST_CHOICES = 100
"""Of a row (ours); each is a sequence of its own."""
Parts = list[tuple[str, Any]]
"""A row's parts, each with the name of the column it is from."""


def parts_of(table: Table, fields: Fields, differ: bool = False) -> list[Parts]:
    """Return the parts of every row, as the file has them.

    Args:
        differ: True if rows may have different numbers of choices.

    Raises:
        PretraceError: a column is missing, or choices are not a list or not as many as in the first row.
    """
    columns = [table.column(column) for column in fields.context]
    rows = [[_joined(list(zip(fields.context, cells, strict=True)))] for cells in zip(*columns, strict=True)]
    others = _choices(table, fields.choices) if fields.choices is not None else _cells(table, fields)
    if fields.are_choices:
        for where, choices in zip(table.places, others, strict=True):
            if differ and len(choices) >= 2:
                continue
            if len(choices) != len(others[0]) or not 2 <= len(choices) <= MOST_CHOICES:
                differing = "" if fields.choices is None else "; rows that differ take `most_choices`"
                raise PretraceError(
                    f"{where}: has {len(choices)} choices; every row needs the same number, two to {MOST_CHOICES}"
                    f"{differing}"
                )
    return [row + other for row, other in zip(rows, others, strict=True)]


def _cells(table: Table, fields: Fields) -> list[Parts]:
    """Return a part for each of the other columns, by row."""
    columns = [table.column(column) for column in fields.others]
    rows = zip(*columns, strict=True) if columns else [()] * len(table)
    return [list(zip(fields.others, row, strict=True)) for row in rows]


def _choices(table: Table, column: str) -> list[Parts]:
    """Return the items of a column of lists, by row."""
    return [[(column, text) for text in _items(value, where)] for where, value in table.cells(column)]


def _joined(cells: Parts) -> tuple[str, Any]:
    """Return the cells of a context as one text, or the first cell that is not text."""
    for column, text in cells:
        if not isinstance(text, str):
            return column, text
    return cells[0][0], " ".join(text for _, text in cells)


def _items(value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple | np.ndarray):
        raise PretraceError(f"{where}: a list of choices expected, got {value!r}; `choices` also takes one column each")
    return tuple(value)


def texts_of(parts: Parts, on_empty: str, where: str) -> tuple[str, ...] | None:
    """Return the texts of a row, missing ones as ""; None if one is missing and `on_empty` is "skip".

    Raises:
        PretraceError: a part is not text, or it is missing and `on_empty` is "stop"; names the row and the column.
    """
    texts = []
    for column, text in parts:
        if is_missing(text):
            if not stays(column, on_empty, where):
                return None
            text = text if isinstance(text, str) else ""
        if not isinstance(text, str):
            raise PretraceError(f"{where}: column {column!r}: text expected, got {text!r}")
        texts.append(text)
    return tuple(texts)


def stays(column: str, on_empty: str, where: str) -> bool:
    """Return True if a row stays that has no text in a column: if `on_empty` is "keep".

    Raises:
        PretraceError: it is "stop".
    """
    if on_empty == "stop":
        raise PretraceError(
            f"{where}: column {column!r} is empty; fill it, or set the task's `on_empty` to skip or keep"
        )
    return on_empty == "keep"
