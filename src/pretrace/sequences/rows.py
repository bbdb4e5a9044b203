"""Rows of a task of the kind `sequence`: a text, and the texts that answer it, by split.

data/sequences/<task>/task.json                 names of the metrics, counts, why there are no rows
                     {train,dev,test}.jsonl     a row a line
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder
from pretrace.common.open_file import open_file
from pretrace.schemas.record import read_record, write_record
from pretrace.schemas.sequences.rows import SequenceTaskRecord

SPLITS = ("train", "dev", "test")
TASK = "task.json"
MISSING = "no such file; run `dvc repro -f sequences`"


@dataclass(frozen=True)
class SequenceRow:
    """One example, as it was written."""

    source: str
    targets: tuple[str, ...]
    """Accepted answers; the first one is learned."""
    context: str = ""
    """A text that the source is about, and which stands before it."""
    origin: str = ""
    """The document, or the file's row, that it is from."""


@dataclass
class SequenceData:
    """Rows of a task by split; none if it is `unavailable`."""

    splits: dict[str, list[SequenceRow]] = field(default_factory=dict)
    unavailable: str | None = None
    """Why there are no rows, for a probe that this corpus cannot give."""
    details: dict[str, Any] = field(default_factory=dict)
    """Numbers about the rows, for the report."""


def write_rows(folder: Path, data: SequenceData, metrics: list[str]) -> SequenceTaskRecord:
    """Write the folder of a task, whole or not at all; return its record.

    Args:
        metrics: of the task, the first is that of the table.
    """
    counts = {split: len(data.splits.get(split, [])) for split in SPLITS}
    record = SequenceTaskRecord(metrics=metrics, rows=counts, unavailable=data.unavailable, details=data.details)
    with atomic_folder(folder) as temporary:
        write_record(temporary / TASK, record)
        for split in SPLITS:
            lines = [_line(row) for row in data.splits.get(split, [])]
            (temporary / f"{split}.jsonl").write_text("".join(lines), encoding="utf-8")
    return record


def read_rows(folder: Path) -> tuple[SequenceTaskRecord, SequenceData]:
    """Return the record and the rows of the folder of a task.

    Raises:
        PretraceError: a file is missing or damaged.
    """
    record = read_record(folder / TASK, SequenceTaskRecord)
    splits = {split: _read_split(folder / f"{split}.jsonl") for split in SPLITS}
    if record.rows != {split: len(rows) for split, rows in splits.items()}:
        raise PretraceError(f"{folder}: has other rows than {TASK} says; run `dvc repro -f sequences`")
    return record, SequenceData(splits, record.unavailable, record.details)


def _line(row: SequenceRow) -> str:
    values = {"source": row.source, "targets": row.targets, "context": row.context, "origin": row.origin}
    return json.dumps(values, ensure_ascii=False) + "\n"


def _read_split(path: Path) -> list[SequenceRow]:
    try:
        with open_file(path, missing=MISSING) as stream:
            rows = [json.loads(line) for line in stream.read().decode("utf-8").split("\n") if line]
        return [SequenceRow(one["source"], tuple(one["targets"]), one["context"], one["origin"]) for one in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise PretraceError(f"{path}: not readable ({error}); run `dvc repro -f sequences`") from None
