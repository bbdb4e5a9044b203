"""The answers of a baseline, and the choice among its settings on dev."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from pretrace.schemas.baselines import Candidate
from pretrace.tasks.rows.dataset import TaskData
from pretrace.tasks.rows.metrics import score


@dataclass(frozen=True)
class Trial:
    """A model with its settings, fitted on train: its predictions on dev and on test."""

    settings: dict[str, str | int | float]
    dev: np.ndarray
    test: np.ndarray
    train_rows: int | None = None
    """Training rows that were used, if not all."""


@dataclass(frozen=True)
class Answer:
    """Test predictions of a baseline: class or choice indices, or numbers, shape (rows,)."""

    predictions: np.ndarray
    candidates: list[Candidate] = field(default_factory=list)
    """All settings that were tried, with their scores on dev."""
    train_rows: int | None = None
    """Training rows that were used, if not all."""


def labels_of(task: TaskData, split: str) -> np.ndarray:
    """Return the labels of a split, shape (rows,)."""
    return np.array([row.label for row in task.splits[split]])


def best(candidates: list[Candidate]) -> int:
    """Return the position of the first candidate that is best on dev."""
    return int(np.argmax([candidate.dev for candidate in candidates]))


def choose(task: TaskData, trials: Iterable[Trial]) -> Answer:
    """Return the test predictions of the trial that is best on dev; test chooses nothing."""
    labels, tried = labels_of(task, "dev"), list(trials)
    candidates = [Candidate(settings=t.settings, dev=round(score(task.metric, labels, t.dev), 6)) for t in tried]
    chosen = tried[best(candidates)]
    return Answer(chosen.test.round(6), candidates, chosen.train_rows)
