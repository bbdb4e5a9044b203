"""A task's rows as text, from data/tasks/<task>/<split>.parquet."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import check_regular
from pretrace.corpus.text.recipe import Recipe
from pretrace.tasks.rows.dataset import parts_read
from pretrace.tokens import Vocabulary


@dataclass(frozen=True)
class TextRow:
    """One example."""

    number: int
    """In its split, from 0."""
    parts: tuple[str, ...]
    """As the vocabulary reads them, on one line, by kind as in pretrace.tasks.rows.dataset."""
    label: int
    origin: str
    """The document or the file's row that it is from."""


def evenly_spaced(count: int, limit: int | None) -> np.ndarray:
    """Return at most `limit` of the numbers from 0 to count - 1, evenly spaced: a split may be sorted."""
    if limit is None or count <= limit:
        return np.arange(count)
    return np.arange(limit) * count // limit


def read_rows(folder: Path, split: str, limit: int | None, vocabulary: Vocabulary, words: Recipe) -> list[TextRow]:
    """Return at most `limit` rows of a split, evenly spaced.

    Args:
        words: the recipe that made the words of the rows; another vocabulary reads them as they were written.

    Raises:
        PretraceError: the file is missing, damaged or empty.
    """
    import pyarrow.parquet

    path = folder / f"{split}.parquet"
    check_regular(path, "no such file; run `dvc repro -f tasks`")
    try:
        table = pyarrow.parquet.read_table(path, columns=["parts", "label", "origin", "raw"])
    except (OSError, ValueError, KeyError) as error:  # Arrow's own errors are of these kinds
        raise PretraceError(f"{path}: not readable ({error}); run `dvc repro -f tasks`") from None
    numbers = evenly_spaced(len(table), limit)
    if not len(numbers):
        raise PretraceError(f"{path}: has no rows")
    rows = table.take(numbers).to_pylist()
    return [
        TextRow(int(number), parts_read(row["parts"], row["raw"], vocabulary, words), int(row["label"]), row["origin"])
        for number, row in zip(numbers, rows, strict=True)
    ]
