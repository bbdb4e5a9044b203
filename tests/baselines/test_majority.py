"""Constants: the most frequent class, ties by dev, and the best one on test."""

from __future__ import annotations

import pytest

from pretrace.baselines.majority import best_constant, majority
from pretrace.tasks.rows.dataset import Row, TaskData


def task_of(train: str, dev: str, test: str, kind: str = "classification", metric: str = "accuracy") -> TaskData:
    splits = {"train": train, "dev": dev, "test": test}
    return TaskData(kind, metric, None, {s: [Row(("x",), int(one)) for one in labels] for s, labels in splits.items()})


@pytest.mark.parametrize(
    ("train", "dev", "expected"),
    [
        ("0111", "000", (1, False)),
        ("0011", "011", (1, True)),  # SciTail: train is even
        ("0011", "01", (0, True)),
        ("2211", "0002", (2, True)),  # 0 is more frequent in dev, but is not among the tied
    ],
)
def test_ties_are_broken_by_dev_then_by_the_order(train: str, dev: str, expected: tuple[int, bool]) -> None:
    assert majority(task_of(train, dev, "0")) == expected


def test_majority_of_numbers_is_their_mean() -> None:
    assert majority(task_of("0033", "0", "0", "regression", "pearson")) == (1.5, False)


@pytest.mark.parametrize(("metric", "expected"), [("accuracy", 1), ("matthews", 0), ("f1", 1)])
def test_best_constant_is_that_of_test(metric: str, expected: int) -> None:
    assert best_constant(task_of("0001", "0", "0111", metric=metric)) == expected


def test_numbers_have_no_best_constant() -> None:
    assert best_constant(task_of("0123", "0", "0123", "regression", "pearson")) is None
