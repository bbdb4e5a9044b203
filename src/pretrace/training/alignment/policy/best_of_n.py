"""Best-of-n: choosing instead of training. Every n is estimated from one pool, and its KL is known in closed form.

Shapes: P prompts, N answers of each prompt's pool.
"""

from __future__ import annotations

import math

import numpy as np


def best_of_n_kl(n: int) -> float:
    """Return the KL of best-of-n from the policy it draws from, nats: log n - (n - 1) / n.

    Exact where no two answers tie, and never less than the KL (Stiennon et al. 2020; Beirami et al. 2024).
    """
    return math.log(n) - (n - 1) / n


def weights_of_ranks(pool: int, n: int) -> np.ndarray:
    """Return the probability (N,) that the i-th lowest of a pool is the highest of n that are drawn from it.

    C(i - 1, n - 1) / C(N, n), of i from 1: an unbiased estimate from all of the pool (Nakano et al. 2021, appendix I).
    """
    return np.array([math.comb(i, n - 1) / math.comb(pool, n) for i in range(pool)])


def best_of_n(chosen_by_PN: np.ndarray, scores_PN: np.ndarray, n: int) -> np.ndarray:
    """Return the expected score (P,) of the best of n answers, chosen by one reward and judged by another.

    Answers with the same reward have the mean of their scores, as if drawn.
    """
    weights_N = weights_of_ranks(chosen_by_PN.shape[1], n)
    found_P = np.empty(len(scores_PN))
    for number, (by_N, scores_N) in enumerate(zip(chosen_by_PN, scores_PN, strict=True)):
        values, groups = np.unique(by_N, return_inverse=True)
        means = np.bincount(groups, scores_N, len(values)) / np.bincount(groups, minlength=len(values))
        found_P[number] = weights_N @ means[np.sort(groups)]
    return found_P
