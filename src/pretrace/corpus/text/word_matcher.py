"""Telling a few words among many chunks of text, with operations over all at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

LONGEST = 15
"""Longer chunks count as this long."""
HEAD = 8
"""Bytes that are compared: as many as fit into a number."""
NOTHING = np.uint64(2**64 - 1)
"""The head of no word; behind all others."""


@dataclass(frozen=True, slots=True)
class Chunked:
    """Where the chunks of a text are; arrays of shape (chunks,)."""

    padded: np.ndarray
    """The bytes of the text, and `HEAD` more: uint8."""
    starts: np.ndarray
    length: np.ndarray
    first: np.ndarray
    """Their first bytes."""

    @classmethod
    def of(cls, raw: bytes, starts: np.ndarray, length: np.ndarray, first: np.ndarray) -> Chunked:
        return cls(np.frombuffer(raw + bytes(HEAD), np.uint8), starts, length, first)

    def shortened(self, numbers: np.ndarray) -> Chunked:
        """Some of the chunks, without the last byte of each."""
        return Chunked(self.padded, self.starts[numbers], self.length[numbers] - 1, self.first[numbers])

    def heads(self, numbers: np.ndarray) -> np.ndarray:
        """The beginnings of some of the chunks as numbers: uint64, as many."""
        heads = self.padded[self.starts[numbers][:, None] + np.arange(HEAD)].view("<u8")[:, 0]
        return heads & MASKS[np.minimum(self.length[numbers], HEAD)]


class OneOf:
    """Tells which chunks may be one of these words, of ASCII: all that are, and rarely another one.

    Nearly all chunks are told from them by length, first and last letter; the rest by the first eight letters.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._ends = np.zeros(1 << 16, bool)
        heads = {NOTHING}
        for word in words:
            self._ends[min(len(word), LONGEST) << 12 | ord(word[0]) << 5 | ord(word[-1]) & 31] = True
            heads.add(np.uint64(int.from_bytes(word[:HEAD].encode("ascii"), "little")))
        self._heads = np.sort(np.array(list(heads), np.uint64))

    def among(self, chunks: Chunked, last: np.ndarray) -> np.ndarray:
        """For each chunk, whose last byte is given: bool, shape (chunks,)."""
        length = np.minimum(chunks.length, LONGEST).astype(np.uint16)
        found = self._ends[length << 12 | chunks.first.astype(np.uint16) << 5 | last & 31]
        doubtful = np.flatnonzero(found)
        heads = chunks.heads(doubtful)
        found[doubtful] = self._heads[np.searchsorted(self._heads, heads)] == heads
        return found


MASKS = np.array([(1 << 8 * length) - 1 for length in range(HEAD + 1)], np.uint64)
"""By length: the bytes of a head that are a chunk's."""
