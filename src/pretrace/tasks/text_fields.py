"""The parts of text of each row of a table, from their columns; a cell that is not text is named."""

from __future__ import annotations

from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.settings.columns import Fields
from pretrace.tasks.labels import is_missing
from pretrace.tasks.read_table import column_of

Parts = list[tuple[str, Any]]
"""A row's parts, each with the name of the column it is from."""


def parts_of(table: Any, file: str, fields: Fields) -> list[Parts]:
    """Return the parts of every row, as the file has them.

    Raises:
        PretraceError: a column is missing, or choices are not a list or not as many as in the first row.
    """
    columns = [column_of(table, column, file) for column in fields.context]
    rows = [[_joined(list(zip(fields.context, cells, strict=True)))] for cells in zip(*columns, strict=True)]
    others = _choices(table, file, fields) if fields.choices is not None else _cells(table, file, fields)
    if fields.are_choices:
        for where, choices in zip(table.index, others, strict=True):
            if len(choices) != len(others[0]) or len(choices) < 2:
                raise PretraceError(
                    f"{where}: has {len(choices)} choices; every row needs the same number, two or more"
                )
    return [row + other for row, other in zip(rows, others, strict=True)]


def _cells(table: Any, file: str, fields: Fields) -> list[Parts]:
    """Return a part for each of the other columns, by row."""
    columns = [column_of(table, column, file) for column in fields.others]
    rows = zip(*columns, strict=True) if columns else [()] * len(table)
    return [list(zip(fields.others, row, strict=True)) for row in rows]


def _choices(table: Any, file: str, fields: Fields) -> list[Parts]:
    """Return the items of a column of lists, by row."""
    column = str(fields.choices)
    return [
        [(column, text) for text in _items(value, where)] for where, value in column_of(table, column, file).items()
    ]


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


def has_text(parts: Parts, on_empty: str, where: str) -> bool:
    """Return True if a row stays: False if a part is empty and `on_empty` is "skip".

    Raises:
        PretraceError: a part is not text, or it is empty and `on_empty` is "stop"; names the row and the column.
    """
    for column, text in parts:
        if on_empty == "skip" and (is_missing(text) or not str(text).strip()):
            return False
        if not isinstance(text, str):
            raise PretraceError(f"{where}: column {column!r}: text expected, got {text!r}")
        if not text.strip() and on_empty == "stop":
            raise PretraceError(
                f"{where}: column {column!r} is empty; fill it, or set the task's `on_empty` to skip or keep"
            )
    return True
