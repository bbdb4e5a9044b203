"""Index of sets that are much alike: finds those that are similar to one, without a comparison with each.

The symmetric difference of two sets A and B is that of their differences A' = A ^ T and B' = B ^ T from a template T.
So for sets of sizes a and b

    jaccard(A, B) >= t   if and only if   2 |A' & B'| >= weight(A) + weight(B)

    with weight(A) = |A'| - a (1 - t) / (1 + t).

If the weights add up to 0 or less the pair is similar. Else the two differences share a member. Sorted by how rare they
are, the first one that they share is at place p in A' and q in B', so they share at most |A'| - p and |B'| - q (prefix
filter, Chaudhuri et al. 2006, with the bound by position of PPJoin, Xiao et al. 2008). Any T gives the same pairs; it
only decides how many are looked at.

What is indexed are patterns (`difference_patterns`): a page that differs from a template as another one does costs no
second search. These, and the choice of T, are ours.
"""

from __future__ import annotations

import numpy as np

from pretrace.corpus.filters.difference_patterns import Patterns
from pretrace.corpus.filters.shingle_sets import ShingleSets, jaccard, ranges
from pretrace.corpus.filters.template_differences import LOW, TemplateDifferences

SLACK = 1e-6
"""Of weights, as they are rounded: pairs so near to the threshold are candidates."""
MOST = 1 << 31
"""Above every size of a set."""


class DifferenceIndex:
    """Finds the sets that are similar to one.

    Args:
        sets: all sets.
        numbers: those that are indexed, ascending.
        threshold: the least Jaccard similarity, above 0.

    Attributes:
        looked_at: places of patterns in lists that were read so far, and sets that were read from patterns.
    """

    def __init__(self, sets: ShingleSets, numbers: np.ndarray, threshold: float) -> None:
        self._sets, self._threshold = sets, threshold
        self._allowed = (1 - threshold) / (1 + threshold)
        self._differences = TemplateDifferences(sets, numbers)
        self._patterns = patterns = Patterns(sets, numbers, self._differences)
        self._starts = np.cumsum(patterns.counts) - patterns.counts
        self._weights = patterns.lengths - patterns.sizes * self._allowed
        holders = np.bincount(patterns.ids, minlength=self._differences.ids)
        self._ranks = np.empty(len(holders), np.int64)
        self._ranks[np.argsort(holders, kind="stable")] = np.arange(len(holders))  # the rarest first
        self._is_own = np.zeros(len(holders), bool)
        rows = np.repeat(np.arange(len(patterns.counts)), patterns.counts)
        ordered = np.sort(rows << 32 | self._ranks[patterns.ids])
        self._members = (ordered & LOW).astype(np.int32)
        left = patterns.counts[rows] - (np.arange(len(rows)) - self._starts[rows])  # what one set has alone is rarer
        keys = (ordered & LOW) << 32 | (MOST - np.ceil(2 * left - self._weights[rows]).astype(np.int64))
        del ordered, left
        order = np.argsort(keys)
        self._keys, self._listed = keys[order], rows[order].astype(np.int32)
        self._light = np.argsort(self._weights, kind="stable")
        self._light_weights, self._light_start = self._weights[self._light], 0
        self._found: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self._seen_empty = self.looked_at = 0

    def similar(self, number: int, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return all sets that are similar to one, and their similarities.

        Those that are `taken` (bool, of all sets) are left out, now and from now on; the set itself is one of them.
        """
        pattern = self._patterns.of(number)
        if pattern is None:
            return self._similar_to_other(number, taken)
        if pattern in self._found:
            patterns, similarities = self._found[pattern]
            some = ~self._patterns.is_empty[patterns]
            patterns, similarities = patterns[some], similarities[some]
        else:
            members = self._members[self._starts[pattern] :][: self._patterns.counts[pattern]]
            length, size = int(self._patterns.lengths[pattern]), int(self._patterns.sizes[pattern])
            patterns, similarities = self._search(members, length, size)
        self._found[pattern] = patterns, similarities
        return self._free(patterns, similarities, taken)

    def _similar_to_other(self, number: int, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Do the same for a set that is not indexed, which may have a member that only one indexed set has."""
        ((ids, _, lengths),) = self._differences.of(np.array([number]))
        found = self._search(np.sort(self._ranks[ids]), int(lengths[0]), int(self._sets.sizes[number]))
        members, similarities = self._free(*found, taken)
        holders = self._differences.holders_of_single(number)
        holders = holders[~taken[holders]]
        exact = self._sets.similarities(number, holders)
        self.looked_at += len(holders)
        others = ~np.isin(members, holders)
        similar = exact >= self._threshold
        return (
            np.concatenate([members[others], holders[similar]]),
            np.concatenate([similarities[others], exact[similar]]),
        )

    def _free(self, patterns: np.ndarray, similarities: np.ndarray, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        members, of, looked_at = self._patterns.free_sets(patterns, taken)
        self.looked_at += looked_at
        return members, similarities[of]

    def _search(self, ranks: np.ndarray, length: int, size: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the patterns that are similar to a set, and their similarities.

        Args:
            ranks: the ranks of the members of its difference that may be shared, ascending.
            length: how many members the difference has.
            size: how many the set has.
        """
        weight = length - size * self._allowed
        patterns = np.union1d(self._light_enough(weight), self._sharing(ranks, weight))
        self._is_own[ranks] = True
        at, of = ranges(self._starts[patterns], self._patterns.counts[patterns])
        shared = np.bincount(of[self._is_own[self._members[at]]], minlength=len(patterns))
        self._is_own[ranks] = False
        sizes = size + self._patterns.sizes[patterns]
        differ = length + self._patterns.lengths[patterns] - 2 * shared
        similarities = jaccard((sizes - differ) // 2, sizes)
        similar = similarities >= self._threshold
        return patterns[similar], similarities[similar]

    def _light_enough(self, weight: float) -> np.ndarray:
        """Return the patterns that are similar to one of this weight whatever they share."""
        start = self._light_start
        end = start + int(np.searchsorted(self._light_weights[start:], SLACK - weight, side="right"))
        patterns = self._light[start:end]
        self.looked_at += len(patterns)
        patterns = patterns[~self._patterns.is_empty[patterns]]
        self._light_start = end - len(patterns)
        self._light[self._light_start : end] = patterns
        self._light_weights[self._light_start : end] = self._weights[patterns]
        return patterns

    def _sharing(self, ranks: np.ndarray, weight: float) -> np.ndarray:
        """Return the patterns that have one of these members, and whose places leave room for enough of them."""
        if not len(ranks):
            return ranks
        left = 2 * np.arange(len(ranks), 0, -1) - weight + SLACK
        enough = left >= self._light_weights[self._light_start :].min(initial=np.inf)
        first = ranks[enough].astype(np.int64) << 32
        begins = np.searchsorted(self._keys, first)
        ends = np.searchsorted(self._keys, first + max(0, MOST - int(np.ceil(weight - SLACK))), side="right")
        at, of = ranges(begins, ends - begins)
        patterns = self._listed[at]
        some = ~self._patterns.is_empty[patterns]
        self.looked_at += len(patterns)
        self._seen_empty += len(patterns) - int(np.count_nonzero(some))
        if self._seen_empty > len(self._listed):  # as much as it costs to forget them
            kept = ~self._patterns.is_empty[self._listed]
            self._keys, self._listed, self._seen_empty = self._keys[kept], self._listed[kept], 0
        return patterns[some & (self._weights[patterns] <= left[enough][of])]
