"""Rows of a file of any format that the project reads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from pretrace.common.errors import PretraceError
from pretrace.corpus.readers.tables.read_table import read_table
from pretrace.corpus.readers.tables.table import Table
from pretrace.tasks.raw_files import FORMATS

ADVICE = "set the task's `columns` in params.yaml"


def read_file(file: str, wanted: Sequence[str], names: Sequence[str] | None = None, advice: str = ADVICE) -> Table:
    """Return the wanted columns of a file of rows; `names` are those of its columns, if it has no line of them.

    Raises:
        PretraceError: its name has none of `FORMATS`, it is not readable, or it has no rows.
    """
    if Path(file).suffix not in FORMATS:
        raise PretraceError(
            f"{file}: a task's rows are read from {', '.join(FORMATS)}; this is {Path(file).suffix or 'none'}"
        )
    return read_table(file, wanted, names, advice)
