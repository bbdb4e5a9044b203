"""Scores agree with scikit-learn and SciPy, and their errors with what repeated samples show."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics

from pretrace.tasks.metrics import score, standard_error

CLASSES = {
    "accuracy": metrics.accuracy_score,
    "matthews": metrics.matthews_corrcoef,
    "f1": lambda labels, predictions: metrics.f1_score(labels, predictions, zero_division=0.0),
}
NUMBERS = {
    "pearson": lambda a, b: stats.pearsonr(a, b).statistic,
    "spearman": lambda a, b: stats.spearmanr(a, b).statistic,
}


def sample(metric: str, seed: int, count: int = 200) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    if metric in NUMBERS:
        labels = random.normal(size=count)
        return labels, labels + random.normal(size=count)
    labels = random.integers(0, 2, count)
    return labels, np.where(random.random(count) < 0.3, 1 - labels, labels).astype(float)


@pytest.mark.parametrize("metric", [*CLASSES, *NUMBERS])
@pytest.mark.parametrize("seed", range(3))
def test_scores_are_those_of_the_libraries(metric: str, seed: int) -> None:
    labels, predictions = sample(metric, seed)
    expected = (CLASSES | NUMBERS)[metric](labels, predictions)
    assert score(metric, labels, predictions) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("metric", ["accuracy", "matthews"])
def test_more_than_two_classes(metric: str) -> None:
    random = np.random.default_rng(0)
    labels, predictions = random.integers(0, 4, 100), random.integers(0, 4, 100).astype(float)
    assert score(metric, labels, predictions) == pytest.approx(CLASSES[metric](labels, predictions))


@pytest.mark.parametrize("metric", [*CLASSES, *NUMBERS])
def test_perfect_and_constant_predictions(metric: str) -> None:
    labels, _ = sample(metric, 0)
    assert score(metric, labels, labels.astype(float)) == pytest.approx(1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        constant = score(metric, labels, np.zeros(len(labels)))
    assert constant == (pytest.approx(np.mean(labels == 0)) if metric == "accuracy" else 0.0)


@pytest.mark.parametrize("metric", [*CLASSES, *NUMBERS])
def test_the_error_is_the_spread_of_many_samples(metric: str) -> None:
    found = [score(metric, *sample(metric, seed)) for seed in range(400)]
    errors = [standard_error(metric, *sample(metric, seed)) for seed in range(6)]
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.25)


@pytest.mark.parametrize("metric", [*CLASSES, *NUMBERS])
def test_the_error_is_the_same_each_time_and_sane_at_the_ends(metric: str) -> None:
    labels, predictions = sample(metric, 1, 60)
    assert standard_error(metric, labels, predictions) == standard_error(metric, labels, predictions) > 0
    assert standard_error(metric, labels, labels.astype(float)) == pytest.approx(0.0, abs=1e-9)
    constant = standard_error(metric, labels, np.zeros(60))
    assert math.isfinite(constant)
    assert constant >= 0


def test_four_times_the_rows_halve_the_error() -> None:
    for metric in ("accuracy", "pearson", "matthews"):
        few, many = (standard_error(metric, *sample(metric, 2, count)) for count in (300, 1200))
        assert few / many == pytest.approx(2.0, rel=0.2)
