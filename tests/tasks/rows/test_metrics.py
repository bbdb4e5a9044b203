"""Scores agree with scikit-learn and SciPy, and their errors with what repeated samples show."""

from __future__ import annotations

import math
import subprocess
import sys
import textwrap
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics

from pretrace.tasks.rows.metrics import score, standard_error

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
def test_metrics_match_the_libraries(metric: str, seed: int) -> None:
    labels, predictions = sample(metric, seed)
    expected = (CLASSES | NUMBERS)[metric](labels, predictions)
    assert score(metric, labels, predictions) == pytest.approx(expected, abs=1e-12)


ANSWERS = st.integers(2, 4).flatmap(
    lambda classes: st.lists(
        st.tuples(st.integers(0, classes - 1), st.integers(0, classes - 1)), min_size=1, max_size=40
    )
)
GRADES = st.lists(st.tuples(st.integers(0, 20), st.floats(-10, 10, width=16)), min_size=2, max_size=40)


@pytest.mark.slow
@given(ANSWERS)
def test_class_metrics_match_scikit_learn(answers: list[tuple[int, int]]) -> None:
    labels, predictions = np.array(answers).T
    for metric, expected in CLASSES.items():
        if metric != "f1" or max(labels.max(), predictions.max()) < 2:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # it warns of one class only
                assert score(metric, labels, predictions) == pytest.approx(expected(labels, predictions), abs=1e-9)


@pytest.mark.slow
@given(GRADES)
def test_correlations_match_scipy(grades: list[tuple[int, float]]) -> None:
    labels, predictions = np.array(grades, float).T
    for metric, expected in NUMBERS.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of constants, for which it has no number
            value = expected(labels, predictions)
        assert score(metric, labels, predictions) == pytest.approx(0.0 if math.isnan(value) else value, abs=1e-6)


@pytest.mark.parametrize(
    ("metric", "labels", "predictions", "expected"),
    [
        ("matthews", [0, 1, 1], [1, 1, 1], 0.0),
        ("matthews", [1, 1, 1], [1, 1, 1], 0.0),
        ("matthews", [0, 1], [1, 0], -1.0),
        ("f1", [0, 0, 0], [0, 0, 0], 0.0),
        ("f1", [0, 0, 0], [1, 0, 0], 0.0),
        ("f1", [1, 0, 0], [0, 0, 0], 0.0),
        ("f1", [1, 1, 0], [1, 0, 0], 2 / 3),
        ("pearson", [1, 2, 3], [2, 2, 2], 0.0),
        ("pearson", [1, 2, 3], [0, 0, 1e-300], 3**0.5 / 2),
        ("spearman", [1, 2, 3], [2, 2, 2], 0.0),
        ("spearman", [1, 2, 3], [1, 10, 100], 1.0),
    ],
)
def test_metric_edge_cases_match_glue(metric: str, labels: list, predictions: list, expected: float) -> None:
    """GLUE's server takes scikit-learn's numbers: 0 where a class is not there; a constant has no correlation."""
    assert score(metric, np.array(labels), np.array(predictions)) == pytest.approx(expected)


def test_metrics_import_no_scikit_learn() -> None:
    """What trains does not bring it along; see the design."""
    code = """
        import sys, numpy as np
        from pretrace.tasks.rows.metrics import score, standard_error
        for metric in ("accuracy", "matthews", "f1", "pearson"):
            score(metric, np.array([0, 1, 1]), np.array([0, 1, 0]))
        standard_error("accuracy", np.array([0, 1, 1]), np.array([0, 1, 0]))
        assert not {"sklearn", "scipy", "pandas"} & set(sys.modules)
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True)


@pytest.mark.parametrize("metric", ["accuracy", "matthews"])
def test_metrics_of_more_than_two_classes(metric: str) -> None:
    random = np.random.default_rng(0)
    labels, predictions = random.integers(0, 4, 100), random.integers(0, 4, 100).astype(float)
    assert score(metric, labels, predictions) == pytest.approx(CLASSES[metric](labels, predictions))


@pytest.mark.parametrize("metric", [*CLASSES, *NUMBERS])
def test_metrics_of_perfect_and_constant_predictions(metric: str) -> None:
    labels, _ = sample(metric, 0)
    assert score(metric, labels, labels.astype(float)) == pytest.approx(1.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        constant = score(metric, labels, np.zeros(len(labels)))
    assert constant == (pytest.approx(np.mean(labels == 0)) if metric == "accuracy" else 0.0)


@pytest.mark.slow
@pytest.mark.parametrize("metric", [*CLASSES, *NUMBERS])
def test_standard_error_is_the_spread_of_many_samples(metric: str) -> None:
    found = [score(metric, *sample(metric, seed)) for seed in range(400)]
    errors = [standard_error(metric, *sample(metric, seed)) for seed in range(6)]
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.25)


@pytest.mark.slow
@pytest.mark.parametrize("metric", [*CLASSES, *NUMBERS])
def test_standard_error_is_deterministic_and_bounded(metric: str) -> None:
    labels, predictions = sample(metric, 1, 60)
    assert standard_error(metric, labels, predictions) == standard_error(metric, labels, predictions) > 0
    assert standard_error(metric, labels, labels.astype(float)) == pytest.approx(0.0, abs=1e-9)
    constant = standard_error(metric, labels, np.zeros(60))
    assert math.isfinite(constant)
    assert constant >= 0


def test_standard_error_halves_with_four_times_the_rows() -> None:
    for metric in ("accuracy", "pearson", "matthews"):
        few, many = (standard_error(metric, *sample(metric, 2, count)) for count in (300, 1200))
        assert few / many == pytest.approx(2.0, rel=0.2)
