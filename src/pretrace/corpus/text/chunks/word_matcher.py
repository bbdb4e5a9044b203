"""Vectorized set membership: which of many chunks of text may be one of a few words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

MAX_LENGTH = 15
"""Longer chunks count as this long."""
HEAD = 8
"""Bytes that are compared: as many as fit into a 64-bit number."""
NOTHING = np.uint64(2**64 - 1)
"""The head of no word; after all others."""


@dataclass(frozen=True, slots=True)
class ChunkArrays:
    """The chunks of a text as arrays of shape (chunks,)."""

    padded: np.ndarray
    """The bytes of the text, and `HEAD` more: uint8."""
    starts: np.ndarray
    length: np.ndarray
    first: np.ndarray
    """Their first bytes."""

    @classmethod
    def of(cls, raw: bytes, starts: np.ndarray, length: np.ndarray, first: np.ndarray) -> ChunkArrays:
        return cls(np.frombuffer(raw + bytes(HEAD), np.uint8), starts, length, first)

    def shortened(self, numbers: np.ndarray) -> ChunkArrays:
        """Return some of the chunks, without the last byte of each."""
        return ChunkArrays(self.padded, self.starts[numbers], self.length[numbers] - 1, self.first[numbers])

    def heads(self, numbers: np.ndarray) -> np.ndarray:
        """Return the first bytes of some of the chunks as numbers: uint64, as many."""
        heads = self.padded[self.starts[numbers][:, None] + np.arange(HEAD)].view("<u8")[:, 0]
        return heads & MASKS[np.minimum(self.length[numbers], HEAD)]


class WordMatcher:
    """Finds the chunks that may be one of some ASCII words: all that are, and rarely another one.

    Nearly all other chunks differ in length, first or last letter; the rest is compared by the first eight letters.
    """

    def __init__(self, words: Iterable[str]) -> None:
        self._ends = np.zeros(1 << 16, bool)
        heads = {NOTHING}
        for word in words:
            self._ends[min(len(word), MAX_LENGTH) << 12 | ord(word[0]) << 5 | ord(word[-1]) & 31] = True
            heads.add(np.uint64(int.from_bytes(word[:HEAD].encode("ascii"), "little")))
        self._heads = np.sort(np.array(list(heads), np.uint64))

    def matches(self, chunks: ChunkArrays, last: np.ndarray) -> np.ndarray:
        """Return True for each chunk that may be a word, given its last byte: bool, shape (chunks,)."""
        length = np.minimum(chunks.length, MAX_LENGTH).astype(np.uint16)
        matches = self._ends[length << 12 | chunks.first.astype(np.uint16) << 5 | last & 31]
        doubtful = np.flatnonzero(matches)
        heads = chunks.heads(doubtful)
        matches[doubtful] = self._heads[np.searchsorted(self._heads, heads)] == heads
        return matches


MASKS = np.array([(1 << 8 * length) - 1 for length in range(HEAD + 1)], np.uint64)
"""By length: the bytes of a head that belong to the chunk."""
