"""Word n-grams as 64-bit hashes, so that those of a whole book are compared in a few array operations.

A word's hash is the start of its BLAKE2b digest; an n-gram's is a polynomial of its words' hashes, modulo 2^64. Both
are the same in every process and on every machine. Two different n-grams collide about once in 10^19 pairs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

CACHED_WORDS = 500_000
"""Distinct words after which the cache is emptied, so that a corpus of any size fits."""
SPACE = 32
MULTIPLIER = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no word's hash loses bits by its position in the n-gram (2^64 divided by the golden ratio)."""


Word = TypeVar("Word", str, bytes)


class _WordHashes(dict[Word, int]):
    def __init__(self, hash_word: Callable[[Word], int]) -> None:
        self._hash_word: Callable[[Word], int] = hash_word

    def __missing__(self, word: Word) -> int:
        if len(self) >= CACHED_WORDS:
            self.clear()
        self[word] = hashed = self._hash_word(word)
        return hashed


def hash_text(text: str) -> int:
    """Hash a text, lone surrogates included, to a number below 2^64 that is the same everywhere."""
    return _hash_bytes(text.encode("utf-8", "surrogatepass"))


def _hash_bytes(text: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little")


_word_hashes = _WordHashes(hash_text)
_spaced_word_hashes = _WordHashes[bytes](lambda word: _hash_bytes(word[:-1]))
"""Of words in UTF-8 with a space at their end."""


def hash_words(words: Sequence[str]) -> np.ndarray:
    """Return the hash of each word, uint64 of shape `(words,)`."""
    return np.fromiter(map(_word_hashes.__getitem__, words), np.uint64, len(words))


def hash_words_of(texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Return the hashes of the words of texts end to end, and the number of words of each text (int64).

    Words are between spaces and line ends, as in prepared text. Arrow finds the distinct ones.
    """
    import pyarrow as pa

    parts = [text.replace("\n", " ").encode("utf-8", "surrogatepass") + b" " if text else b"" for text in texts]
    raw = b"".join(parts)
    ends = np.flatnonzero(np.frombuffer(raw, np.uint8) == SPACE) + 1
    offsets = np.concatenate([[0], ends])
    buffers = [None, pa.py_buffer(offsets), pa.py_buffer(raw)]
    words = pa.Array.from_buffers(pa.large_binary(), len(ends), buffers, null_count=0).dictionary_encode()
    spaced = words.dictionary.to_pylist()
    distinct = np.fromiter(map(_spaced_word_hashes.__getitem__, spaced), np.uint64, len(spaced))
    is_word = np.diff(offsets) > 1  # not only a space
    text_ends = np.searchsorted(ends, np.cumsum(np.fromiter(map(len, parts), np.int64, len(parts))), side="right")
    counts = np.diff(np.concatenate([[0], np.cumsum(is_word)])[text_ends], prepend=0)
    return distinct[words.indices.to_numpy()[is_word]], counts


def hash_ngrams(words: np.ndarray, n: int) -> np.ndarray:
    """Return the hash of every n-gram, in order, overlapping: shape `(words - n + 1,)`, empty if there are too few."""
    if len(words) < n:
        return np.zeros(0, np.uint64)
    count = len(words) - n + 1
    hashes = words[:count].copy()
    for offset in range(1, n):
        hashes *= MULTIPLIER
        hashes += words[offset : offset + count]
    return hashes
