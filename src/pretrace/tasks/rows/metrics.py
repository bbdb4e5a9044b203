"""Metrics and their standard errors. All are shares of 1; the table shows them times 100."""

from __future__ import annotations

import math
import warnings

import numpy as np

RESAMPLES = 500


def score(metric: str, labels: np.ndarray, predictions: np.ndarray) -> float:
    """Return `accuracy`, `matthews`, `f1` (of class 1), `pearson` or `spearman` of predictions against labels.

    A correlation with a constant is 0; so is F1 if neither labels nor predictions have class 1.
    """
    if metric == "accuracy":
        return float(np.mean(labels == predictions))
    if metric in ("pearson", "spearman") and (np.ptp(labels) == 0 or np.ptp(predictions) == 0):
        return 0.0
    if metric == "pearson":
        both = (labels.astype(float), predictions.astype(float))
        unit = [(values - values.min()) / np.ptp(values) for values in both]
        return float(np.corrcoef(*unit)[0, 1])  # squares of values on any other scale may overflow, or vanish
    if metric == "spearman":
        from scipy.stats import spearmanr

        return float(spearmanr(labels, predictions).statistic)
    if metric == "matthews":
        return _matthews(labels, predictions)
    hits = np.sum((labels == 1) & (predictions == 1))
    return float(2 * hits / max(1, np.sum(labels == 1) + np.sum(predictions == 1)))


def _matthews(labels: np.ndarray, predictions: np.ndarray) -> float:
    """Return the Matthews correlation of any number of classes; written out, as training imports no scikit-learn."""
    classes = np.union1d(labels, predictions)[:, None]
    true, predicted = (labels == classes).sum(1), (predictions == classes).sum(1)
    count, hits = float(len(labels)), float(np.sum(labels == predictions))
    spread = (count**2 - np.sum(true.astype(float) ** 2)) * (count**2 - np.sum(predicted.astype(float) ** 2))
    return float((hits * count - np.sum(true.astype(float) * predicted)) / math.sqrt(spread)) if spread else 0.0


def standard_error(metric: str, labels: np.ndarray, predictions: np.ndarray) -> float:
    """Return the standard error over examples: analytic for accuracy and Pearson, else SciPy's bootstrap (seed 0)."""
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
