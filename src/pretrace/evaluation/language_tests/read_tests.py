"""Rows of a language test's file, column by column; every error names the file, and the row or column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.missing import is_missing
from pretrace.evaluation.task_rows import evenly_spaced
from pretrace.tasks.read_table import read_file
from pretrace.tokens import Vocabulary


class TestFile:
    """The columns `wanted` of a table of at most `limit` rows.

    Args:
        vocabulary: prepares texts as it reads them.

    Raises:
        PretraceError: no such file, not readable, or no rows.
    """

    def __init__(self, file: str, wanted: list[str], vocabulary: Vocabulary, limit: int | None = None) -> None:
        if not Path(file).is_file():
            raise PretraceError(f"{file}: no such file; paths are from where the command runs")
        table = read_file(file, wanted, advice="`columns` says which to take")
        rows = evenly_spaced(len(table), limit)
        self._table, self.numbers = table.take(rows), rows + 1
        self.file, self._prepare = file, vocabulary.prepare

    def column(self, name: str) -> list[Any]:
        """Return the values of a column, one per row."""
        return self._table.column(name)

    def texts(self, name: str) -> list[str]:
        """Return a column of text, prepared; no row may be empty."""
        return [self.prepared(value, row, name) for row, value in enumerate(self.column(name))]

    def prepared(self, value: Any, row: int, name: str) -> str:
        """Return the prepared text, with its line ends, of a value in the row at index `row`."""
        if is_missing(value):
            raise self.fault(row, name, "is empty; every row needs text here")
        if not isinstance(value, str):
            raise self.fault(row, name, f"text expected, got {value!r}")
        if is_missing(text := self._prepare(value)):
            raise self.fault(row, name, "is empty; every row needs text here")
        return text

    def fault(self, row: int, name: str, what: str) -> PretraceError:
        """Return an error that says in one line what is wrong with a value."""
        return PretraceError(f"{self.file}: row {self.numbers[row]}: column {name!r}: {what}")


def list_of(value: Any) -> list[Any] | None:
    """Return a list, tuple or array as a list; None for anything else."""
    return list(value) if isinstance(value, list | tuple | np.ndarray) else None
