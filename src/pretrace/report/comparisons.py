"""Differences between two columns of the table beyond the noise, on one task and on the mean over the tasks.

Two things make a difference uncertain: which test rows were drawn, and the seeds. Both columns predict the same rows,
so the first part comes from the rows pair by pair; the seeds of two columns have nothing in common, so the second part
is that of Welch's t-test. The parts are added, each with its own degrees of freedom (Welch and Satterthwaite). What
depends on a row and a seed together is in both parts, so the interval is rather too wide than too narrow (ours; the
paper gives no intervals).

Shapes: S and R seeds of the two columns, N rows.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pretrace.tasks.metrics import RESAMPLES, score

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Difference:
    """The difference between two means over seeds, and its variance by part."""

    value: float
    parts: tuple[tuple[float, float], ...]
    """(variance, degrees of freedom) of each part."""

    @property
    def noise(self) -> float:
        """Half the width of the 95 % interval."""
        from scipy.stats import t

        variance = sum(part for part, _ in self.parts)
        if variance**2 == 0:  # none, or so little that its square underflows
            return 0.0
        freedom = variance**2 / sum(part**2 / degrees for part, degrees in self.parts)
        return float(t.ppf((1 + CONFIDENCE) / 2, freedom)) * math.sqrt(variance)

    @property
    def beyond(self) -> bool:
        """True if the interval excludes 0."""
        return abs(self.value) > self.noise


def difference(metric: str, labels_N: np.ndarray, one_SN: np.ndarray, other_RN: np.ndarray) -> Difference:
    """Return `one` minus `other` in a metric, on the same rows."""
    scores = [[score(metric, labels_N, predictions_N) for predictions_N in column] for column in (one_SN, other_RN)]
    parts = [(_row_variance(metric, labels_N, one_SN, other_RN), max(1, len(labels_N) - 1))]
    parts += [(float(np.var(s, ddof=1)) / len(s), len(s) - 1) for s in scores if len(s) > 1]
    return Difference(float(np.mean(scores[0]) - np.mean(scores[1])), tuple(parts))


def mean_difference(differences: Iterable[Difference]) -> Difference:
    """Return the mean over tasks, which share no rows, and of the seeds only their numbers."""
    all_ = list(differences)
    parts = tuple((variance / len(all_) ** 2, degrees) for one in all_ for variance, degrees in one.parts)
    return Difference(sum(one.value for one in all_) / len(all_), parts)


def _row_variance(metric: str, labels_N: np.ndarray, one_SN: np.ndarray, other_RN: np.ndarray) -> float:
    """Variance of the difference over draws of test rows: exact for accuracy, else by SciPy's bootstrap (seed 0)."""
    if metric == "accuracy":
        gain_N = (one_SN == labels_N).mean(0) - (other_RN == labels_N).mean(0)
        return float(np.var(gain_N)) / len(gain_N)
    from scipy.stats import bootstrap

    def of(rows: np.ndarray) -> float:
        means = [np.mean([score(metric, labels_N[rows], a_N[rows]) for a_N in column]) for column in (one_SN, other_RN)]
        return float(means[0] - means[1])

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # two columns that agree everywhere: the interval is degenerate, the error 0
        result = bootstrap(
            (np.arange(len(labels_N)),),
            of,
            vectorized=False,
            n_resamples=RESAMPLES,
            method="percentile",
            rng=np.random.default_rng(0),
        )
    return float(result.standard_error) ** 2
