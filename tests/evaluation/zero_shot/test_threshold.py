"""The threshold against one that tries every cut, and its noise against the whole procedure on redrawn rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.evaluation.zero_shot.heuristics import predictions_of
from pretrace.evaluation.zero_shot.threshold import LabeledValues, best_threshold, threshold_variance
from pretrace.tasks.rows.metrics import score

METRICS = ("accuracy", "matthews", "f1")


def drawn(rows: int, seed: int, high: int = 1, gap: float = 1.0) -> LabeledValues:
    """Two classes whose values are normal, with means `gap` apart."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, 2, rows)
    return LabeledValues(random.normal(gap * (labels == high)), labels, high)


def reached(metric: str, rows: LabeledValues, threshold: float) -> float:
    return score(metric, rows.labels_N, predictions_of(rows.values_N[:, None], rows.high, threshold))


def test_threshold_is_the_first_of_the_best_on_dev() -> None:
    dev = LabeledValues(np.array([-5.0, -4.0, -3.0, -2.0, -1.0]), np.array([0, 0, 1, 0, 1]), 1)
    assert best_threshold("accuracy", dev) == -3.5  # -1.5 gives 0.8, too
    assert best_threshold("matthews", LabeledValues(dev.values_N, 1 - dev.labels_N, 0)) == -3.5
    with pytest.raises(PretraceError, match="dev rows"):
        best_threshold("accuracy", LabeledValues(np.full(3, -np.inf), np.array([0, 1, 1]), 1))


@given(
    st.lists(st.tuples(st.integers(-3, 3), st.integers(0, 1)), min_size=2, max_size=12),
    st.sampled_from(METRICS),
    st.integers(0, 1),
)
def test_no_other_cut_is_better(rows: list[tuple[int, int]], metric: str, high: int) -> None:
    dev = LabeledValues(np.array([float(v) for v, _ in rows]), np.array([label for _, label in rows]), high)
    finite = np.unique(dev.values_N)
    cuts = (finite[1:] + finite[:-1]) / 2 if len(finite) > 1 else finite
    best = max(reached(metric, dev, cut) for cut in cuts)
    assert reached(metric, dev, best_threshold(metric, dev)) == pytest.approx(best, abs=1e-12)


@pytest.mark.parametrize("metric", METRICS)
def test_row_that_counts_twice_is_a_row_that_is_there_twice(metric: str) -> None:
    dev = drawn(30, 1)
    weights = np.random.default_rng(2).integers(0, 3, 30)
    again = np.repeat(np.arange(30), weights)
    twice = LabeledValues(dev.values_N[again], dev.labels_N[again], dev.high)
    assert best_threshold(metric, dev, weights.astype(float)) == best_threshold(metric, twice)


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("high", [0, 1])
def test_variance_is_that_of_choosing_again_on_redrawn_rows(metric: str, high: int) -> None:
    """The procedure written out, with the same draws."""
    dev, test = drawn(60, 3, high), drawn(300, 4, high)
    found = threshold_variance(metric, dev, np.arange(60), test)
    random, scores = np.random.default_rng(0), []
    for _ in range(500):
        rows = random.integers(0, 60, 60)
        chosen = best_threshold(metric, LabeledValues(dev.values_N[rows], dev.labels_N[rows], high))
        scores.append(reached(metric, test, chosen))
    assert found > 0
    assert found == pytest.approx(np.var(scores, ddof=1))


def test_more_dev_rows_make_less_noise() -> None:
    test = drawn(2000, 5)
    few, many = (threshold_variance("accuracy", drawn(n, 6), np.arange(n), test) for n in (40, 4000))
    assert many < few / 4


def test_rows_of_one_document_are_drawn_together() -> None:
    dev, test = drawn(60, 3), drawn(300, 4)
    twice = LabeledValues(np.tile(dev.values_N, 2), np.tile(dev.labels_N, 2), 1)
    alone = threshold_variance("accuracy", dev, np.arange(60), test)
    assert threshold_variance("accuracy", twice, np.tile(np.arange(60), 2), test) == pytest.approx(alone)
    one = threshold_variance("accuracy", dev, np.zeros(60), test)
    assert one == 0
