"""MinHash: signatures of sets of shingles, and the documents whose signatures agree in a band.

A shingle is an n-gram of words. Two signatures agree in a place with a probability that is the Jaccard similarity of
the two sets. They are cut into bands, and documents that agree in a whole band are candidates.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from pretrace.corpus.filters.ngrams import MULTIPLIER, hash_ngrams, hash_words, hash_words_of

PERMUTATIONS = 128
MISSED = 0.001
"""The largest probability that a pair at the threshold agrees in no band."""
AT_ONCE = 1 << 16
"""Shingles that are permuted at once: they stay in a processor's second cache."""
MOST = 2**32 - 1
"""The values of the signature of an empty set."""


def shingles(text: str, n: int) -> np.ndarray:
    """Return the set of n-grams as sorted 64-bit hashes; a text of fewer words is one n-gram."""
    words = hash_words(text.split())
    return np.unique(hash_ngrams(words, min(n, len(words))))


def signatures(texts: Sequence[str], n: int) -> np.ndarray:
    """Return the MinHash signatures of the shingles of texts, uint32 of shape `(texts, PERMUTATIONS)`.

    They are those of `datasketch` (scheme "affine32"), the same everywhere; the library makes one text's at a time,
    from Python's integers, which is slow for short texts.
    """
    words, counts = hash_words_of(texts)
    firsts = np.cumsum(counts) - counts
    after = np.repeat(firsts + counts, counts) - np.arange(len(words))  # words from this one to the end of its text
    ngrams = [hash_ngrams(words, n)[after[: max(0, len(words) - n + 1)] >= n]]
    long, short = np.flatnonzero(counts >= n), np.flatnonzero((counts < n) & (counts > 0))
    for number in short:
        ngrams.append(hash_ngrams(words[firsts[number] :][: counts[number]], int(counts[number])))
    sizes = np.concatenate([counts[long] - n + 1, np.ones(len(short), np.int64)])
    found = np.full((len(texts), PERMUTATIONS), MOST, np.uint32)
    found[np.concatenate([long, short])] = _least(np.concatenate(ngrams), sizes)
    return found


def _least(shingles: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Return the least value of each permutation, uint32 of shape `(sets, PERMUTATIONS)`; no set is empty."""
    hashes = _mix((shingles >> np.uint64(32)).astype(np.uint32))
    starts = np.cumsum(sizes) - sizes
    least = np.full((PERMUTATIONS, len(sizes)), MOST, np.uint32)
    permuted = np.empty(min(AT_ONCE, len(hashes)), np.uint32)
    for begin in range(0, len(hashes), AT_ONCE):
        some = hashes[begin : begin + AT_ONCE]
        first = int(np.searchsorted(starts, begin, side="right")) - 1
        last = int(np.searchsorted(starts, begin + len(some)))
        inside = np.maximum(starts[first:last] - begin, 0)
        out = permuted[: len(some)]
        for row, (factor, more) in zip(least[:, first:last], _permutations(), strict=True):
            np.multiply(some, factor, out=out)
            np.add(out, more, out=out)
            np.minimum(row, out.min() if len(inside) == 1 else np.minimum.reduceat(out, inside), out=row)
    return least.T


def _mix(hashes: np.ndarray) -> np.ndarray:
    """Return the hashes after the last steps of MurmurHash3, as datasketch takes them."""
    hashes ^= hashes >> np.uint32(16)
    hashes *= np.uint32(0x85EBCA6B)
    hashes ^= hashes >> np.uint32(13)
    hashes *= np.uint32(0xC2B2AE35)
    hashes ^= hashes >> np.uint32(16)
    return hashes


@cache
def _permutations() -> list[tuple[np.uint32, np.uint32]]:
    """Return the factors and summands of datasketch's permutations; they are applied modulo 2^32."""
    drawn = np.random.RandomState(1)
    factors = drawn.randint(0, 1 << 31, PERMUTATIONS, np.uint32) * np.uint32(2) + np.uint32(1)
    return list(zip(factors, drawn.randint(0, 1 << 32, PERMUTATIONS, np.uint32), strict=True))


def similarity(a: np.ndarray, b: np.ndarray) -> float:
    """Return the Jaccard similarity of two sets as `shingles` gives them; 1 for two empty ones."""
    shared = len(np.intersect1d(a, b, assume_unique=True))
    union = len(a) + len(b) - shared
    return shared / union if union else 1.0


@cache
def band_rows(threshold: float) -> int:
    """Return the rows per band: the most with which at most `MISSED` of the pairs at the threshold agree in no band."""
    missed = {rows: (1 - threshold**rows) ** (PERMUTATIONS // rows) for rows in range(1, PERMUTATIONS + 1)}
    return max(rows for rows, chance in missed.items() if chance <= MISSED)


def band_hashes(signatures: np.ndarray, rows: int) -> np.ndarray:
    """Hash each band of the signatures (shape `(documents, PERMUTATIONS)`): uint64 of shape `(documents, bands)`."""
    bands = PERMUTATIONS // rows
    hashes = np.zeros((len(signatures), bands), np.uint64)
    for place in range(rows):
        hashes = hashes * MULTIPLIER + signatures[:, place : bands * rows : rows]
    return hashes


def agreeing(band: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the documents that agree with others in a band, end to end in ascending order, and how many agree each."""
    order = np.argsort(band, kind="stable")
    starts = np.flatnonzero(np.concatenate([[True], np.diff(band[order]) != 0]))
    counts = np.diff(starts, append=len(order))
    return order[np.repeat(counts > 1, counts)], counts[counts > 1]


def buckets(signatures: np.ndarray, rows: int) -> list[list[int]]:
    """Return the sets of two or more documents that agree in a band, each in ascending order.

    `signatures` is of shape `(documents, PERMUTATIONS)`.
    """
    members: set[tuple[int, ...]] = set()
    for band in band_hashes(signatures, rows).T:
        documents, counts = agreeing(band)
        members |= {tuple(part.tolist()) for part in _parts(documents, counts)}
    return [list(bucket) for bucket in sorted(members)]


def _parts(documents: np.ndarray, counts: np.ndarray) -> Iterator[np.ndarray]:
    return iter(np.split(documents, np.cumsum(counts)[:-1])) if len(counts) else iter(())
