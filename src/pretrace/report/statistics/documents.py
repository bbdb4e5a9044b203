"""The move of a score by each test document: the part of a score's variance that is from the draw of the test rows.

Rows of one document are alike, so documents are the unit; a row of a task from a file is a document of its own. For
the accuracy this is the cluster-robust variance (Liang and Zeger 1986; Cameron and Miller 2015, section II), for the
other metrics the jackknife that leaves out one document at a time (MacKinnon, Nielsen and Webb 2023: it is the most
careful of the cluster-robust ones). Nothing is drawn, so the same predictions give the same digits; and as every score
has one number for each document, differences and means over tasks that share documents need no more than sums.

Shapes: G documents, N rows, K classes.
"""

from __future__ import annotations

import math

import numpy as np

from pretrace.tasks.rows.metrics import score

BLOCKS = 200
"""Groups in which documents are left out for Spearman's correlation: its ranks have to be found again each time."""


def moves(
    metric: str, labels_N: np.ndarray, predictions_N: np.ndarray, documents_N: np.ndarray, balanced: bool = False
) -> np.ndarray:
    """Return how far each document moves the metric, shape (G,): the variance is the sum of the squares.

    Args:
        documents_N: number of each row's document, from 0 to G - 1.
        balanced: the test split has as many rows of each class as was asked for, so that these numbers do not vary
            with the draw, and only the documents within a class do (strata; for the accuracy alone).
    """
    groups = int(documents_N.max()) + 1
    if groups < 2:  # nothing to tell a variance from
        return np.zeros(1)
    if metric == "accuracy":
        right_N = (labels_N == predictions_N).astype(float)
        strata_N = np.unique(labels_N, return_inverse=True)[1] if balanced else np.zeros(len(labels_N), int)
        of_stratum = np.bincount(strata_N, right_N) / np.bincount(strata_N)
        left = max(1, groups - len(of_stratum))
        return _sums(documents_N, groups, right_N - of_stratum[strata_N]) / len(right_N) * math.sqrt(groups / left)
    if metric == "spearman":
        return _spearman(labels_N, predictions_N, documents_N, groups)
    return _jackknife(WITHOUT[metric](labels_N, predictions_N, documents_N, groups))


def _jackknife(without_G: np.ndarray) -> np.ndarray:
    return (without_G.mean() - without_G) * math.sqrt((len(without_G) - 1) / len(without_G))


def _sums(documents_N: np.ndarray, groups: int, values_N: np.ndarray) -> np.ndarray:
    return np.bincount(documents_N, values_N, groups)


def _rest(documents_N: np.ndarray, groups: int, values_N: np.ndarray) -> np.ndarray:
    """Return the sum of all rows but those of each document, shape (G,)."""
    sums_G = _sums(documents_N, groups, values_N)
    return sums_G.sum() - sums_G


def _f1(labels_N: np.ndarray, predictions_N: np.ndarray, documents_N: np.ndarray, groups: int) -> np.ndarray:
    true_N, said_N = (labels_N == 1).astype(float), (predictions_N == 1).astype(float)
    hits_G, true_G, said_G = (_rest(documents_N, groups, v) for v in (true_N * said_N, true_N, said_N))
    return 2 * hits_G / np.maximum(1, true_G + said_G)


def _matthews(labels_N: np.ndarray, predictions_N: np.ndarray, documents_N: np.ndarray, groups: int) -> np.ndarray:
    count_G = _rest(documents_N, groups, np.ones(len(labels_N)))
    hits_G = _rest(documents_N, groups, (labels_N == predictions_N).astype(float))
    both_G, true_G, said_G = np.zeros(groups), np.zeros(groups), np.zeros(groups)
    for one in np.union1d(labels_N, predictions_N):
        true, said = (_rest(documents_N, groups, (v == one).astype(float)) for v in (labels_N, predictions_N))
        both_G, true_G, said_G = both_G + true * said, true_G + true**2, said_G + said**2
    return _ratio(count_G * hits_G - both_G, (count_G**2 - true_G) * (count_G**2 - said_G))


def _pearson(labels_N: np.ndarray, predictions_N: np.ndarray, documents_N: np.ndarray, groups: int) -> np.ndarray:
    if np.ptp(labels_N) == 0 or np.ptp(predictions_N) == 0:
        return np.zeros(groups)
    unit = [(v.astype(float) - v.mean()) / np.ptp(v) for v in (labels_N, predictions_N)]
    count, a, b, aa, bb, ab = (
        _rest(documents_N, groups, v)
        for v in (np.ones(len(labels_N)), *unit, unit[0] ** 2, unit[1] ** 2, unit[0] * unit[1])
    )
    return _ratio(count * ab - a * b, (count * aa - a**2) * (count * bb - b**2))


def _spearman(labels_N: np.ndarray, predictions_N: np.ndarray, documents_N: np.ndarray, groups: int) -> np.ndarray:
    """Return how far each document moves Spearman's correlation, all of a block alike."""
    blocks = min(groups, BLOCKS)
    block_N, block_G = documents_N % blocks, np.arange(groups) % blocks
    rest = [block_N != block for block in range(blocks)]
    without = np.array([score("spearman", labels_N[rows], predictions_N[rows]) for rows in rest])
    # So that the squares of a block's documents sum to that of the block.
    return _jackknife(without)[block_G] / np.sqrt(np.bincount(block_G))[block_G]


def _ratio(above_G: np.ndarray, below_G: np.ndarray) -> np.ndarray:
    """Return a correlation from its parts; 0 with a constant, as the metric has it."""
    constant_G = below_G <= 1e-12
    return np.where(constant_G, 0.0, above_G / np.sqrt(np.where(constant_G, 1.0, below_G)))


WITHOUT = {"f1": _f1, "matthews": _matthews, "pearson": _pearson}
"""By metric the function that returns it without each document, shape (G,)."""
