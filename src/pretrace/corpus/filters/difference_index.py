"""Index of sets that are much alike: finds those that can be similar to one, without a comparison with each.

Pages made from one template share most of their shingles, so those tell little: what counts is how each differs from
the template T. The symmetric difference of two sets A and B is that of A ^ T and B ^ T. So for sets of sizes a and b

    jaccard(A, B) >= t   if and only if   2 |A' & B'| >= weight(A) + weight(B)

    with A' = A ^ T and weight(A) = |A'| - a (1 - t) / (1 + t).

If the weights add up to 0 or less the pair is similar. Else the two differences share a member. Sorted by how rare they
are, the first one that they share is at place p in A' and q in B', so they share at most |A'| - p and |B'| - q (prefix
filter, Chaudhuri et al. 2006, with the bound by position of PPJoin, Xiao et al. 2008). Any T gives the same pairs; it
only decides how many are looked at. T is ours: the members of more than half of a sample.
"""

from __future__ import annotations

import numpy as np

from pretrace.corpus.filters.shingle_sets import ShingleSets, jaccard, places_in, ranges

SLACK = 1e-6
"""Of weights, as they are rounded: pairs so near to the threshold are candidates."""
LOW = (1 << 32) - 1
MOST = 1 << 31
"""Above every size of a set."""


class DifferenceIndex:
    """Finds the sets that can be similar to one.

    Args:
        sets: all sets.
        numbers: those that are indexed.
        threshold: the least Jaccard similarity, above 0.

    Attributes:
        looked_at: places of indexed sets in lists that were read so far.
    """

    def __init__(self, sets: ShingleSets, numbers: np.ndarray, threshold: float) -> None:
        self._sets, self._numbers, self._sizes = sets, numbers, sets.sizes[numbers]
        self._allowed = (1 - threshold) / (1 + threshold)
        self._template = sets.in_most(numbers)
        rows, hashes = _differences(sets, numbers, self._template)
        self._lengths = np.bincount(rows, minlength=len(numbers))
        self._weights = self._lengths - self._sizes * self._allowed
        self._hashes, members, holders = np.unique(hashes, return_inverse=True, return_counts=True)
        self._ranks = np.empty(len(holders), np.int64)
        self._ranks[np.argsort(holders, kind="stable")] = np.arange(len(holders))  # the rarest first
        ordered = rows << 32 | self._ranks[members]
        del hashes, members
        ordered.sort()
        rows, self._members = (ordered >> 32).astype(np.int32), (ordered & LOW).astype(np.int32)
        self._starts = np.cumsum(self._lengths) - self._lengths
        self._is_own = np.zeros(len(holders), bool)
        left = self._lengths[rows] - (np.arange(len(rows)) - self._starts[rows])
        keys = (ordered & LOW) << 32 | (MOST - np.ceil(2 * left - self._weights[rows]).astype(np.int64))
        del ordered, left
        order = np.argsort(keys)
        self._keys, self._listed = keys[order], rows[order]
        self._light = np.argsort(self._weights, kind="stable")
        self._light_weights, self._light_start = self._weights[self._light], 0
        self._seen_taken = self.looked_at = 0

    def candidates(self, number: int, taken: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return all sets that can be similar to one, and their similarities.

        Those that are `taken` (bool, of all sets) are left out, now and from now on.
        """
        own, _ = self._sets.read(np.array([number]))
        differences = np.setxor1d(own, self._template, assume_unique=True)
        weight = len(differences) - len(own) * self._allowed
        at, known = places_in(self._hashes, differences)
        ranks = np.sort(self._ranks[at[known]])  # those that no indexed set has are rarer
        places = np.arange(len(differences) - len(ranks), len(differences))
        rows = np.union1d(self._light_enough(weight, taken), self._sharing(ranks, places, weight, taken))
        self._is_own[ranks] = True
        at, of = ranges(self._starts[rows], self._lengths[rows])
        shared = np.bincount(of[self._is_own[self._members[at]]], minlength=len(rows))
        self._is_own[ranks] = False
        sizes = len(own) + self._sizes[rows]
        differ = len(differences) + self._lengths[rows] - 2 * shared
        return self._numbers[rows], jaccard((sizes - differ) // 2, sizes)

    def _light_enough(self, weight: float, taken: np.ndarray) -> np.ndarray:
        """Return the sets that are similar to one of this weight whatever they share."""
        start = self._light_start
        end = max(start, int(np.searchsorted(self._light_weights, SLACK - weight, side="right")))
        rows = self._light[start:end]
        self.looked_at += len(rows)
        rows = rows[~taken[self._numbers[rows]]]
        self._light_start = end - len(rows)
        self._light[self._light_start : end] = rows
        self._light_weights[self._light_start : end] = self._weights[rows]
        return rows

    def _sharing(self, ranks: np.ndarray, places: np.ndarray, weight: float, taken: np.ndarray) -> np.ndarray:
        """Return the sets that have one of these members, and whose places leave room for enough of them."""
        if not len(ranks):
            return ranks
        left = 2 * (places[-1] + 1 - places) - weight + SLACK
        enough = left >= self._light_weights[self._light_start :].min(initial=np.inf)
        first = ranks[enough] << 32
        begins = np.searchsorted(self._keys, first)
        ends = np.searchsorted(self._keys, first + max(0, MOST - int(np.ceil(weight - SLACK))), side="right")
        at, of = ranges(begins, ends - begins)
        rows = self._listed[at]
        free = ~taken[self._numbers[rows]]
        self.looked_at += len(rows)
        self._seen_taken += len(rows) - int(np.count_nonzero(free))
        if self._seen_taken > len(self._listed):  # as much as it costs to forget them
            kept = ~taken[self._numbers[self._listed]]
            self._keys, self._listed, self._seen_taken = self._keys[kept], self._listed[kept], 0
        return rows[free & (self._weights[rows] <= left[enough][of])]


def _differences(sets: ShingleSets, numbers: np.ndarray, template: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the members of the symmetric difference of each set and the template, and the place of each set."""
    rows, hashes = [], []
    for start, chunk in sets.chunks(numbers, len(template)):
        own, of = sets.read(chunk)
        at, common = places_in(template, own)
        lacks = np.ones((len(chunk), len(template)), bool)
        lacks[of[common], at[common]] = False
        lacking, lacked = np.nonzero(lacks)
        rows += [start + of[~common], start + lacking]
        hashes += [own[~common], template[lacked]]
    return np.concatenate(rows), np.concatenate(hashes)
