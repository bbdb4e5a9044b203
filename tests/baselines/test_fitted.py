"""Models of one feature, and the choice on dev."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, matthews_corrcoef

from pretrace.baselines.answer import Trial, choose
from pretrace.baselines.fitted import best_threshold, linear_trials, one_feature_trial
from pretrace.tasks.rows.dataset import Row, TaskData

PAIRS = st.lists(st.tuples(st.integers(-5, 5), st.integers(0, 1)), min_size=2, max_size=40)


def task_of(kind: str, metric: str, labels: list[float], parts: int = 2) -> TaskData:
    rows = [Row(("x",) * parts, label) for label in labels]
    return TaskData(kind, metric, None, dict.fromkeys(("train", "dev", "test"), rows))


@given(PAIRS, st.sampled_from(["accuracy", "matthews", "f1"]))
def test_no_other_threshold_is_better(pairs: list[tuple[int, int]], metric: str) -> None:
    values, labels = np.array(pairs, float).T
    measure = {
        "accuracy": lambda a, b: np.mean(a == b),
        "matthews": matthews_corrcoef,
        "f1": lambda a, b: f1_score(a, b, zero_division=0),
    }[metric]
    threshold, high = best_threshold(metric, values, labels.astype(int))
    found = measure(labels, np.where(values >= threshold, high, 1 - high))
    for other in values:
        for side in (0, 1):
            assert found >= measure(labels, np.where(values >= other, side, 1 - side)) - 1e-9


def test_value_of_each_kind_of_task() -> None:
    values = np.array([3.0, 1.0, 2.0, 0.0])
    by_split = dict.fromkeys(("train", "dev", "test"), values)
    numbers = one_feature_trial(task_of("regression", "pearson", [7, 3, 5, 1]), by_split, {})
    assert numbers.test == pytest.approx([7, 3, 5, 1])
    two = one_feature_trial(task_of("entailment", "accuracy", [0, 1, 0, 1]), by_split, {})
    assert two.test.tolist() == [0, 1, 0, 1]
    choices = one_feature_trial(task_of("multiple_choice", "accuracy", [0, 0], parts=3), by_split, {})
    assert choices.test.tolist() == [0, 0]
    many = np.repeat([0.0, 1.0, 2.0], 20)
    three = task_of("entailment", "accuracy", many.astype(int).tolist())
    found = one_feature_trial(three, dict.fromkeys(by_split, many), {})
    assert set(found.test[:20]) == {0} and set(found.test[-20:]) == {2}


def test_empty_choice_at_the_end_of_a_row_is_never_chosen() -> None:
    rows = [Row(("x", "a", "b", ""), 0), Row(("x", "a", "b", "c"), 2)]
    task = TaskData("multiple_choice", "accuracy", None, dict.fromkeys(("train", "dev", "test"), rows))
    by_split = dict.fromkeys(task.splits, np.array([1.0, 2.0, 3.0, 1.0, 2.0, 3.0]))
    assert one_feature_trial(task, by_split, {}).test.tolist() == [1, 2]
    for trial in linear_trials(task, dict.fromkeys(task.splits, np.eye(6)), {}):
        assert trial.test[0] != 2


def test_constant_value_tells_nothing() -> None:
    by_split = dict.fromkeys(("train", "dev", "test"), np.ones(4))
    found = one_feature_trial(task_of("regression", "pearson", [7, 3, 5, 1]), by_split, {})
    assert found.test.tolist() == [4, 4, 4, 4]


def test_dev_chooses_and_test_does_not() -> None:
    task = task_of("classification", "accuracy", [0, 1, 1, 0], parts=1)
    right, wrong = np.array([0, 1, 1, 0]), np.array([1, 0, 0, 1])
    answer = choose(
        task, [Trial({"C": 1}, wrong, right), Trial({"C": 2}, right, wrong, 3), Trial({"C": 3}, right, right)]
    )
    assert answer.predictions.tolist() == wrong.tolist()
    assert answer.train_rows == 3
    assert [one.dev for one in answer.candidates] == [0, 1, 1]
