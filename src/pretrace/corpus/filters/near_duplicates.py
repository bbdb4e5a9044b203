"""Filter of documents that are nearly the same: found by MinHash, then compared exactly, so that a drop is certain.

The similarity of two documents is the Jaccard similarity of their sets of shingles (n-grams of words). Documents whose
signatures agree in a band are candidates, and their sets are compared. So one pair in a thousand at the threshold may
be missed, and no pair below it is a duplicate.

Time grows with the documents, however many are alike: a document that was found is not looked for again, and in a
large bucket only documents that differ from what most have in common in the same way are compared (`difference_index`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from pretrace.corpus.filters.band_buckets import NONE, BandFiles, Buckets
from pretrace.corpus.filters.clusters import Clusters
from pretrace.corpus.filters.difference_index import DifferenceIndex
from pretrace.corpus.filters.shingle_sets import ShingleSets

if TYPE_CHECKING:
    from pretrace.settings import NearDuplicateRules

LARGE = 64
"""Documents of a bucket above which they get an index, instead of being compared with each other."""


def find_near_duplicates(
    texts: Iterable[str], bands: BandFiles, rules: NearDuplicateRules
) -> tuple[dict[int, tuple[int, float]], dict[int, int]]:
    """Return the documents to drop, and those to keep together, by their index in `texts`.

    One of them is empty, as `rules.action` says:

    - each document to drop, with the earliest one that stays and is similar to it, and their similarity;
    - each document that is similar to another one, directly or through others, with the first of its group.

    `bands` has the bands of the same documents, whose rows are `band_rows(rules.threshold)`.
    """
    buckets = Buckets(bands)
    is_member = np.zeros(bands.documents, bool)
    is_member[buckets.members] = True
    compared = (text for text, wanted in zip(texts, is_member, strict=True) if wanted) if is_member.any() else ()
    with ShingleSets(bands.folder / "shingles", compared, rules.shingle_words) as sets:
        search = NearDuplicateSearch(buckets, sets, rules.threshold)
        found = list(search.repeats() if rules.action == "drop" else search.connected())
    names = buckets.members.tolist()
    of_first = sorted((names[member], names[first], similarity) for first, member, similarity in found)
    if rules.action == "drop":
        return {number: (first, similarity) for number, first, similarity in of_first}, {}
    firsts = {first: first for _, first, _ in of_first}
    return {}, dict(sorted((firsts | {number: first for number, first, _ in of_first}).items()))


class NearDuplicateSearch:
    """Goes through the members of buckets in order, and finds those that are similar to one.

    Attributes:
        looked_at: how often a document was looked at as a candidate for another one.
    """

    def __init__(self, buckets: Buckets, sets: ShingleSets, threshold: float) -> None:
        self._sets, self._threshold, self._of = sets, threshold, buckets.of
        self._clusters = Clusters(buckets, sets, LARGE)
        self._taken = np.zeros(len(buckets.members), bool)
        self._indices: dict[int, DifferenceIndex] = {}
        self.looked_at = 0

    def repeats(self) -> Iterator[tuple[int, int, float]]:
        """Yield each member that is similar to an earlier one that stays, as (earlier, member, similarity)."""
        for first in self._not_taken():
            for member, similarity in self._take_similar(first):
                yield first, member, similarity

    def connected(self) -> Iterator[tuple[int, int, float]]:
        """Yield each member that is connected with an earlier one, as (first of its group, member, similarity)."""
        for first in self._not_taken():
            group = [first]
            for one in group:
                for member, similarity in self._take_similar(one):
                    group.append(member)
                    yield first, member, similarity

    def _not_taken(self) -> Iterator[int]:
        for member in range(len(self._taken)):
            if not self._taken[member]:
                self._take(np.array([member]))
                yield member

    def _take(self, members: np.ndarray) -> None:
        self._taken[members] = True
        self._clusters.take_off(members)

    def _take_similar(self, member: int) -> Iterator[tuple[int, float]]:
        """Take all that are not taken, share a bucket with the member and are similar to it."""
        of = self._of[member]
        of = of[of != NONE]
        loose = self._clusters.loose_in(of)
        self.looked_at += len(loose)
        loose = np.unique(loose[~self._taken[loose]])
        found = [(loose, self._sets.similarities(member, loose))] if len(loose) else []
        for cluster in self._clusters.touched_by(of):
            similar, similarities = self._look_in(cluster, member)
            shares = ((self._of[similar] == self._of[member]) & (self._of[member] != NONE)).any(axis=1)
            found.append((similar[shares], similarities[shares]))
        for others, similarities in found:
            similar = similarities >= self._threshold
            self._take(others[similar])
            yield from zip(others[similar].tolist(), similarities[similar].tolist(), strict=True)

    def _look_in(self, cluster: int, member: int) -> tuple[np.ndarray, np.ndarray]:
        index = self._indices.get(cluster)
        if index is None:
            members = self._clusters.members_of(cluster)
            index = self._indices[cluster] = DifferenceIndex(self._sets, members, self._threshold)
            self.looked_at += len(members)
        before = index.looked_at
        found = index.similar(member, self._taken)
        self.looked_at += index.looked_at - before
        return found
