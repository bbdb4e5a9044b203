"""Tables on disk, of whatever format people have their labelled rows in: .parquet, .csv, .tsv or .jsonl."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pretrace.errors import PretraceError


def read_table(name: str, split: str, file: str) -> Any:
    """The rows of a task's file as a data frame; text from .csv and .tsv is not turned into numbers.

    Raises:
        PretraceError: no such file, another format than those above, not readable, or no rows.
    """
    import pandas as pd

    path = Path(file)
    if not path.is_file():
        raise PretraceError(f"params.yaml: tasks.{name}.{split}: no file {file}; paths are from the repository's root")
    readers = {
        ".parquet": pd.read_parquet,
        ".csv": lambda p: pd.read_csv(p, dtype=str, keep_default_na=False),
        ".tsv": lambda p: pd.read_csv(p, sep="\t", dtype=str, keep_default_na=False, quoting=3),
        ".jsonl": lambda p: pd.read_json(p, lines=True, dtype=False),
    }
    if path.suffix not in readers:
        raise PretraceError(
            f"{file}: a task's rows are read from {', '.join(readers)}; this is {path.suffix or 'none'}"
        )
    try:
        table = readers[path.suffix](path)
    except Exception as error:
        raise PretraceError(f"{file}: not readable as {path.suffix}: {' '.join(str(error).split())}") from None
    if not len(table):
        raise PretraceError(f"{file}: has no rows")
    if path.suffix != ".parquet" and not isinstance(table.index, pd.RangeIndex):
        raise PretraceError(f"{file}: rows have more fields than the first line has names; quote text with commas")
    return table.reset_index(drop=True)


def column_of(table: Any, column: str, file: str | None) -> Any:
    """One column of it. Raises `PretraceError` where it is not there."""
    if column not in table.columns:
        has = ", ".join(map(str, table.columns))
        raise PretraceError(f"{file}: no column {column!r}; it has {has}; set the task's `columns` in params.yaml")
    return table[column]
