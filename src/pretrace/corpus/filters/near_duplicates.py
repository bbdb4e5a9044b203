"""Filter of documents that are nearly the same: found by MinHash, then compared exactly, so that a drop is certain.

The similarity of two documents is the Jaccard similarity of their sets of shingles (n-grams of words). MinHash
signatures are compared in bands: documents that agree in a whole band are candidates, and the sets of candidates are
compared. So one pair in a thousand at the threshold may be missed, and no pair below it is a duplicate.

Only the signatures of the whole corpus are in memory (512 bytes per document). The shingles of the candidates lie on
disk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pretrace.corpus.filters.ngrams import MULTIPLIER, hash_ngrams, hash_words

if TYPE_CHECKING:
    from datasketch import MinHash

    from pretrace.settings import NearDuplicateRules

PERMUTATIONS = 128
MISSED = 0.001
"""The largest probability that a pair at the threshold agrees in no band."""
SHINGLES_AT_ONCE = 4096
"""The library holds a number for each of these and each permutation, so a book is sketched in chunks."""


def shingles(text: str, n: int) -> np.ndarray:
    """Return the set of n-grams as sorted 64-bit hashes; a text of fewer words is one n-gram."""
    words = hash_words(text.split())
    return np.unique(hash_ngrams(words, min(n, len(words))))


def signature(text: str, n: int) -> np.ndarray:
    """Return the MinHash signature of a text's shingles, uint32 of shape `(PERMUTATIONS,)`; the same everywhere."""
    sketch = _empty_sketch().copy()
    hashes = (shingles(text, n) >> np.uint64(32)).tolist()  # the library's hashes have 32 bits
    for start in range(0, len(hashes), SHINGLES_AT_ONCE):
        sketch.update_batch(hashes[start : start + SHINGLES_AT_ONCE])
    return sketch.hashvalues


@cache
def _empty_sketch() -> MinHash:
    """Return the sketch of no shingles; to draw its permutations takes longer than to use them on a short text."""
    from datasketch import MinHash

    return MinHash(PERMUTATIONS, hashfunc=int, scheme="affine32")


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Return the Jaccard similarity of two sets as `shingles` gives them; 1 for two empty ones."""
    shared = len(np.intersect1d(a, b, assume_unique=True))
    union = len(a) + len(b) - shared
    return shared / union if union else 1.0


def band_rows(threshold: float) -> int:
    """Return the rows per band: the most with which at most `MISSED` of the pairs at the threshold agree in no band."""
    missed = {rows: (1 - threshold**rows) ** (PERMUTATIONS // rows) for rows in range(1, PERMUTATIONS + 1)}
    return max(rows for rows, chance in missed.items() if chance <= MISSED)


def buckets(signatures: np.ndarray, rows: int) -> list[list[int]]:
    """Return the sets of two or more documents that agree in a band, each in ascending order.

    `signatures` is of shape `(documents, PERMUTATIONS)`.
    """
    members: set[tuple[int, ...]] = set()
    for first in range(0, PERMUTATIONS - rows + 1, rows):
        band = _hash_rows(signatures[:, first : first + rows])
        order = np.argsort(band, kind="stable")
        starts = np.flatnonzero(np.concatenate([[True], np.diff(band[order]) != 0]))
        counts = np.diff(starts, append=len(order))
        shared = counts > 1
        spans = zip(starts[shared].tolist(), counts[shared].tolist(), strict=True)
        members |= {tuple(order[start : start + count].tolist()) for start, count in spans}
    return [list(bucket) for bucket in sorted(members)]


class ShingleFile:
    """Sets of shingles on disk, indexed by the document's number."""

    def __init__(self, path: Path, texts: Iterable[tuple[int, str]], n: int) -> None:
        self._path = path
        self._positions: dict[int, tuple[int, int]] = {}
        start = 0
        with path.open("wb") as stream:
            for number, text in texts:
                hashes = shingles(text, n)
                stream.write(hashes.tobytes())
                self._positions[number] = (start, len(hashes))
                start += hashes.nbytes

    def __getitem__(self, number: int) -> np.ndarray:
        start, count = self._positions[number]
        return np.fromfile(self._path, np.uint64, count, offset=start)


def find_repeats(candidates: list[list[int]], sets: ShingleFile, threshold: float) -> dict[int, tuple[int, float]]:
    """Return each document to drop, with the earlier one that stays and their similarity, at least the threshold."""
    buckets_of = _buckets_by_document(candidates)
    dropped: dict[int, tuple[int, float]] = {}
    for number in sorted(buckets_of):
        own = None
        before = {other for bucket in buckets_of[number] for other in candidates[bucket] if other < number}
        for other in sorted(before - dropped.keys()):
            own = sets[number] if own is None else own
            if (jaccard := similarity(sets[other], own)) >= threshold:
                dropped[number] = (other, jaccard)
                break
    return dropped


def find_groups(candidates: list[list[int]], sets: ShingleFile, threshold: float) -> dict[int, int]:
    """Return each document that is similar to another one, directly or through others, with the first of its group."""
    first: dict[int, int] = {}

    def root(number: int) -> int:
        while first.setdefault(number, number) != number:
            first[number] = number = first[first[number]]
        return number

    for a, b in _pairs(candidates):
        if root(a) != root(b) and similarity(sets[a], sets[b]) >= threshold:
            low, high = sorted((root(a), root(b)))
            first[high] = low
    roots = {number: root(number) for number in first}
    larger = {start for number, start in roots.items() if number != start}
    return {number: start for number, start in sorted(roots.items()) if start in larger}


def find_near_duplicates(
    texts: Iterable[str], signatures: np.ndarray, rules: NearDuplicateRules, scratch: Path
) -> tuple[dict[int, tuple[int, float]], dict[int, int]]:
    """Return the documents to drop (`find_repeats`) and to keep together (`find_groups`), by their index in `texts`.

    One of them is empty, as `rules.action` says.

    `signatures` is of shape `(documents, PERMUTATIONS)`; `scratch` is a file for shingles, which is
    deleted again.
    """
    candidates = buckets(signatures, band_rows(rules.threshold)) if len(signatures) else []
    members = {number for bucket in candidates for number in bucket}
    try:
        compared = ((number, text) for number, text in enumerate(texts) if number in members)
        sets = ShingleFile(scratch, compared if members else (), rules.shingle_words)
        if rules.action == "drop":
            return find_repeats(candidates, sets, rules.threshold), {}
        return {}, find_groups(candidates, sets, rules.threshold)
    finally:
        scratch.unlink(missing_ok=True)


def _hash_rows(rows: np.ndarray) -> np.ndarray:
    """Hash each row of a matrix to 64 bits."""
    hashes = np.zeros(len(rows), np.uint64)
    for column in rows.T:
        hashes = hashes * MULTIPLIER + column
    return hashes


def _buckets_by_document(candidates: list[list[int]]) -> dict[int, list[int]]:
    buckets_of: dict[int, list[int]] = defaultdict(list)
    for bucket, members in enumerate(candidates):
        for number in members:
            buckets_of[number].append(bucket)
    return buckets_of


def _pairs(candidates: list[list[int]]) -> Iterator[tuple[int, int]]:
    for members in candidates:
        for index, b in enumerate(members):
            yield from ((a, b) for a in members[:index])
