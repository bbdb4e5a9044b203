"""Documents that are nearly the same: found by MinHash, then compared exactly, so that a drop is certain.

The likeness of two documents is the Jaccard similarity of their sets of shingles (runs of words). MinHash signatures
are compared in bands: only documents that agree in a whole band are looked at, and of those the sets are compared. So
one pair in a thousand at the threshold may be missed, and none below it is taken.

Of the whole corpus only signatures are in memory (512 bytes a document). The shingles of the few documents that agree
in a band lie on disk.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pretrace.corpus.filters.ngrams import MULTIPLIER, hash_ngrams, hash_words

if TYPE_CHECKING:
    from pretrace.settings import NearDuplicateRules

PERMUTATIONS = 128
MISSED = 0.001
"""The largest chance that a pair at the threshold agrees in no band."""
SHINGLES_AT_ONCE = 4096
"""The library holds a number for each of these and each permutation, so a book goes to it in pieces."""


def shingles(text: str, n: int) -> np.ndarray:
    """The set of runs of `n` words, as sorted 64-bit numbers; a shorter text is one run."""
    words = hash_words(text.split())
    return np.unique(hash_ngrams(words, min(n, len(words))))


def signature(text: str, n: int) -> np.ndarray:
    """The MinHash signature of a text's shingles, uint32 of shape `(PERMUTATIONS,)`; the same everywhere."""
    from datasketch import MinHash

    sketch = MinHash(PERMUTATIONS, hashfunc=int, scheme="affine32")
    numbers = (shingles(text, n) >> np.uint64(32)).tolist()  # the library's hashes have 32 bits
    for start in range(0, len(numbers), SHINGLES_AT_ONCE):
        sketch.update_batch(numbers[start : start + SHINGLES_AT_ONCE])
    return sketch.hashvalues


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Jaccard similarity of two sets as `shingles` gives them; 1 for two empty ones."""
    shared = len(np.intersect1d(a, b, assume_unique=True))
    union = len(a) + len(b) - shared
    return shared / union if union else 1.0


def band_rows(threshold: float) -> int:
    """Rows in a band: as many as let no more than `MISSED` of the pairs at the threshold slip through all bands."""
    missed = {rows: (1 - threshold**rows) ** (PERMUTATIONS // rows) for rows in range(1, PERMUTATIONS + 1)}
    return max(rows for rows, chance in missed.items() if chance <= MISSED)


def buckets(signatures: np.ndarray, rows: int) -> list[list[int]]:
    """Sets of two documents or more that agree in a band, in ascending order each; `signatures` is `(documents, .)`."""
    found = set()
    for first in range(0, PERMUTATIONS - rows + 1, rows):
        band = _row_numbers(signatures[:, first : first + rows])
        order = np.argsort(band, kind="stable")
        starts = np.flatnonzero(np.concatenate([[True], np.diff(band[order]) != 0]))
        counts = np.diff(starts, append=len(order))
        shared = counts > 1
        places = zip(starts[shared].tolist(), counts[shared].tolist(), strict=True)
        found |= {tuple(order[start : start + count].tolist()) for start, count in places}
    return [list(group) for group in sorted(found)]


class ShingleFile:
    """Sets of shingles on disk, by the document's number."""

    def __init__(self, path: Path, texts: Iterable[tuple[int, str]], n: int) -> None:
        self._path, self._places = path, {}
        start = 0
        with path.open("wb") as stream:
            for number, text in texts:
                numbers = shingles(text, n)
                stream.write(numbers.tobytes())
                self._places[number] = (start, len(numbers))
                start += numbers.nbytes

    def __getitem__(self, number: int) -> np.ndarray:
        start, count = self._places[number]
        return np.fromfile(self._path, np.uint64, count, offset=start)


def repeats(candidates: list[list[int]], sets: ShingleFile, threshold: float) -> dict[int, tuple[int, float]]:
    """For each document to drop, the earlier one that stays and their similarity: it is at least the threshold."""
    of_document = _by_document(candidates)
    dropped: dict[int, tuple[int, float]] = {}
    for number in sorted(of_document):
        own = None
        before = {other for bucket in of_document[number] for other in candidates[bucket] if other < number}
        for other in sorted(before - dropped.keys()):
            own = sets[number] if own is None else own
            if (found := similarity(sets[other], own)) >= threshold:
                dropped[number] = (other, found)
                break
    return dropped


def groups(candidates: list[list[int]], sets: ShingleFile, threshold: float) -> dict[int, int]:
    """For each document that is like another one, directly or through others, the first of its group."""
    first: dict[int, int] = {}

    def root(number: int) -> int:
        while first.setdefault(number, number) != number:
            first[number] = number = first[first[number]]
        return number

    for a, b in _pairs(candidates):
        if root(a) != root(b) and similarity(sets[a], sets[b]) >= threshold:
            low, high = sorted((root(a), root(b)))
            first[high] = low
    found = {number: root(number) for number in first}
    larger = {start for number, start in found.items() if number != start}
    return {number: start for number, start in sorted(found.items()) if start in larger}


def find_near_duplicates(
    texts: Iterable[str], signatures: np.ndarray, rules: NearDuplicateRules, scratch: Path
) -> tuple[dict[int, tuple[int, float]], dict[int, int]]:
    """What to drop (see `repeats`) and what to keep together (see `groups`), by place in `texts`; one is empty.

    `signatures` is of shape `(documents, PERMUTATIONS)`; `scratch` is a file for shingles, which is removed again.
    """
    candidates = buckets(signatures, band_rows(rules.threshold)) if len(signatures) else []
    wanted = set().union(*candidates)
    try:
        chosen = ((number, text) for number, text in enumerate(texts) if number in wanted)
        sets = ShingleFile(scratch, chosen if wanted else (), rules.shingle_words)
        if rules.action == "drop":
            return repeats(candidates, sets, rules.threshold), {}
        return {}, groups(candidates, sets, rules.threshold)
    finally:
        scratch.unlink(missing_ok=True)


def _row_numbers(rows: np.ndarray) -> np.ndarray:
    """A 64-bit number for each row of a matrix; equal rows have the same."""
    numbers = np.zeros(len(rows), np.uint64)
    for column in rows.T:
        numbers = numbers * MULTIPLIER + column
    return numbers


def _by_document(candidates: list[list[int]]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = defaultdict(list)
    for bucket, members in enumerate(candidates):
        for number in members:
            found[number].append(bucket)
    return found


def _pairs(candidates: list[list[int]]) -> Iterator[tuple[int, int]]:
    for members in candidates:
        for place, b in enumerate(members):
            yield from ((a, b) for a in members[:place])
