"""Comparison of answers, against the definitions written out."""

from __future__ import annotations

import numpy as np
import pytest

from pretrace.evaluation.log_likelihood import Scores
from pretrace.evaluation.prompts.values import predictions_of, shares, values_of

LOGS = [[-1.0, -2.0], [-4.0], [-0.5, -0.25, -0.25], [-3.0]]
"""Two rows with two answers each."""
CHARACTERS = np.array([[5, 2], [10, 1]])


def scores_of(logs: list[list[float]]) -> Scores:
    flat = np.array([value for own in logs for value in own], np.float32)
    return Scores(flat, np.zeros(len(flat), bool), np.array([len(own) for own in logs]), 0)


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("sum", [[-3, -4], [-1, -3]]),
        ("mean_token", [[-1.5, -4], [-1 / 3, -3]]),
        ("mean_character", [[-0.6, -2], [-0.1, -3]]),
        ("pmi", [[-2, -4], [0, 2]]),
    ],
)
def test_values_are_as_defined(how: str, expected: list[list[float]]) -> None:
    alone = np.array([[-1.0, 0.0], [-1.0, -5.0]]) if how == "pmi" else None
    values = values_of(how, scores_of(LOGS), CHARACTERS, alone, 1)  # type: ignore[arg-type]
    np.testing.assert_allclose(values, expected, atol=1e-6)


def test_calibration_divides_by_the_mean_probability_without_content() -> None:
    """Zhao et al. 2021: W = diag(p)^-1 with p the mean over texts without content, b = 0."""
    own, free = np.log([[0.7, 0.3]]), [np.log([0.9, 0.1]), np.log([0.6, 0.4])]
    logs = [[float(value)] for form in (own[0], *free) for value in form]
    values = values_of("sum", scores_of(logs), np.array([[1, 1]]), None, 3)
    np.testing.assert_allclose(np.exp(values[0]), [0.7 / 0.75, 0.3 / 0.25], rtol=1e-5)
    assert predictions_of(values, None).tolist() == [1]
    assert predictions_of(values_of("sum", scores_of(logs[:2]), np.array([[1, 1]]), None, 1), None).tolist() == [0]


def test_answer_without_tokens_never_wins() -> None:
    values = values_of("sum", scores_of([[-9.0], []]), np.array([[1, 0]]), None, 1)
    assert predictions_of(values, None).tolist() == [0]
    calibrated = values_of("sum", scores_of([[-9.0], [], [-1.0], []]), np.array([[1, 0]]), None, 2)
    assert predictions_of(calibrated, None).tolist() == [0]


def test_number_is_the_mean_of_levels_by_probability() -> None:
    values = np.log([[0.5, 0.25, 0.25], [1 / 3, 1 / 3, 1 / 3]]) + 7
    np.testing.assert_allclose(predictions_of(values, [0.0, 1.0, 4.0]), [1.25, 5 / 3])
    np.testing.assert_allclose(shares(np.array([[-np.inf, -np.inf], [-900.0, -np.inf]])), [[0.5, 0.5], [1, 0]])


@pytest.mark.parametrize("forms", [1, 2])
def test_answer_that_a_row_lacks_never_wins(forms: int) -> None:
    """The first row has two answers, the second three; a form without content asks about as many again."""
    logs = [[-9.0], [-8.0]] * forms + [[-3.0], [-2.0], [-1.0]] * forms
    values = values_of("sum", scores_of(logs), np.array([[1, 1, -1], [1, 1, 1]]), None, forms)
    assert values[0, 2] == -np.inf or np.isnan(values[0, 2])
    if forms == 1:
        assert values.tolist() == [[-9, -8, -np.inf], [-3, -2, -1]]
    assert predictions_of(values, None)[0] != 2
