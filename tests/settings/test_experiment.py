"""Soft classes among the keys of a task."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from pretrace.settings import Task


@pytest.mark.parametrize("kind", ["classification", "entailment", "similarity", "multiple_choice"])
def test_soft_classes_are_for_regression_only(kind: str) -> None:
    with pytest.raises(ValidationError, match=f"`soft_classes` is for `kind: regression`, this task is of kind {kind}"):
        Task(kind=kind, train="a.csv", test="b.csv", soft_classes=6)


@pytest.mark.parametrize("classes", [1, 0, 2.5])
def test_soft_classes_are_at_least_two(classes: float) -> None:
    with pytest.raises(ValidationError, match="soft_classes"):
        Task(kind="regression", train="a.csv", test="b.csv", soft_classes=classes)
