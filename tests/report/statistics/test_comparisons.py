"""Noise and probability of a difference, and Holm's correction."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t, ttest_ind

from pretrace.report.statistics.comparisons import Difference, holm, mean_difference

scores = st.lists(st.integers(0, 1000), min_size=2, max_size=6)
probabilities = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(one=scores, other=scores)
def test_two_parts_are_welchs_t_test(one: list[int], other: list[int]) -> None:
    if len(set(one)) == 1 and len(set(other)) == 1:
        return
    parts = tuple(
        (sum((x - sum(s) / len(s)) ** 2 for x in s) / (len(s) - 1) / len(s), len(s) - 1) for s in (one, other)
    )
    result = Difference(sum(one) / len(one) - sum(other) / len(other), parts)
    reference = ttest_ind(one, other, equal_var=False)
    interval = reference.confidence_interval(0.95)
    assert result.noise == pytest.approx((interval.high - interval.low) / 2, rel=1e-6)
    assert result.p == pytest.approx(reference.pvalue, rel=1e-6)


def test_part_without_degrees_of_freedom_is_normal() -> None:
    one = Difference(0.196, ((0.01, math.inf),))
    assert one.noise == pytest.approx(0.1959964) and one.p == pytest.approx(0.05, abs=1e-4)
    mixed = Difference(0.1, ((0.01, math.inf), (0.01, 2.0)))
    assert mixed.freedom == pytest.approx(8.0)
    assert mixed.noise == pytest.approx(t.ppf(0.975, 8) * math.sqrt(0.02))


def test_probability_with_few_units_is_where_the_interval_ends() -> None:
    parts, few = ((0.0004, 300.0),), ((0.0009, 1.0),)
    one = Difference(0.2, parts, few)
    assert one.noise == pytest.approx(math.hypot(t.ppf(0.975, 300) * 0.02, t.ppf(0.975, 1) * 0.03))
    assert Difference(one.noise, parts, few).p == pytest.approx(0.05)
    assert Difference(0.2, (), few).p == pytest.approx(2 * t.sf(0.2 / 0.03, 1))
    assert Difference(0.0, parts, few).p == pytest.approx(1.0)


def test_mean_over_tasks_has_the_parts_of_all() -> None:
    one = Difference(0.2, ((0.01, 10.0),))
    result = mean_difference([one, Difference(0.0, ((0.03, 1000.0),))])
    assert result.value == pytest.approx(0.1)
    assert result.variance == pytest.approx(0.01)
    assert mean_difference([one]).noise == pytest.approx(one.noise)


def test_no_variance_is_no_noise() -> None:
    assert Difference(0.1, ((1e-200, 3.0),)).noise == 0.0
    same, apart = Difference(0.0, ((0.0, 3.0),)), Difference(0.1, ((0.0, 3.0),))
    assert (same.noise, same.p, same.beyond) == (0.0, 1.0, False)
    assert (apart.noise, apart.p, apart.beyond) == (0.0, 0.0, True)


def test_holm_by_hand() -> None:
    # Ranks 1 to 4 are multiplied by 4, 3, 2, 1, and none is below one before it: 0.03 * 2 = 0.06 lifts the last.
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


@given(probabilities)
def test_holm_is_between_none_and_bonferroni_and_rejects_step_by_step(p: list[float]) -> None:
    corrected = holm(p)
    assert all(one <= own <= min(1.0, len(p) * one) + 1e-12 for one, own in zip(p, corrected, strict=True))
    # Holm's own words: go up from the smallest, and stop at the first that is not below 5 % over those left.
    rejected = 0
    for rank, one in enumerate(sorted(p)):
        if (len(p) - rank) * one >= 0.05:
            break
        rejected += 1
    assert sum(own < 0.05 for own in corrected) == rejected
