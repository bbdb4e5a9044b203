"""The threshold of a heuristic, chosen on dev rows, and how much the test score depends on which dev rows there were.

Shapes: N rows, U distinct values.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.tasks.rows.metrics import RESAMPLES


@dataclass(frozen=True)
class LabeledValues:
    """The values of a heuristic that has one for each row, and the labels of the rows, which are 0 or 1."""

    values_N: np.ndarray
    labels_N: np.ndarray
    high: int
    """The class that high values stand for."""


def best_threshold(metric: str, dev: LabeledValues, weights_N: np.ndarray | None = None) -> float:
    """Return the least value of class `high`: midway between two rows, with the best metric; the first of the best.

    Args:
        weights_N: how often each row counts; None: once.

    Raises:
        PretraceError: no row has a finite value.
    """
    weights_N = np.ones(len(dev.values_N)) if weights_N is None else weights_N
    finite_N = np.isfinite(dev.values_N) & (weights_N > 0)
    values_U, scores_U = _scores_by_cut(metric, dev.values_N.round(6), dev, weights_N, finite_N)
    if not len(values_U):
        raise PretraceError("zero-shot: a threshold needs dev rows with text, as it is chosen on them")
    if len(values_U) == 1:
        return float(values_U[0])
    best = 1 + int(np.argmax(scores_U[1:]))
    return round(float(values_U[best - 1] + values_U[best]) / 2, 7)


def threshold_variance(metric: str, dev: LabeledValues, groups_N: np.ndarray, test: LabeledValues) -> float:
    """Return the variance of the test score over draws of dev rows, each with the threshold that is best on it.

    A bootstrap (500 draws, seed 0) of whole groups of dev rows; the test rows stay as they are.

    Args:
        groups_N: the document or other origin of each dev row; rows of one are drawn together.
    """
    _, group_N = np.unique(groups_N, return_inverse=True)
    count = int(group_N.max()) + 1
    cuts_U, scores_U = _scores_by_cut(
        metric, test.values_N, test, np.ones(len(test.values_N)), np.isfinite(test.values_N)
    )
    scores_U = np.append(scores_U, _scores(metric, np.zeros(1), np.zeros(1), _totals(test), test.high))
    random = np.random.default_rng(0)
    reached = []
    for _ in range(RESAMPLES):
        drawn = np.bincount(random.integers(0, count, count), minlength=count)[group_N].astype(float)
        if drawn @ np.isfinite(dev.values_N):
            reached.append(scores_U[np.searchsorted(cuts_U, best_threshold(metric, dev, drawn))])
    return float(np.var(reached, ddof=1)) if len(reached) > 1 else 0.0


def _totals(rows: LabeledValues) -> tuple[float, float]:
    high = float(np.sum(rows.labels_N == rows.high))
    return high, len(rows.labels_N) - high


def _scores_by_cut(
    metric: str, values_N: np.ndarray, rows: LabeledValues, weights_N: np.ndarray, counted_N: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct values of the counted rows, in order, and the score where those from each on are `high`."""
    values_U, place_N = np.unique(values_N[counted_N], return_inverse=True)
    is_high_N = rows.labels_N == rows.high
    parts = []
    for of_class_N in (is_high_N, ~is_high_N):
        weight_U = np.bincount(place_N, (weights_N * of_class_N)[counted_N], len(values_U))
        parts.append(weight_U[::-1].cumsum()[::-1])
    totals = (float(weights_N @ is_high_N), float(weights_N @ ~is_high_N))
    return values_U, _scores(metric, parts[0], parts[1], totals, rows.high)


def _scores(metric: str, hits_U: np.ndarray, false_U: np.ndarray, totals: tuple[float, float], high: int) -> np.ndarray:
    """Return `pretrace.tasks.rows.metrics.score` from counts, at all cuts at once.

    Args:
        hits_U: rows of class `high` that are called so.
        false_U: rows of the other class that are called so.
        totals: rows of class `high`, and of the other.
    """
    missed_U, rest_U = totals[0] - hits_U, totals[1] - false_U
    if metric == "accuracy":
        scores_U = (hits_U + rest_U) / max(1.0, sum(totals))
    elif metric == "f1":
        right_U = hits_U if high == 1 else rest_U
        scores_U = 2 * right_U / np.maximum(1, 2 * right_U + missed_U + false_U)
    else:
        spread_U = np.sqrt((hits_U + false_U) * (missed_U + rest_U)) * np.sqrt(totals[0] * totals[1])
        scores_U = (hits_U * rest_U - false_U * missed_U) / np.maximum(spread_U, 1e-9)
    return scores_U.round(12)  # equal scores that were computed in different ways stay equal
