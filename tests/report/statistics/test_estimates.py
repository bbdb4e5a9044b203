"""Means and differences with their variance by source."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import ttest_1samp, ttest_ind, ttest_rel

from pretrace.report.statistics.estimates import Estimate, combined, estimate, mean, minus

ONE, OTHER = [0.61, 0.64, 0.60], [0.50, 0.55, 0.51]


def fits(scores: list[float], starts: list[int | None] | None = None, extra: float = 0.0) -> Estimate:
    """A cell whose documents do not move it."""
    return estimate(scores, starts or [None] * len(scores), np.arange(50), np.zeros(50), extra)


def half_width(reference: object) -> float:
    interval = reference.confidence_interval(0.95)  # type: ignore[attr-defined]
    return float(interval.high - interval.low) / 2


def test_seeds_of_two_columns_are_welchs() -> None:
    result = minus(fits(ONE), fits(OTHER)).difference()
    assert result.value == pytest.approx(np.mean(ONE) - np.mean(OTHER))
    assert result.noise == pytest.approx(half_width(ttest_ind(ONE, OTHER, equal_var=False)))


def test_seeds_of_one_pretraining_are_the_unit() -> None:
    assert fits(ONE, [42, 42, 42]).difference() == fits(ONE).difference()


def test_pretrainings_are_the_unit_where_there_are_several() -> None:
    """The mean over the seeds of each is one number, whatever the seeds say; both sides have their own quantile."""
    starts: list[int | None] = [42, 42, 43, 43, 44, 44]
    column = fits([0.60, 0.62, 0.70, 0.68, 0.65, 0.65], starts)
    result = minus(column, fits(OTHER)).difference()
    widths = [half_width(ttest_1samp(values, 0)) for values in ([0.61, 0.69, 0.65], OTHER)]
    assert result.noise == pytest.approx(math.hypot(*widths))


def test_columns_of_the_same_pretrainings_are_paired() -> None:
    full, frozen = fits([0.61, 0.69, 0.65], [42, 43, 44]), fits([0.55, 0.60, 0.58], [42, 43, 44])
    result = minus(full, frozen).difference()
    assert result.noise == pytest.approx(half_width(ttest_rel([0.61, 0.69, 0.65], [0.55, 0.60, 0.58])))
    # Of another pre-training nothing is common.
    alone = minus(full, fits([0.55, 0.60, 0.58], [1, 2, 3])).difference()
    widths = [half_width(ttest_1samp(values, 0)) for values in ([0.61, 0.69, 0.65], [0.55, 0.60, 0.58])]
    assert alone.noise == pytest.approx(math.hypot(*widths))


def test_pretrainings_are_common_to_the_tasks() -> None:
    """On the mean over tasks the unit is a pre-training's mean: what it gains on all of them does not average out."""
    tasks = [fits([0.6, 0.7], [42, 43]), fits([0.5, 0.6], [42, 43])]
    assert mean(tasks).difference().variance == pytest.approx(np.var([0.55, 0.65], ddof=1) / 2)
    opposite = [fits([0.6, 0.7], [42, 43]), fits([0.6, 0.5], [42, 43])]
    assert mean(opposite).difference().variance == pytest.approx(0)


def test_documents_are_common_to_columns_and_tasks() -> None:
    moves_G = np.random.default_rng(0).normal(size=50) / 100
    one = estimate([0.6], [None], np.arange(50), moves_G)
    assert minus(one, one).difference().variance == 0
    assert mean([one, one]).from_documents == pytest.approx(one.from_documents)
    elsewhere = estimate([0.6], [None], np.arange(50, 100), moves_G)
    assert mean([one, elsewhere]).from_documents == pytest.approx(one.from_documents / 2)
    assert mean([one, elsewhere]).freedom == pytest.approx(98)


def test_what_dev_chose_is_added() -> None:
    result = minus(fits(ONE, extra=0.0004), fits([0.5])).difference()
    assert result.variance == pytest.approx(np.var(ONE, ddof=1) / 3 + 0.0004)
    assert fits([0.5], extra=0.0004).difference().noise == pytest.approx(1.96 * 0.02, rel=1e-3)
    assert fits([0.5], extra=0.0004).parts == ((0.0004, math.inf),)


def test_single_fit_has_no_part_of_seeds() -> None:
    assert fits([0.5]).difference().noise == 0
    assert combined([fits([0.5])], [2.0]).value == 1.0
