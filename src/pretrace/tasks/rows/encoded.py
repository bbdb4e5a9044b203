"""The rows of a task as the token ids of a vocabulary: what training reads.

data/encoded/<system>/<task>/task.json                     as of the rows, with the vocabulary's special tokens
{train,dev,test}.safetensors   ids, offsets of the parts, labels
unlabeled.{parquet,safetensors} rows to predict, if there are any; the first has `id`
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.files import atomic_folder
from pretrace.common.open_file import check_regular
from pretrace.schemas.record import read_record, write_record
from pretrace.schemas.tasks import TaskRecord
from pretrace.tasks.rows.dataset import SPLITS, TASK, UNLABELED, Preparer, Row, one_line, parts_read, read_rows
from pretrace.tasks.rows.kinds import KINDS

SPECIAL_IDS = ("first_id", "separator_id")
MISSING = "no such file; run `dvc repro -f encode`"


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


class Encoder(Preparer, Protocol):
    """Turns text into token ids: any tokenizer of pretrace.tokens."""

    first_id: int | None
    separator_id: int | None

    def encode_array(self, prepared: str) -> np.ndarray:
        """Return the token ids of prepared text."""
        ...


def encode_part(tokenizer: Encoder, raw: str) -> np.ndarray:
    """Return the ids of a part of a row, given as it was written: shape (tokens,)."""
    return tokenizer.encode_array(one_line(tokenizer.prepare(raw)))


def encode_rows(rows: Path, tokenizer: Encoder, words: object, out: Path) -> None:
    """Write the rows of a task as ids, whole or not at all.

    Args:
        rows: data/tasks/<task>.
        words: as `parts_read` takes it.
        out: data/encoded/<system>/<task>.

    Raises:
        PretraceError: a file of the rows is missing or not readable.
    """
    record, task = read_record(rows / TASK, TaskRecord), read_rows(rows)
    special = {name: value for name in SPECIAL_IDS if (value := getattr(tokenizer, name)) is not None}
    label_type = KINDS[task.kind].label_type
    with atomic_folder(out) as temporary:
        write_record(temporary / TASK, record.model_copy(update=special))
        for split, part in (task.splits | ({UNLABELED: task.unlabeled} if task.unlabeled else {})).items():
            texts = [text for row in part for text in parts_read(row.parts, row.raw, tokenizer, words)]
            ids = [tokenizer.encode_array(text) for text in texts]
            _write_split(temporary / f"{split}.safetensors", ids, part, label_type)
        if task.unlabeled:
            _write_ids(temporary / f"{UNLABELED}.parquet", task.unlabeled)


def _write_split(path: Path, encoded: list[np.ndarray], rows: list[Row], label_type: type) -> None:
    from safetensors.numpy import save_file

    tensors = {
        "ids": np.concatenate(encoded) if encoded else np.zeros(0, np.uint16),
        "offsets": np.cumsum([0] + [len(part) for part in encoded]).astype(np.int64),
        "labels": np.array([row.label for row in rows], label_type),
    }
    save_file(tensors, path)


def _write_ids(path: Path, rows: list[Row]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table({"id": [row.origin for row in rows]}), path, compression="zstd")


def read_encoded(folder: Path) -> tuple[TaskRecord, dict[str, EncodedSplit]]:
    """Read what training needs: `task.json` and the encoded splits (none when the task is unavailable).

    Raises:
        PretraceError: a file is missing or not readable.
    """
    record = read_record(folder / TASK, TaskRecord)
    splits = () if record.unavailable else SPLITS
    return record, {split: _read_split(folder / f"{split}.safetensors") for split in splits}


def read_unlabeled(folder: Path) -> tuple[list[str], EncodedSplit] | None:
    """Return the rows to predict with their ids, in the order of their file; None if the task has none."""
    import pandas as pd

    path = folder / f"{UNLABELED}.parquet"
    if not path.exists():
        return None
    check_regular(path)
    ids = pd.read_parquet(path, columns=["id"])["id"]
    return ids.tolist(), _read_split(folder / f"{UNLABELED}.safetensors")


def _read_split(path: Path) -> EncodedSplit:
    from safetensors.numpy import load_file

    check_regular(path, MISSING)
    try:
        tensors = load_file(path)
        parts = (len(tensors["offsets"]) - 1) // max(1, len(tensors["labels"]))
        return EncodedSplit(tensors["ids"], tensors["offsets"], tensors["labels"], parts)
    except Exception as error:
        raise PretraceError(f"{path}: not readable ({error}); run `dvc repro -f encode`") from None
