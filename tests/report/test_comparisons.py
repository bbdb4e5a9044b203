"""Differences between columns, and what their intervals promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_ind, ttest_rel

from pretrace.report.comparisons import Difference, difference, mean_difference

LABELS = np.ones(1000, int)


shares = st.lists(st.integers(0, 1000), min_size=2, max_size=5)


def predictions(*right: int) -> np.ndarray:
    """For each seed the predictions of which the first `right` are right."""
    return np.array([[1] * count + [0] * (1000 - count) for count in right])


@pytest.mark.slow
@given(one=shares, other=shares)
def test_interval_without_the_part_of_rows_is_welchs(one: list[int], other: list[int]) -> None:
    if len(set(one)) == 1 or len(set(other)) == 1:
        return
    result = difference("accuracy", LABELS, predictions(*one), predictions(*other))
    reference = ttest_ind([n / 1000 for n in one], [n / 1000 for n in other], equal_var=False)
    interval = reference.confidence_interval(0.95)
    seeds_only = Difference(result.value, result.parts[1:])
    assert result.value == pytest.approx(np.mean(one) / 1000 - np.mean(other) / 1000)
    assert seeds_only.noise == pytest.approx((interval.high - interval.low) / 2, rel=1e-6, abs=1e-9)


def test_interval_with_one_seed_is_that_of_the_pairs() -> None:
    random = np.random.default_rng(0)
    one, other = (random.random((1, 1000)) < share for share in (0.6, 0.55))
    result = difference("accuracy", LABELS, one.astype(int), other.astype(int))
    interval = ttest_rel(one[0].astype(float), other[0].astype(float)).confidence_interval(0.95)
    assert result.noise == pytest.approx((interval.high - interval.low) / 2, rel=2e-3)


def test_rows_that_both_get_wrong_do_not_widen_the_interval() -> None:
    # 30 rows apart among 1,000: paired, that is certain; with independent rows it would not be.
    result = difference("accuracy", LABELS, predictions(530), predictions(500))
    assert result.beyond
    assert result.noise < 1.96 * np.sqrt(2 * 0.25 / 1000) / 3


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["accuracy", "f1", "matthews"])
def test_interval_covers_the_true_difference(metric: str) -> None:
    random = np.random.default_rng(1)
    covered = 0
    for _ in range(40):
        labels = random.integers(0, 2, 300)
        hard = random.random(300) < 0.4  # rows that both columns find hard
        flips = [random.random((3, 300)) < np.where(hard, 0.45, 0.1) for _ in range(2)]
        one, other = (np.where(flip, 1 - labels, labels) for flip in flips)
        result = difference(metric, labels, one, other)
        covered += not result.beyond  # the true difference is 0
    assert covered >= 36


@pytest.mark.slow
def test_correlations_are_compared_by_the_bootstrap() -> None:
    random = np.random.default_rng(2)
    labels = random.normal(size=400)
    near, far = (labels + random.normal(scale=scale, size=(3, 400)) for scale in (0.5, 3.0))
    assert difference("pearson", labels, near, far).beyond
    assert not difference("pearson", labels, near, near).beyond


def test_mean_over_tasks_has_the_parts_of_all() -> None:
    one = Difference(0.2, ((0.01, 10.0),))
    result = mean_difference([one, Difference(0.0, ((0.03, 1000.0),))])
    assert result.value == pytest.approx(0.1)
    assert sum(part for part, _ in result.parts) == pytest.approx(0.01)
    assert mean_difference([one]).noise == pytest.approx(one.noise)


def test_no_variance_is_no_noise() -> None:
    result = difference("accuracy", LABELS, predictions(500, 500), predictions(500, 500))
    assert (result.value, result.noise, result.beyond) == (0.0, 0.0, False)
    assert Difference(0.1, ((1e-200, 3.0),)).noise == 0.0
