"""Distance of a rule's answers from chance, with documents as units.

Chance is the score that the same answers have when they have nothing to do with the labels. The distance to it is a
mean over rows, so its standard error, by chance, is that of a sum over documents (the sandwich estimator: Liang and
Zeger 1986, doi:10.1093/biomet/73.1.13, with no predictors).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

ROUNDING = 1e-9
"""Standard errors below it are none: sums of floating-point numbers that should be 0."""


class AboveChance(NamedTuple):
    """A score, in shares of 1, and what the same answers would have by chance."""

    score: float
    chance: float
    stderr: float
    """Of the score, by chance."""
    p: float
    """Probability of such a score or a higher one by chance."""


def above_chance(metric: str, labels: np.ndarray, answers: np.ndarray, documents: list[str]) -> AboveChance:
    """Return a score with what it would be by chance.

    Args:
        labels: classes, indices of choices, or numbers, shape (rows,).
        answers: of the same kind and shape.
        documents: the document or row that each row is from.
    """
    from scipy.stats import rankdata

    if metric in ("pearson", "spearman"):
        values = [rankdata(v) if metric == "spearman" else v.astype(float) for v in (labels, answers)]
        spreads = [v.std() for v in values]
        factor, chance = (1 / (spreads[0] * spreads[1]) if min(spreads) > 0 else 0.0), 0.0
        rows = (values[0] - values[0].mean()) * (values[1] - values[1].mean())
    else:
        rows, factor, chance = _classes(metric, labels, answers)
    return _of_rows(rows, factor, chance, documents)


def above_equal_shares(labels: np.ndarray, seen: np.ndarray, choices: int, documents: list[str]) -> AboveChance:
    """Return the accuracy of always answering the choice that is right most often in `seen`; by chance, each is."""
    usual = np.bincount(seen.astype(int), minlength=choices).argmax()
    return _of_rows((labels == usual) - 1 / choices, 1.0, 1 / choices, documents)


def _of_rows(rows: np.ndarray, factor: float, chance: float, documents: list[str]) -> AboveChance:
    """Return chance plus `factor` times the mean of rows."""
    from scipy.stats import norm

    excess = float(rows.mean())
    _, unit = np.unique(np.array(documents), return_inverse=True)
    sums = np.bincount(unit, weights=rows)  # as chance has it, the mean is 0
    stderr = factor * float(np.sqrt(np.sum(sums**2))) / len(rows)
    p = float(norm.sf(factor * excess / stderr)) if stderr > ROUNDING else 1.0  # one answer for all
    return AboveChance(chance + factor * excess, chance, stderr, p)


def _classes(metric: str, labels: np.ndarray, answers: np.ndarray) -> tuple[np.ndarray, float, float]:
    """Return each row's part in the hits beyond chance, what their mean is multiplied by, and the score by chance."""
    classes, index = np.unique(np.concatenate([labels, answers]).astype(int), return_inverse=True)
    true, answered = index[: len(labels)], index[len(labels) :]
    p, q = (np.bincount(values, minlength=len(classes)) / len(labels) for values in (true, answered))
    rows = (true == answered) - p[answered] - q[true] + np.sum(p * q)  # both centered: the sum of products over classes
    if metric == "f1":  # of class 1
        shares = [float(values[classes == 1].sum()) for values in (p, q)]
        factor = 2 / sum(shares) if sum(shares) else 0.0
        rows = ((classes[true] == 1) - shares[0]) * ((classes[answered] == 1) - shares[1])
        return rows, factor, factor * shares[0] * shares[1]
    if metric == "matthews":
        spread = (1 - np.sum(p**2)) * (1 - np.sum(q**2))
        return rows, (1 / np.sqrt(spread) if spread > 1e-12 else 0.0), 0.0
    return rows, 1.0, float(np.sum(p * q))


def holm(values: list[float]) -> list[float]:
    """Return p values corrected for their number (Holm 1979, jstor.org/stable/4615733)."""
    corrected, highest = [0.0] * len(values), 0.0
    for rank, i in enumerate(np.argsort(values)):
        highest = max(highest, min(1.0, values[i] * (len(values) - rank)))
        corrected[i] = highest
    return corrected
