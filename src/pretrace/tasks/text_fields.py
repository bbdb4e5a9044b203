"""The parts of text of each row, by the kind of task: which columns they are from, and whether they are text."""

from __future__ import annotations

from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.settings import Columns
from pretrace.tasks.labels import is_missing
from pretrace.tasks.read_table import column_of

Parts = list[tuple[str, Any]]
"""A row's parts, each with the name of the column it is from."""


def parts_of(table: Any, file: str, kind: str, columns: Columns) -> list[Parts]:
    """The parts of every row, as the file has them.

    Raises:
        PretraceError: a column is missing, or choices are no list or not as many as in the first row.
    """
    if kind == "classification":
        return [[(columns.text, text)] for text in column_of(table, columns.text, file)]
    if kind != "multiple_choice":
        names = [*columns.context[:1], columns.second]
        cells = [column_of(table, column, file) for column in names]
        return [list(zip(names, row, strict=True)) for row in zip(*cells, strict=True)]
    contexts = [column_of(table, column, file) for column in columns.context]
    joined = [_joined(list(zip(columns.context, row, strict=True))) for row in zip(*contexts, strict=True)]
    if isinstance(columns.choices, list):
        options = [column_of(table, column, file) for column in columns.choices]
        rows = zip(*options, strict=True) if options else [()] * len(table)
        chosen = [list(zip(columns.choices, row, strict=True)) for row in rows]
    else:
        lists = column_of(table, columns.choices, file)
        chosen = [[(columns.choices, text) for text in _choices(value, place)] for place, value in lists.items()]
    for place, choices in zip(table.index, chosen, strict=True):
        if len(choices) != len(chosen[0]) or len(choices) < 2:
            raise PretraceError(f"{place}: has {len(choices)} choices; every row needs the same number, two or more")
    return [[context, *choices] for context, choices in zip(joined, chosen, strict=True)]


def _joined(cells: Parts) -> tuple[str, Any]:
    """The cells of a context as one text; a cell that is none takes its place."""
    for column, text in cells:
        if not isinstance(text, str):
            return column, text
    return cells[0][0], " ".join(text for _, text in cells)


def _choices(value: Any, where: str) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple | np.ndarray):
        raise PretraceError(f"{where}: a list of choices expected, got {value!r}; `choices` also takes one column each")
    return tuple(value)


def has_text(parts: Parts, on_empty: str, where: str) -> bool:
    """Whether a row stays: False if a part is empty and `on_empty` is "skip".

    Raises:
        PretraceError: a part is no text, or it is empty and `on_empty` is "stop"; names the row and the column.
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
