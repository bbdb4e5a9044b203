"""Sets of shingles on disk, compared exactly, many with one in a few array operations."""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

import numpy as np

from pretrace.corpus.filters.minhash import shingles

AT_ONCE = 1 << 20
"""Shingles of several sets in memory, or those of one."""
SAMPLE = 32
"""Sets by which it is told what most have in common."""


class ShingleSets:
    """The sets of some texts, by their number from 0; a context, after which the file is deleted.

    Attributes:
        sizes: shingles in each set: int64.
    """

    def __init__(self, path: Path, texts: Iterable[str], n: int) -> None:
        self._path = path
        sizes = array("q")
        with path.open("wb") as stream:
            for text in texts:
                hashes = shingles(text, n)
                stream.write(hashes.tobytes())
                sizes.append(len(hashes))
        self.sizes = np.array(sizes, np.int64)
        self._starts = np.cumsum(self.sizes) - self.sizes
        self._file = os.open(path, os.O_RDONLY)

    def __enter__(self) -> ShingleSets:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._file)
        self._path.unlink()

    def read(self, numbers: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the shingles of some sets end to end (uint64), and for each the place of its set in `numbers`."""
        found = b"".join(
            [
                os.pread(self._file, 8 * size, 8 * start)
                for start, size in zip(self._starts[numbers].tolist(), self.sizes[numbers].tolist(), strict=True)
            ]
        )
        return np.frombuffer(found, np.uint64), np.repeat(np.arange(len(numbers)), self.sizes[numbers])

    def chunks(self, numbers: np.ndarray, row_cost: int = 0) -> Iterator[tuple[int, np.ndarray]]:
        """Yield `numbers` in pieces that fit into memory, each with its place; a set costs `row_cost` or its size."""
        costs = np.cumsum(np.maximum(self.sizes[numbers], row_cost))
        start = 0
        while start < len(numbers):
            spent = int(costs[start - 1]) if start else 0
            end = max(start + 1, int(np.searchsorted(costs, spent + AT_ONCE, side="right")))
            yield start, numbers[start:end]
            start = end

    def in_most(self, numbers: np.ndarray) -> np.ndarray:
        """Return the shingles that more than half of a sample of the sets have, sorted."""
        sample = numbers[:: max(1, len(numbers) // SAMPLE)]
        found, holders = np.unique(self.read(sample)[0], return_counts=True)
        return found[2 * holders > len(sample)]

    def similarities(self, number: int, others: np.ndarray) -> np.ndarray:
        """Return the Jaccard similarity of a set to others: float64; 1 for two empty ones."""
        own, _ = self.read(np.array([number]))
        shared = np.zeros(len(others), np.int64)
        for start, some in self.chunks(others):
            hashes, rows = self.read(some)
            shared[start : start + len(some)] = np.bincount(rows[places_in(own, hashes)[1]], minlength=len(some))
        return jaccard(shared, len(own) + self.sizes[others])


def jaccard(shared: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the Jaccard similarities of pairs of sets from what they share and the sum of their sizes: float64."""
    union = sizes - shared
    return np.where(union > 0, shared / np.maximum(union, 1), 1.0)


def places_in(ordered: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return for each wanted value its place in an ordered array, and True if it is there."""
    if not len(ordered):
        return np.zeros(len(wanted), np.int64), np.zeros(len(wanted), bool)
    at = np.minimum(np.searchsorted(ordered, wanted), len(ordered) - 1)
    return at, ordered[at] == wanted


def ranges(starts: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of several ranges end to end, and for each the number of its range."""
    of = np.repeat(np.arange(len(lengths)), lengths)
    return np.arange(len(of)) - (np.cumsum(lengths) - lengths)[of] + starts[of], of
