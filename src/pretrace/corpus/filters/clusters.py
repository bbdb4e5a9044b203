"""Clusters of documents that share a template: each document is in one at most, and each gets an index.

The largest bucket is a cluster. What is left of the next one joins it if that has the same template (much the same
shingles are in more than half of a sample), else it is the next cluster, and so on, down to some size of buckets. The
other documents are loose: they are in small buckets only.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pretrace.corpus.filters.band_buckets import NONE, Buckets
from pretrace.corpus.filters.shingle_sets import ShingleSets, ranges

AT_ONCE = 1 << 22
"""Members of buckets that are sorted out at once."""


class Clusters:
    """The clusters of the members of buckets.

    Args:
        buckets: the buckets.
        sets: the shingles of their members.
        most: members of a bucket that may be loose.
    """

    def __init__(self, buckets: Buckets, sets: ShingleSets, most: int) -> None:
        self._of, count = _assign(buckets, sets, most)
        order = np.argsort(self._of, kind="stable")
        self._starts = np.searchsorted(self._of, np.arange(count + 1), sorter=order)
        self._members = order
        self._free = np.diff(self._starts)
        parts = [self._sorted_out(buckets, first, last, max(1, count)) for first, last in _chunks(buckets.sizes)]
        empty = np.zeros(0, np.int32)
        self._loose, self._loose_counts, self._touched, self._touched_counts = (
            np.concatenate([empty, *(part[at] for part in parts)]) for at in range(4)
        )
        self._loose_starts = np.cumsum(self._loose_counts) - self._loose_counts
        self._touched_starts = np.cumsum(self._touched_counts) - self._touched_counts

    def _sorted_out(self, buckets: Buckets, first: int, last: int, count: int) -> tuple[np.ndarray, ...]:
        """Return the loose members of successive buckets, how many each has, the clusters of the others, how many."""
        sizes, start = buckets.sizes[first:last], buckets.starts[first]
        listed = buckets.lists[start : start + sizes.sum()]
        clusters = self._of[listed]
        bucket = np.repeat(np.arange(len(sizes)), sizes)
        is_loose = clusters == NONE
        touched = np.unique(bucket[~is_loose] * count + clusters[~is_loose])
        return (
            listed[is_loose],
            np.bincount(bucket[is_loose], minlength=len(sizes)),
            (touched % count).astype(np.int32),
            np.bincount(touched // count, minlength=len(sizes)),
        )

    def members_of(self, cluster: int) -> np.ndarray:
        """Return the members of a cluster, ascending."""
        return self._members[self._starts[cluster] : self._starts[cluster + 1]]

    def loose_in(self, buckets: np.ndarray) -> np.ndarray:
        """Return the loose members of some buckets, end to end."""
        return self._loose[ranges(self._loose_starts[buckets], self._loose_counts[buckets])[0]]

    def touched_by(self, buckets: np.ndarray) -> list[int]:
        """Return the clusters of the members of some buckets, without those of which all members are taken."""
        touched = self._touched[ranges(self._touched_starts[buckets], self._touched_counts[buckets])[0]]
        return np.unique(touched[self._free[touched] > 0]).tolist()

    def take_off(self, members: np.ndarray) -> None:
        """Count members as taken."""
        clusters = self._of[members]
        np.subtract.at(self._free, clusters[clusters != NONE], 1)


def _chunks(sizes: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield the first and last numbers of buckets with about `AT_ONCE` members together."""
    ends = np.cumsum(sizes)
    first = 0
    while first < len(sizes):
        last = max(first + 1, int(np.searchsorted(ends, ends[first] - sizes[first] + AT_ONCE, side="right")))
        yield first, last
        first = last


def _assign(buckets: Buckets, sets: ShingleSets, most: int) -> tuple[np.ndarray, int]:
    """Return the cluster of each member, or `NONE`, and the number of clusters."""
    cluster_of = np.full(len(buckets.members), NONE, np.int32)
    templates: list[np.ndarray] = []
    for bucket in np.argsort(-buckets.sizes, kind="stable").tolist():
        if buckets.sizes[bucket] <= most:
            break
        start = buckets.starts[bucket]
        own = buckets.lists[start : start + buckets.sizes[bucket]]
        clusters = cluster_of[own]
        left = own[clusters == NONE]
        if not len(left):
            continue
        template = sets.in_most(left)
        others = clusters[clusters != NONE]
        known = int(np.bincount(others).argmax()) if len(others) else NONE
        if known == NONE or 2 * len(np.intersect1d(template, templates[known])) < len(template):
            known = len(templates)
            templates.append(template)
        cluster_of[left] = known
    return cluster_of, len(templates)
