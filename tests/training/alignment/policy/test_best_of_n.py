"""Best-of-n from one pool, against drawing all subsets; its KL in closed form."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest

from pretrace.training.alignment.policy.best_of_n import best_of_n, best_of_n_kl, weights_of_ranks


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_estimate_is_the_mean_over_all_subsets(n: int) -> None:
    draw = np.random.default_rng(0)
    by, scores = draw.normal(size=(2, 6)), draw.normal(size=(2, 6))
    for row, found in enumerate(best_of_n(by, scores, n)):
        each = [scores[row][max(subset, key=lambda i: by[row][i])] for subset in combinations(range(6), n)]
        assert found == pytest.approx(np.mean(each))


def test_ties_have_the_mean_of_their_scores() -> None:
    found = best_of_n(np.array([[1.0, 1.0, 0.0]]), np.array([[3.0, 5.0, 100.0]]), 3)
    assert found.tolist() == [4.0]


@pytest.mark.parametrize("n", [1, 2, 5])
def test_kl_is_that_of_the_distribution_of_the_best(n: int) -> None:
    """Of many equally likely answers the i-th lowest is best with a probability that is known."""
    count = 4000
    grid = np.arange(1, count + 1) / count
    p = grid**n - (grid - 1 / count) ** n
    assert best_of_n_kl(n) == pytest.approx(float((p * np.log(p * count)).sum()), abs=2e-3)
    assert math.fsum(weights_of_ranks(10, n)) == pytest.approx(1.0)
