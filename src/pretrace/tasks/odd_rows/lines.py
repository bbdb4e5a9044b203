"""Rows that are lines of names, or that run over many lines of their file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pretrace.common.errors import PretraceError

MANY_LINES = 4
"""Lines of a row above which it may have swallowed others, if hardly any row has more than one (ours)."""
RARE = 0.05
"""Share of rows of more than one line below which those are rare (ours)."""
SHOWN = 3


def check_no_names(columns: Mapping[str, Sequence[Any]], places: Sequence[str], column_names: bool) -> None:
    """Look for rows that say the names of their columns.

    Args:
        columns: values by name, one a row.
        places: where each row is.
        column_names: whether the task names the columns.

    Raises:
        PretraceError: a row is a line of names: each value is the name of its column.
    """
    if len(columns) < 2:
        return
    for place, *values in zip(places, *columns.values(), strict=True):
        pairs = zip(columns, values, strict=True)
        if all(isinstance(value, str) and value.strip() == name.strip() for name, value in pairs):
            first = column_names and place.endswith(": row 1")
            what = "take out `column_names`, as the file has names of its own" if first else "take it out"
            raise PretraceError(f"{place}: is a line of names ({', '.join(map(repr, columns))}), no row; {what}")


def line_warnings(file: str, lines: Sequence[tuple[int, int]]) -> list[str]:
    """Return a sentence on rows that run over many lines where the others have one, if there are any.

    Args:
        file: as in messages.
        lines: first and last line of each row; empty if the rows have no lines.
    """
    several = [row for row, (first, last) in enumerate(lines) if last > first]
    long = [row for row in several if lines[row][1] - lines[row][0] >= MANY_LINES]
    if not long or len(several) > max(1, RARE * len(lines)):
        return []
    shown = ", ".join(f"row {row + 1} (lines {lines[row][0]} to {lines[row][1]})" for row in long[:SHOWN])
    more = f" and {len(long) - SHOWN:,} more" * (len(long) > SHOWN)
    return [
        f"{file}: {len(long):,} of {len(lines):,} rows run over more than {MANY_LINES} lines, and nearly all others "
        f"over one: {shown}{more}: is a quote not closed?"
    ]
