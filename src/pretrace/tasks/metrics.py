"""Scores of predictions, and how sure one can be of them. All are shares of 1; the table shows them times 100."""

from __future__ import annotations

import math
import warnings

import numpy as np

RESAMPLES = 500


def score(metric: str, labels: np.ndarray, predictions: np.ndarray) -> float:
    """`accuracy`, `matthews`, `f1` (of class 1), `pearson` or `spearman` of predictions against labels.

    A correlation with a constant is 0: nothing was told apart.
    """
    if metric == "accuracy":
        return float(np.mean(labels == predictions))
    if metric in ("pearson", "spearman") and (np.ptp(labels) == 0 or np.ptp(predictions) == 0):
        return 0.0
    if metric == "pearson":
        return float(np.corrcoef(labels, predictions)[0, 1])
    if metric == "spearman":
        from scipy.stats import spearmanr

        return float(spearmanr(labels, predictions).statistic)
    from sklearn.metrics import f1_score, matthews_corrcoef

    if metric == "matthews":
        return float(matthews_corrcoef(labels, predictions))
    return float(f1_score(labels, predictions, pos_label=1, average="binary", zero_division=0.0))


def standard_error(metric: str, labels: np.ndarray, predictions: np.ndarray) -> float:
    """Standard error over examples: analytic for accuracy and Pearson's r, else SciPy's bootstrap (seed 0)."""
    count, value = len(labels), score(metric, labels, predictions)
    if metric == "accuracy":
        return math.sqrt(value * (1 - value) / count)
    if metric == "pearson":
        return (1 - value**2) / math.sqrt(max(1, count - 2))
    from scipy.stats import bootstrap

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # constant predictions: the interval is degenerate, and so is the error, 0
        result = bootstrap(
            (labels, predictions),
            lambda a, b: score(metric, a, b),
            paired=True,
            vectorized=False,
            n_resamples=RESAMPLES,
            method="percentile",
            rng=np.random.default_rng(0),
        )
    return float(result.standard_error)
