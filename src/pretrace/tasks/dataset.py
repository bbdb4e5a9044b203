"""A task whose rows are made or read: parts of text, a label, and where each row is from.

    data/tasks/<task>/task.json                        kind, metric, labels, overrides, card, why it could not be made
                      {train,dev,test}.parquet         the rows as people read them: `parts` as words, `raw` as written
                      {train,dev,test}.safetensors     the same rows as token ids, for training
                      unlabeled.{parquet,safetensors} rows to predict, if there are any; with a column `id`

`parts` by kind: classification (text,); entailment (premise, hypothesis); similarity and regression (first, second);
multiple_choice (context, choice, choice, ...).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
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
from pretrace.tasks.kinds import KINDS

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
    special_ids: dict[str, int] = field(default_factory=dict)
    """Special tokens that the vocabulary has for examples of a task, by their names in `task.json`."""
    overrides: dict[str, int | float] = field(default_factory=dict)
    """Settings of fine-tuning that the task's entry has of its own."""
    zero_shot: list[Heuristic] = field(default_factory=list)
    card: Card | None = None
    columns: Columns = field(default_factory=Columns)
    """Names of the columns, for rows that a fine-tuned model is given later."""
    raw_parts: RawParts | None = None
    """Parts of a probe's rows that are as written; None for a task from files, where all are."""


@dataclass(frozen=True)
class EncodedSplit:
    """Rows as ids: row `i`, part `j` is `ids[offsets[i * parts + j] : offsets[i * parts + j + 1]]`."""

    ids: np.ndarray
    offsets: np.ndarray
    labels: np.ndarray
    parts: int

    def __len__(self) -> int:
        return len(self.labels)

    def row(self, index: int) -> list[np.ndarray]:
        """Return the parts of a row, each an array of ids."""
        first = index * self.parts
        return [self.ids[self.offsets[j] : self.offsets[j + 1]] for j in range(first, first + self.parts)]

    def take(self, indices: np.ndarray) -> EncodedSplit:
        """Return the rows of these indices, in their order."""
        parts = [part for index in indices for part in self.row(int(index))]
        offsets = np.cumsum([0, *map(len, parts)]).astype(np.int64)
        return EncodedSplit(np.concatenate(parts), offsets, self.labels[indices], self.parts)


class Encoder(Protocol):
    """Turns text into token ids: any tokenizer of pretrace.tokens."""

    first_id: int | None
    separator_id: int | None

    @property
    def recipe(self) -> object:
        """Its preparation of text, to compare with others; None: text stays as it is."""

    def prepare(self, text: str) -> str:
        """Return raw text as the tokenizer reads it."""
        ...

    def encode_array(self, prepared: str) -> np.ndarray:
        """Return the token ids of prepared text."""
        ...


def one_line(text: str) -> str:
    """Return a text on one line, with single spaces: the form of every part of a row."""
    return " ".join(text.split())


def encode_part(tokenizer: Encoder, raw: str) -> np.ndarray:
    """Return the ids of a part of a row, given as it was written: shape (tokens,)."""
    return tokenizer.encode_array(one_line(tokenizer.prepare(raw)))


def write_task(folder: Path, task: TaskData, encode: Callable[[str], np.ndarray], words: bool = False) -> None:
    """Write a task's folder, whole or not at all.

    Args:
        encode: gives the ids of a part as it was written, as `encode_part` does; or of its words.
        words: True if it takes the words.
    """
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
        **task.special_ids,
    )
    with atomic_folder(folder) as temporary:
        write_record(temporary / TASK, record)
        for split, rows in task.splits.items():
            _write_rows(temporary / split, rows, task.kind, encode, words)
        if task.unlabeled:
            _write_rows(temporary / UNLABELED, task.unlabeled, task.kind, encode, words)


def _write_rows(path: Path, rows: list[Row], kind: str, encode: Callable[[str], np.ndarray], words: bool) -> None:
    import pandas as pd
    from safetensors.numpy import save_file

    unlabeled = path.name == UNLABELED
    table: dict[str, Any] = {"id": [row.origin for row in rows]} if unlabeled else {}
    table |= {"parts": [list(row.parts) for row in rows], "raw": [list(row.raw or row.parts) for row in rows]}
    if not unlabeled:
        table |= {"label": [row.label for row in rows], "origin": [row.origin for row in rows]}
    pd.DataFrame(table).to_parquet(path.with_suffix(".parquet"), compression="zstd", index=False)
    encoded = [encode(part) for row in rows for part in (row.parts if words else row.raw or row.parts)]
    tensors = {
        "ids": np.concatenate(encoded) if encoded else np.zeros(0, np.uint16),
        "offsets": np.cumsum([0] + [len(part) for part in encoded]).astype(np.int64),
        "labels": np.array([row.label for row in rows], KINDS[kind].label_type),
    }
    save_file(tensors, path.with_suffix(".safetensors"))


def read_task(folder: Path) -> tuple[TaskRecord, dict[str, EncodedSplit]]:
    """Read what training needs: `task.json` and the encoded splits (none when the task is unavailable)."""
    record = read_record(folder / TASK, TaskRecord)
    splits = () if record.unavailable else SPLITS
    return record, {split: _read_rows(folder / f"{split}.safetensors") for split in splits}


def read_rows(folder: Path) -> TaskData:
    """Read a task with its rows as people read them; without splits when it is unavailable.

    Raises:
        PretraceError: a file is missing or not readable.
    """
    import pyarrow.parquet

    record = read_record(folder / TASK, TaskRecord)
    task = TaskData(record.kind, record.metric, record.labels, unavailable=record.unavailable)
    for split in () if record.unavailable else SPLITS:
        path = folder / f"{split}.parquet"
        check_regular(path, MISSING)
        try:
            table = pyarrow.parquet.read_table(path, columns=["parts", "label", "origin", "raw"])
        except (OSError, ValueError, KeyError) as error:  # Arrow's own errors are of these kinds
            raise PretraceError(f"{path}: not readable ({error}); run `dvc repro -f tasks`") from None
        rows = (table[name].to_pylist() for name in table.column_names)
        task.splits[split] = [
            Row(tuple(parts), label, origin, tuple(raw)) for parts, label, origin, raw in zip(*rows, strict=True)
        ]
    return task


def read_unlabeled(folder: Path) -> tuple[list[str], EncodedSplit] | None:
    """Return the rows to predict with their ids, in the order of their file; None if the task has none."""
    import pandas as pd

    path = folder / f"{UNLABELED}.parquet"
    if not path.exists():
        return None
    check_regular(path)
    ids = pd.read_parquet(path, columns=["id"])["id"]
    return ids.tolist(), _read_rows(folder / f"{UNLABELED}.safetensors")


def _read_rows(path: Path) -> EncodedSplit:
    from safetensors.numpy import load_file

    check_regular(path, MISSING)
    try:
        tensors = load_file(path)
        parts = (len(tensors["offsets"]) - 1) // max(1, len(tensors["labels"]))
        return EncodedSplit(tensors["ids"], tensors["offsets"], tensors["labels"], parts)
    except Exception as error:
        raise PretraceError(f"{path}: not readable ({error}); run `dvc repro -f tasks`") from None
