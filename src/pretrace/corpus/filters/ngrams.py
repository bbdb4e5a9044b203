"""Runs of words as 64-bit numbers, so that those of a whole book are compared in a few array operations.

A word's number is the start of its BLAKE2b digest; a run's number is a polynomial of its words' numbers, modulo 2^64.
Both are the same in every process and on every machine. Two different runs share a number about once in 10^19 pairs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

REMEMBERED_WORDS = 500_000
"""Distinct words after which the memory is emptied, so that a corpus of any size fits."""
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no word's number loses bits by its place in the run (2^64 divided by the golden ratio)."""


class _Words(dict[str, int]):
    def __missing__(self, word: str) -> int:
        if len(self) >= REMEMBERED_WORDS:
            self.clear()
        self[word] = number = hash_text(word)
        return number


_words = _Words()


def hash_text(text: str) -> int:
    """A number below 2^64 for a text, the same everywhere; lone surrogates have one, too."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "little")


def hash_words(words: Sequence[str]) -> np.ndarray:
    """The number of each word, uint64 of shape `(words,)`."""
    return np.fromiter(map(_words.__getitem__, words), np.uint64, len(words))


def hash_ngrams(words: np.ndarray, n: int) -> np.ndarray:
    """The number of every run of `n` words, in order, overlapping: shape `(words - n + 1,)`, or none if too short."""
    if len(words) < n:
        return np.zeros(0, np.uint64)
    count = len(words) - n + 1
    numbers = words[:count].copy()
    for place in range(1, n):
        numbers *= MULTIPLIER
        numbers += words[place : place + count]
    return numbers
