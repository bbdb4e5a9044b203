"""All n-grams of a stream of token ids, as a trie on sorted arrays.

An n-gram is a node. Node k of order n continues a node of order n - 1, its context, by one id; the nodes of an order
are sorted by context, then by id, so that the ids that follow a context stand together. No well-kept library builds
n-grams from Python (KenLM's are built by a program of its own; NLTK's dictionaries take minutes and gigabytes).

    ngrams-<n>.parquet      a line for each n-gram of order n, in order: `id`, `count`, `before`, `after`
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.common.open_file import check_regular

HIGHEST_ORDER = 5


@dataclass(frozen=True)
class Level:
    """The n-grams of one order, sorted by context, then by last id."""

    ids: np.ndarray
    """The last id of each."""
    counts: np.ndarray
    """Occurrences of each."""
    before: np.ndarray
    """Number of different ids that precede each."""
    after: np.ndarray
    """Number of different ids that follow each; 0 in the highest order."""

    @property
    def starts(self) -> np.ndarray:
        """Where the n-grams that continue each one begin in the next order, and where the last ones end."""
        return np.concatenate([[0], np.cumsum(self.after, dtype=np.int64)])


def count_ngrams(ids: np.ndarray, vocabulary: int, order: int = HIGHEST_ORDER) -> list[Level]:
    """Return the n-grams of a stream by order, from 1; those of order 1 are all ids, also such as do not occur."""
    ids = ids.astype(np.int64)
    last = np.arange(vocabulary)
    counts = np.bincount(ids, minlength=vocabulary)
    nodes, levels = ids, []
    for n in range(2, order + 1):
        length = max(0, len(ids) - n + 1)
        keys = nodes[:length] * vocabulary + ids[len(ids) - length :]
        keys, first, inverse, repeated = np.unique(keys, return_index=True, return_inverse=True, return_counts=True)
        # What follows the first id of an n-gram is an (n-1)-gram; each different n-gram gives it one id before it.
        before = np.bincount(nodes[first + 1], minlength=len(last))
        after = np.bincount(keys // vocabulary, minlength=len(last))
        levels.append(_level(last, counts, before, after))
        last, counts, nodes = keys % vocabulary, repeated, inverse
    return [*levels, _level(last, counts, np.zeros_like(counts), np.zeros_like(counts))]


def _level(*columns: np.ndarray) -> Level:
    """Return a level whose numbers take half of the memory."""
    return Level(*(column.astype(np.int32) for column in columns))


def write_ngrams(folder: Path, levels: list[Level]) -> None:
    """Write one file for each order into a folder."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    for n, level in enumerate(levels, 1):
        columns = {"id": level.ids, "count": level.counts, "before": level.before, "after": level.after}
        table = pa.table({name: pa.array(values, pa.uint32()) for name, values in columns.items()})
        pq.write_table(table, folder / f"ngrams-{n}.parquet", compression="zstd", store_schema=False)


def read_ngrams(folder: Path) -> list[Level]:
    """Read what `write_ngrams` wrote.

    Raises:
        PretraceError: a file is missing, damaged, or does not fit the others.
    """
    import pyarrow.parquet as pq

    levels: list[Level] = []
    for n in range(1, HIGHEST_ORDER + 1):
        path = folder / f"ngrams-{n}.parquet"
        check_regular(path, "no such file; run `dvc repro -f text_models`")
        try:
            table = pq.read_table(path, columns=["id", "count", "before", "after"])
        except (OSError, ValueError, KeyError) as error:  # Arrow's own errors are of these kinds
            raise PretraceError(f"{path}: not readable ({error}); run `dvc repro -f text_models`") from None
        level = _level(*(column.to_numpy() for column in table.columns))
        if levels and levels[-1].after.sum() != len(level.ids):
            raise PretraceError(f"{path}: does not fit the orders below; run `dvc repro -f text_models`")
        levels.append(level)
    return levels
