"""Rows from tables, from two files of lines, and from the Hub."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.missing import is_missing
from pretrace.common.open_file import read_text
from pretrace.corpus.readers.huggingface import dataset_rows
from pretrace.corpus.readers.tables.read_table import read_table
from pretrace.sequences.rows import SequenceRow
from pretrace.settings.corpus import Dataset
from pretrace.settings.sequences.task import SequenceColumns, SequenceTask

FORMATS = (".parquet", ".csv", ".tsv", ".jsonl")


def table_rows(name: str, task: SequenceTask, split: str, root: Path) -> list[SequenceRow]:
    """Return the rows of a table.

    Raises:
        PretraceError: the file is missing or of another format, or has not the columns.
    """
    place, columns = str(getattr(task, split)), task.columns
    key = f"params.yaml: sequences.{name}.{split}"
    if not (root / place).exists():
        raise PretraceError(f"{key}: no file {place}; paths are from the repository's root")
    if Path(place).suffix not in FORMATS:
        raise PretraceError(f"{key}: {place}: rows are read from {', '.join(FORMATS)}; set `format` for another form")
    wanted = [*_tops(columns), *task.where]
    advice = f"set the task's `columns` (sequences.{name}.columns) in params.yaml"
    table = read_table(root / place, wanted, advice=advice)
    cells = zip(*(table.column(one) for one in wanted), strict=True)
    rows = []
    for where, values in zip(table.places, cells, strict=True):
        row = dict(zip(wanted, values, strict=True))
        if all(str(row[column]) == value for column, value in task.where.items()):
            rows.append(row_of(row, columns, where))
    if not rows:
        asked = ", ".join(f"{column} {value!r}" for column, value in task.where.items())
        raise PretraceError(f"{key}: {place} has no row with {asked}; see sequences.{name}.where")
    return rows


def hub_rows(name: str, task: SequenceTask, split: str, root: Path) -> list[SequenceRow]:
    """Return the rows of a split of a data set of the Hub. Raises `PretraceError` if it cannot be read."""
    assert task.dataset is not None
    dataset = Dataset(**task.dataset.model_dump(), split=str(getattr(task, split)))
    key = f"sequences.{name}.dataset"
    return [
        row_of(row, task.columns, f"{dataset.name}: row {number}")
        for number, row in dataset_rows(dataset, _tops(task.columns), key)
        if isinstance(row, dict) and all(str(row.get(column)) == value for column, value in task.where.items())
    ]


def line_rows(name: str, task: SequenceTask, split: str, root: Path) -> list[SequenceRow]:
    """Return the pairs of lines of two files, called like the columns behind a dot.

    Raises:
        PretraceError: a file is missing, or they have not the same number of lines.
    """
    place, columns = str(getattr(task, split)), task.columns
    names = [columns.source, columns.target, *([columns.context] if columns.context else [])]
    texts = []
    for column in names:
        path = f"{place}.{column}"
        if not (root / path).exists():
            raise PretraceError(
                f"params.yaml: sequences.{name}.{split}: no file {path}; `format: lines` reads {place} with each of "
                "the `columns` behind a dot"
            )
        texts.append(read_text(root / path).removesuffix("\n").split("\n"))
    if len(set(map(len, texts))) > 1:
        counts = ", ".join(f"{place}.{column}: {len(lines):,}" for column, lines in zip(names, texts, strict=True))
        raise PretraceError(f"params.yaml: sequences.{name}.{split}: line n belongs to line n, and there are {counts}")
    rows = enumerate(zip(*texts, strict=True), 1)
    return [row_of(dict(zip(names, lines, strict=True)), columns, f"{place}: row {number}") for number, lines in rows]


def row_of(row: dict[str, Any], columns: SequenceColumns, where: str) -> SequenceRow:
    """Return a row from the values of its columns.

    Raises:
        PretraceError: one of them is no text, or of the target neither a text nor a list of texts.
    """
    source = _text(_value(row, columns.source), columns.source, where)
    context = _text(_value(row, columns.context), columns.context, where) if columns.context else ""
    target = _value(row, columns.target)
    targets = target if isinstance(target, Sequence) and not isinstance(target, str | bytes) else [target]
    return SequenceRow(source, tuple(_text(one, columns.target, where) for one in targets), context, where)


def _tops(columns: SequenceColumns) -> list[str]:
    """Return the columns of the file: of a name with dots, what stands before the first."""
    names = [columns.source, columns.target, *([columns.context] if columns.context else [])]
    return list(dict.fromkeys(name.partition(".")[0] for name in names))


def _value(row: dict[str, Any], name: str) -> Any:
    value: Any = row
    for part in name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _text(value: Any, column: str, where: str) -> str:
    if is_missing(value):
        return ""
    if isinstance(value, bytes | list | dict | bool):
        raise PretraceError(f"{where}: column {column!r}: a text expected, got {type(value).__name__}")
    return str(value)
