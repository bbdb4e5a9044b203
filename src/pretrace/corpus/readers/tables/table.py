"""Rows of a file, column by column, as plain Python values; each row knows where it is."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pretrace.common.errors import PretraceError

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Table:
    """The wanted columns of some rows."""

    file: str
    """As in messages: a path, or a data set with its split."""
    names: list[str]
    """Of all columns in the file, in order; one that is there twice is here twice."""
    columns: dict[str, list[Any]]
    """Values of the wanted columns that are there, one a row: None, bool, int, float, text, or what Arrow has."""
    places: list[str]
    """Where each row is, for people: `train.csv: row 7`, from 1."""
    lines: list[tuple[int, int]] = field(default_factory=list)
    """First and last line of each row in the file, from 1; of .csv, .tsv and .jsonl only."""
    advice: str = ""
    """Advice for where a column is missing."""

    def __len__(self) -> int:
        return len(self.places)

    def column(self, name: str) -> list[Any]:
        """Return the values of a column. Raises `PretraceError` unless the file has one of that name."""
        count = self.names.count(name)
        if count > 1:
            raise PretraceError(
                f"{self.file}: {count} columns are called {name!r}; it has {quoted(self.names)}; give them other names"
            )
        if name not in self.columns:
            has = f"no column {name!r}; it has {quoted(self.names)}{_near(name, self.names)}"
            raise PretraceError("; ".join(filter(None, (f"{self.file}: {has}", self.advice))))
        return self.columns[name]

    def cells(self, name: str) -> Iterable[tuple[str, Any]]:
        """Yield the place of each row and its value in a column. Raises as `column`."""
        return zip(self.places, self.column(name), strict=True)

    def take(self, rows: Sequence[int] | np.ndarray) -> Table:
        """Return the rows at these indices, in that order."""
        return replace(
            self,
            columns={name: [values[row] for row in rows] for name, values in self.columns.items()},
            places=[self.places[row] for row in rows],
            lines=[self.lines[row] for row in rows] if self.lines else [],
        )


def quoted(names: Iterable[str]) -> str:
    """Return names in quotes, so that a space at an end shows."""
    return ", ".join(map(repr, names)) or "none"


def _near(name: str, names: list[str]) -> str:
    """Return a remark on a name that differs in spaces at its ends, or in capitals."""
    for other in names:
        if other.strip() == name:
            return f" ({other!r} has a space too many)"
        if other.strip().casefold() == name.strip().casefold():
            return f" ({other!r} is written otherwise)"
    return ""
