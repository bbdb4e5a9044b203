"""Patterns: sets that differ from a template in the same way, which are similar to the same other sets."""

from __future__ import annotations

import numpy as np

from pretrace.corpus.filters.ngrams import MULTIPLIER
from pretrace.corpus.filters.shingle_sets import ShingleSets, ranges
from pretrace.corpus.filters.template_differences import TemplateDifferences

SEED = 0


class Patterns:
    """Groups sets of one size with the same differences, except for members that no other set has.

    They are told apart by 64-bit hashes, as shingles are: two patterns collide about once in 10^19 pairs.

    Args:
        sets: all sets.
        numbers: those that are grouped, ascending.
        differences: what tells them apart.

    Attributes:
        ids: the members of each pattern's difference that may be shared, end to end: uint32.
        counts: how many these are: int64.
        lengths: how many there are with those that are not shared: int64.
        sizes: members of each of its sets: int64.
        is_empty: true if all its sets are known to be taken.
    """

    def __init__(self, sets: ShingleSets, numbers: np.ndarray, differences: TemplateDifferences) -> None:
        self._numbers = numbers
        drawn = np.random.default_rng(SEED).integers(0, 1 << 64, differences.ids, np.uint64)
        hashes = []
        for ids, counts, lengths in differences.of(numbers):
            sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(drawn[ids], dtype=np.uint64)])
            ends = np.cumsum(counts)
            hashes.append((sums[ends] - sums[ends - counts]) * MULTIPLIER + lengths.astype(np.uint64))
        whole = np.concatenate(hashes) * MULTIPLIER + sets.sizes[numbers].astype(np.uint64)
        _, examples, self._of = np.unique(whole, return_index=True, return_inverse=True)
        parts = list(differences.of(numbers[examples]))
        self.ids, self.counts, self.lengths = (np.concatenate([part[at] for part in parts]) for at in range(3))
        self.sizes = sets.sizes[numbers[examples]]
        self._members = numbers[np.argsort(self._of, kind="stable")]
        self._free = np.bincount(self._of)
        self._starts = np.cumsum(self._free) - self._free
        self.is_empty = np.zeros(len(examples), bool)

    def of(self, number: int) -> int | None:
        """Return the pattern of a set, or None if it is not grouped."""
        at = int(np.searchsorted(self._numbers, number))
        return int(self._of[at]) if at < len(self._numbers) and self._numbers[at] == number else None

    def free_sets(self, patterns: np.ndarray, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
        """Return the sets of patterns that are not `taken` (bool, of all sets), the place of the pattern of each.

        And how many sets were looked at: each is forgotten once it was seen to be taken.
        """
        at, of = ranges(self._starts[patterns], self._free[patterns])
        members = self._members[at]
        is_free = ~taken[members]
        free = np.bincount(of[is_free], minlength=len(patterns))
        self._members[ranges(self._starts[patterns], free)[0]] = members[is_free]
        self._free[patterns] = free
        self.is_empty[patterns] = free == 0
        return members[is_free], of[is_free], len(members)
