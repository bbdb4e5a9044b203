"""Differences of sets from what most of them have in common.

Pages made from one template share most of their shingles, so those tell little: what counts is how each differs from
the template T. The difference A ^ T of a set A has members of two kinds: those that may be in another difference, too,
and those of A alone, of which the number is enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import NamedTuple

import numpy as np

from pretrace.corpus.filters.shingle_sets import ShingleSets, places_in

LOW = (1 << 32) - 1


class Differences(NamedTuple):
    """The differences of some sets."""

    ids: np.ndarray
    """The members of the first kind, end to end, ascending in each set: uint32."""
    counts: np.ndarray
    """How many of these each set has: int64."""
    lengths: np.ndarray
    """The members of both kinds: int64."""


class TemplateDifferences:
    """The differences of sets from the members that more than half of a sample of them have.

    Args:
        sets: all sets.
        numbers: those that are compared with each other, ascending.

    Attributes:
        ids: how many members there are of the first kind.
    """

    def __init__(self, sets: ShingleSets, numbers: np.ndarray) -> None:
        self._sets, self._numbers = sets, numbers
        self._template = sets.in_most(numbers)
        added = np.concatenate([hashes for _, _, hashes in self._added(numbers)])
        added.sort()
        begins = np.flatnonzero(np.concatenate([[True], added[1:] != added[:-1]])[: len(added)])
        held_by_several = np.diff(begins, append=len(added)) > 1
        self._shared, self._single = added[begins[held_by_several]], added[begins[~held_by_several]]
        self.ids = len(self._template) + len(self._shared)

    def of(self, numbers: np.ndarray) -> Iterator[Differences]:
        """Yield the differences of sets in order, as many at once as fit into memory."""
        for lacks, rows, hashes in self._added(numbers):
            lacking, lacked = np.nonzero(lacks)
            at, is_shared = places_in(self._shared, hashes)
            both = [lacking << 32 | lacked, rows[is_shared] << 32 | (len(self._template) + at[is_shared])]
            members = np.sort(np.concatenate(both))
            counts = np.bincount(members >> 32, minlength=len(lacks))
            lengths = lacks.sum(axis=1) + np.bincount(rows, minlength=len(lacks))
            yield Differences((members & LOW).astype(np.uint32), counts, lengths)

    def holders_of_single(self, number: int) -> np.ndarray:
        """Return those of the compared sets that alone have a member which this set, not one of them, has."""
        ((_, _, hashes),) = self._added(np.array([number]))
        at, known = places_in(self._single, hashes)
        return np.unique(self._holders[at[known]]) if known.any() else np.zeros(0, np.int64)

    @cached_property
    def _holders(self) -> np.ndarray:
        """The set that has each single member."""
        holders = np.zeros(len(self._single), np.int64)
        start = 0
        for lacks, rows, hashes in self._added(self._numbers):
            at, known = places_in(self._single, hashes)
            holders[at[known]] = self._numbers[start + rows[known]]
            start += len(lacks)
        return holders

    def _added(self, numbers: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Yield for some sets at once the members of the template that each lacks, and the members that are not in it.

        They are a bool array of shape `(sets, template)`; and the place of a set, and its member, for each of these.
        """
        for _, chunk in self._sets.chunks(numbers, len(self._template)):
            hashes, rows = self._sets.read(chunk)
            at, common = places_in(self._template, hashes)
            lacks = np.ones((len(chunk), len(self._template)), bool)
            lacks[rows[common], at[common]] = False
            yield lacks, rows[~common], hashes[~common]
