"""A task whose rows are made or read: parts of text, a label, and where each row is from.

    data/tasks/<task>/task.json                kind, metric, labels, overrides, card, why it could not be made
                      {train,dev,test}.parquet the rows as people read them: `parts` as words, `raw` as written
                      unlabeled.parquet        rows to predict, if there are any; with a column `id`

`encoded.py` has the same rows as token ids.

`parts` by kind: classification (text,); entailment (premise, hypothesis); similarity and regression (first, second);
multiple_choice (context, choice, choice, ...), where a row with fewer choices than others has empty ones at its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder
from pretrace.common.open_file import check_regular
from pretrace.schemas.record import read_record, write_record
from pretrace.schemas.tasks import NearDuplicates, RawFile, RawParts, TaskRecord
from pretrace.settings import Columns, Heuristic
from pretrace.settings.card import Card

SPLITS = ("train", "dev", "test")
UNLABELED = "unlabeled"
TASK = "task.json"
MISSING = "no such file; run `dvc repro -f tasks`"


@dataclass(frozen=True)
class Row:
    """One example: text, and its label: the index of a class or choice, or a number."""

    parts: tuple[str, ...]
    """As GPT-1's words, on one line: what rows are drawn, compared and counted by, whatever the vocabulary."""
    label: int | float
    origin: str = ""
    """The document or the file's row that it is from; of an unlabeled row, its id."""
    raw: tuple[str, ...] = ()
    """The parts as they were written, which vocabularies encode; empty: `parts` are."""


@dataclass
class TaskData:
    """A task's rows by split. `unavailable` says why there are none, for a probe that this corpus cannot give."""

    kind: str
    metric: str
    labels: list[str] | None
    """Names of the classes; null for regression and multiple choice."""
    splits: dict[str, list[Row]] = field(default_factory=dict)
    unavailable: str | None = None
    details: dict[str, Any] = field(default_factory=dict)
    raw_files: dict[str, RawFile] = field(default_factory=dict)
    """Files that each split was read from; empty for a probe."""
    near_duplicates: dict[str, NearDuplicates] = field(default_factory=dict)
    """Dev and test rows that are nearly the same as a training row; empty for a probe."""
    warnings: list[str] = field(default_factory=list)
    """Facts of the rows that a reader of the scores has to know, a sentence each."""
    sizes: list[str] = field(default_factory=list)
    """Lines and rows of each file, a phrase each."""
    unlabeled: list[Row] = field(default_factory=list)
    """Rows to predict; their labels mean nothing."""
    overrides: dict[str, int | float] = field(default_factory=dict)
    """Settings of fine-tuning that the task's entry has of its own."""
    zero_shot: list[Heuristic] = field(default_factory=list)
    card: Card | None = None
    columns: Columns = field(default_factory=Columns)
    """Names of the columns, for rows that a fine-tuned model is given later."""
    raw_parts: RawParts | None = None
    """Parts of a probe's rows that are as written; None for a task from files, where all are."""


def with_empty_choices(row: Row, most: int | None) -> Row:
    """Return a row of choices with empty ones behind its own, so that there are `most`; None: as it is."""
    if most is None or len(row.parts) == 1 + most:
        return row
    more = ("",) * (1 + most - len(row.parts))
    return replace(row, parts=(*row.parts, *more), raw=(*row.raw, *more) if row.raw else ())


def own_choices(parts: Sequence[str], label: float) -> int:
    """Return how many choices a row has without the empty ones at its end, which are never chosen."""
    last = max((number for number, part in enumerate(parts[1:], 1) if part), default=0)
    return max(last, int(label) + 1)  # a published row may have an empty answer


def choices_there(rows: Sequence[Row]) -> np.ndarray:
    """Return True for the choices of rows that are their own, shape (rows, choices)."""
    numbers = np.arange(len(rows[0].parts) - 1)
    return numbers < np.array([[own_choices(row.parts, row.label)] for row in rows])


def one_line(text: str) -> str:
    """Return a text on one line, with single spaces: the form of every part of a row."""
    return " ".join(text.split())


class Preparer(Protocol):
    """Prepares text for token ids: any tokenizer of pretrace.tokens."""

    @property
    def recipe(self) -> object:
        """Its preparation of text, to compare with others; None: text stays as it is."""

    def prepare(self, text: str) -> str:
        """Return raw text as the tokenizer reads it."""
        ...


def parts_read(parts: Sequence[str], raw: Sequence[str], tokenizer: Preparer, words: object) -> tuple[str, ...]:
    """Return the parts of a row as a tokenizer reads them, on one line.

    Args:
        parts: as words.
        raw: as they were written.
        words: the recipe that made the words, which a tokenizer with the same one need not make again.
    """
    return tuple(parts) if tokenizer.recipe == words else tuple(one_line(tokenizer.prepare(part)) for part in raw)


def write_rows(folder: Path, task: TaskData) -> None:
    """Write a task's folder, whole or not at all."""
    record = TaskRecord(
        kind=task.kind,
        metric=task.metric,
        labels=task.labels,
        unavailable=task.unavailable,
        rows={split: len(rows) for split, rows in task.splits.items()},
        details=task.details,
        overrides=task.overrides,
        zero_shot=task.zero_shot,
        card=task.card,
        columns=task.columns,
        raw_files=task.raw_files,
    )
    with atomic_folder(folder) as temporary:
        write_record(temporary / TASK, record)
        for split, rows in task.splits.items():
            _write_split(temporary / f"{split}.parquet", rows)
        if task.unlabeled:
            _write_split(temporary / f"{UNLABELED}.parquet", task.unlabeled)


def _write_split(path: Path, rows: list[Row]) -> None:
    import pandas as pd

    unlabeled = path.stem == UNLABELED
    table: dict[str, Any] = {"id": [row.origin for row in rows]} if unlabeled else {}
    table |= {"parts": [list(row.parts) for row in rows], "raw": [list(row.raw or row.parts) for row in rows]}
    if not unlabeled:
        table |= {"label": [row.label for row in rows], "origin": [row.origin for row in rows]}
    pd.DataFrame(table).to_parquet(path, compression="zstd", index=False)


def read_rows(folder: Path) -> TaskData:
    """Read a task with its rows as people read them; without splits when it is unavailable.

    Raises:
        PretraceError: a file is missing or not readable.
    """
    record = read_record(folder / TASK, TaskRecord)
    task = TaskData(record.kind, record.metric, record.labels, unavailable=record.unavailable)
    for split in () if record.unavailable else SPLITS:
        columns = _columns(folder / f"{split}.parquet", "parts", "label", "origin", "raw")
        task.splits[split] = [
            Row(tuple(parts), label, origin, tuple(raw)) for parts, label, origin, raw in zip(*columns, strict=True)
        ]
    if (folder / f"{UNLABELED}.parquet").exists():
        columns = _columns(folder / f"{UNLABELED}.parquet", "parts", "id", "raw")
        task.unlabeled = [Row(tuple(parts), 0, name, tuple(raw)) for parts, name, raw in zip(*columns, strict=True)]
    return task


def _columns(path: Path, *names: str) -> list[list[Any]]:
    """Return columns of a file of rows.

    Raises:
        PretraceError: it is missing or not readable.
    """
    import pyarrow.parquet

    check_regular(path, MISSING)
    try:
        table = pyarrow.parquet.read_table(path, columns=list(names))
        return [table[name].to_pylist() for name in names]
    except (OSError, ValueError, KeyError) as error:  # Arrow's own errors are of these kinds
        raise PretraceError(f"{path}: not readable ({error}); run `dvc repro -f tasks`") from None
