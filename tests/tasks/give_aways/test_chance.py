"""Scores and their chance, against the metrics themselves and against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from pretrace.tasks.give_aways.chance import above_chance, above_equal_shares, holm
from pretrace.tasks.rows.metrics import score


@pytest.mark.parametrize("metric", ["accuracy", "matthews", "f1", "pearson", "spearman"])
def test_score_is_that_of_the_metric_and_chance_that_of_shuffled_answers(metric: str) -> None:
    random = np.random.default_rng(0)
    labels = random.integers(0, 2, 400)
    answers = np.where(random.random(400) < 0.3, labels, random.random(400) < 0.3).astype(int)
    found = above_chance(metric, labels, answers, [str(i) for i in range(400)])
    assert found.score == pytest.approx(score(metric, labels, answers))
    shuffled = [score(metric, labels, random.permutation(answers)) for _ in range(300)]
    assert found.chance == pytest.approx(np.mean(shuffled), abs=0.01)
    assert found.stderr == pytest.approx(np.std(shuffled), rel=0.25)
    assert found.p == pytest.approx(norm.sf((found.score - found.chance) / found.stderr))


def test_repeated_rows_of_a_document_count_once() -> None:
    random = np.random.default_rng(1)
    labels, answers = random.integers(0, 2, (2, 100))
    one = above_chance("accuracy", labels, answers, [str(i) for i in range(100)])
    again = above_chance("accuracy", np.repeat(labels, 4), np.repeat(answers, 4), [str(i // 4) for i in range(400)])
    assert again == pytest.approx(one)


@pytest.mark.parametrize("metric", ["accuracy", "matthews", "f1", "pearson", "spearman"])
def test_one_answer_for_all_is_not_above_chance(metric: str) -> None:
    found = above_chance(metric, np.array([0, 1, 1, 1]), np.ones(4, int), list("abcd"))
    assert found.score == pytest.approx(score(metric, np.array([0, 1, 1, 1]), np.ones(4, int)))
    assert found.p >= 0.5


def test_position_is_compared_with_equal_shares() -> None:
    found = above_equal_shares(np.array([2, 2, 2, 0]), np.array([2, 2, 1]), 4, list("abcd"))
    assert (found.score, found.chance) == (0.75, 0.25)


def test_holm_is_the_textbooks() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
