"""Interpolated modified Kneser-Ney smoothing (Chen & Goodman 1998, "An empirical study of smoothing techniques for
language modeling", equations 24 to 26).

The highest order has the counts c of the n-grams; a lower order has the number of different ids before an n-gram in
their place. With N1, N2, N3+ the number of ids that follow a context h with a count of 1, 2, and 3 or more:

    P(w | h) = (c(h w) - D(c(h w))) / c(h) + (D1 N1(h) + D2 N2(h) + D3 N3+(h)) / c(h) * P(w | h without its first id)

Below order 1 all ids are equally likely. After a context that does not occur, and at the beginning of a text, where
there is none of that length, the probability is that of the next lower order.

Shapes: T ids, of all texts, one text after another.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from pretrace.baselines.ngrams import Level

FALLBACK = (0.5, 1.0, 1.5)
"""Discounts where a text is too small to estimate them, as KenLM's `--discount_fallback`."""


@dataclass(frozen=True)
class Terms:
    """The parts of the formula for one order, with counts or with numbers of ids before in their place."""

    counts: np.ndarray
    """By n-gram."""
    discounts: np.ndarray
    """By count: of 0, 1, 2, and 3 or more."""
    totals: np.ndarray
    """By context."""
    left: np.ndarray
    """By context: the share that goes to the order below."""


class KneserNey:
    """The n-gram models of all orders up to the highest that was counted."""

    def __init__(self, levels: list[Level]) -> None:
        self.vocabulary = len(levels[0].ids)
        roots = np.array([0, self.vocabulary])
        starts = [roots, *(level.starts for level in levels[:-1])]
        self._keys = [
            np.repeat(np.arange(len(first) - 1), np.diff(first)) * self.vocabulary + level.ids
            for first, level in zip(starts, levels, strict=True)
        ]
        self._highest = [terms_of(level.counts, first) for first, level in zip(starts, levels, strict=True)]
        self._lower = [terms_of(level.before, first) for first, level in zip(starts, levels[:-1], strict=False)]

    def log_probabilities(self, ids_T: np.ndarray, ends: np.ndarray) -> np.ndarray:
        """Return the logarithm of the probability of each id given those before it in its text.

        Args:
            ids_T: token ids.
            ends: where each text ends, ascending.

        Returns:
            Natural logarithms, shape (orders, T): row n - 1 is the model of order n.
        """
        ids_T = ids_T.astype(np.int64)
        begins_T = np.zeros(len(ids_T) + 1, bool)
        begins_T[np.concatenate([[0], ends])] = True
        context_T = np.zeros(len(ids_T), np.int64)
        lower_T = np.full(len(ids_T), 1 / self.vocabulary)
        logs = []
        for n, highest in enumerate(self._highest):
            own_T = _find(self._keys[n], context_T, ids_T, self.vocabulary)
            logs.append(np.log(_interpolated(highest, context_T, own_T, lower_T)))
            if n < len(self._lower):
                lower_T = _interpolated(self._lower[n], context_T, own_T, lower_T)
                # The n-gram that ends one position earlier is the context of the next order.
                context_T = np.where(begins_T[:-1], -1, np.concatenate([[-1], own_T])[:-1])
        return np.stack(logs)


def discounts(counts: np.ndarray) -> np.ndarray:
    """Return the discounts of counts of 0, 1, 2, and 3 or more (equation 26; Y = n1 / (n1 + 2 n2))."""
    n = [int(np.sum(counts == value)) for value in range(1, 5)]
    if not all(n):
        return np.array([0.0, *FALLBACK])
    share = n[0] / (n[0] + 2 * n[1])
    found = [k - (k + 1) * share * after / before for k, (before, after) in enumerate(pairwise(n), 1)]
    if not all(0 <= value <= k for k, value in enumerate(found, 1)):
        return np.array([0.0, *FALLBACK])
    return np.array([0.0, *found])


def terms_of(counts: np.ndarray, starts: np.ndarray) -> Terms:
    """Return the terms of an order; `starts` are where the n-grams of each context begin, and where the last end."""
    by_count = discounts(counts)
    sums = np.concatenate([[0], np.cumsum(counts)])
    totals = sums[starts[1:]] - sums[starts[:-1]]
    left = np.zeros(len(totals))
    for value in (1, 2, 3):
        such = counts >= 3 if value == 3 else counts == value
        sums = np.concatenate([[0], np.cumsum(such)])
        left += by_count[value] * (sums[starts[1:]] - sums[starts[:-1]])
    return Terms(counts, by_count, totals, left / np.maximum(totals, 1))


def _find(keys: np.ndarray, context_T: np.ndarray, ids_T: np.ndarray, vocabulary: int) -> np.ndarray:
    """Return the node of each context and id; -1 where there is none."""
    wanted = context_T * vocabulary + ids_T
    if not len(keys):
        return np.full(len(ids_T), -1)
    at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    return np.where((context_T >= 0) & (keys[at] == wanted), at, -1)


def _interpolated(terms: Terms, context_T: np.ndarray, own_T: np.ndarray, lower_T: np.ndarray) -> np.ndarray:
    """Return the probabilities of an order from those of the order below."""
    there_T = np.flatnonzero(context_T >= 0)
    there_T = there_T[terms.totals[context_T[there_T]] > 0]
    context, own = context_T[there_T], own_T[there_T]
    counts = np.zeros(len(there_T), np.int64)
    counts[own >= 0] = terms.counts[own[own >= 0]]
    discounted = counts - terms.discounts[np.minimum(counts, 3)]
    likely_T = lower_T.copy()
    likely_T[there_T] = discounted / terms.totals[context] + terms.left[context] * lower_T[there_T]
    return likely_T
