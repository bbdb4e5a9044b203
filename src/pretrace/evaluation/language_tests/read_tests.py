"""Rows of a language test's file, column by column; every error names the file, and the row or column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.corpus import clean_text
from pretrace.evaluation.task_rows import evenly_spaced
from pretrace.tasks.read_table import read_table


class TestFile:
    """A table of at most `limit` rows.

    Raises:
        PretraceError: no such file, not readable, or no rows.
    """

    def __init__(self, file: str, limit: int | None = None) -> None:
        if not Path(file).is_file():
            raise PretraceError(f"{file}: no such file; paths are from where the command runs")
        table = read_table("", "", file)
        self.file, self.numbers = file, evenly_spaced(len(table), limit) + 1
        self._table = table.iloc[self.numbers - 1]

    def column(self, name: str) -> list[Any]:
        """Return the values of a column, one per row."""
        if name not in self._table.columns:
            has = ", ".join(map(str, self._table.columns))
            raise PretraceError(f"{self.file}: no column {name!r}; it has {has}; `columns` says which to take")
        return list(self._table[name])

    def texts(self, name: str) -> list[str]:
        """Return a column of text, cleaned; no row may be empty."""
        return [self.cleaned(value, row, name) for row, value in enumerate(self.column(name))]

    def cleaned(self, value: Any, row: int, name: str) -> str:
        """Return the cleaned text, with its line ends, of a value in the row at index `row`."""
        if value is None or value != value:  # pandas has NaN for a missing text
            raise self.fault(row, name, "is missing; every row needs text here")
        if not isinstance(value, str):
            raise self.fault(row, name, f"text expected, got {value!r}")
        if not (text := clean_text(value)):
            raise self.fault(row, name, "is empty; every row needs text here")
        return text

    def fault(self, row: int, name: str, what: str) -> PretraceError:
        """Return an error that says in one line what is wrong with a value."""
        return PretraceError(f"{self.file}: row {self.numbers[row]}: column {name!r}: {what}")


def list_of(value: Any) -> list[Any] | None:
    """Return a list, tuple or array as a list; None for anything else."""
    return list(value) if isinstance(value, list | tuple | np.ndarray) else None
