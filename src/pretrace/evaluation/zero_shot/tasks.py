"""Every task that has a heuristic, by every pre-trained model: test scores without fine-tuning (Figure 2, right)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from pretrace.common.files import read_json
from pretrace.evaluation.log_likelihood import Question, Scores, score_questions
from pretrace.evaluation.task_rows import read_rows
from pretrace.evaluation.zero_shot.heuristics import (
    best_threshold,
    chance,
    class_of_high_scores,
    predictions_of,
    questions_of,
    values_of,
)
from pretrace.settings import Heuristic, Settings, Task
from pretrace.tasks.metrics import score as metric_score
from pretrace.tasks.metrics import standard_error
from pretrace.tokens import Vocabulary
from pretrace.training.engine.device import Device


@dataclass(frozen=True)
class Asked:
    """A task as questions; `dev` ones only where a threshold is chosen on them."""

    heuristic: Heuristic
    metric: str
    high: int
    """The class that high scores stand for, where there are two."""
    numbers: np.ndarray
    """Of the test rows in their split, from 0."""
    labels: dict[str, np.ndarray]
    questions: dict[str, list[Question]]

    @property
    def answers(self) -> int:
        """To choose from."""
        return 2 if self.heuristic == "acceptability" else len(self.questions["test"]) // len(self.numbers)


def asked_tasks(settings: Settings, folder: Path, vocabulary: Vocabulary) -> dict[str, Asked]:
    """The tasks in `folder` (data/tasks) that have a heuristic, by name.

    Raises:
        PretraceError: a task's rows are missing or damaged, or are not what its heuristic takes.
    """
    found = {}
    for name, task in settings.tasks.items():
        note = read_json(folder / name / "task.json")
        if note["zero_shot"] and not note["unavailable"]:
            found[name] = _asked(name, task, note, folder / name, settings.zero_shot.rows, vocabulary)
    return found


def _asked(
    name: str, task: Task, note: dict[str, Any], folder: Path, limit: int | None, vocabulary: Vocabulary
) -> Asked:
    heuristic: Heuristic = note["zero_shot"]
    high = class_of_high_scores(name, heuristic, note["labels"], task.positive)
    splits = ("dev", "test") if heuristic == "acceptability" else ("test",)
    rows = {split: read_rows(folder, split, limit) for split in splits}
    return Asked(
        heuristic,
        note["metric"],
        high,
        np.array([row.number for row in rows["test"]]),
        {split: np.array([row.label for row in found]) for split, found in rows.items()},
        {
            split: [question for row in found for question in questions_of(heuristic, row, high, vocabulary)]
            for split, found in rows.items()
        },
    )


@dataclass(frozen=True)
class Answered:
    """What a model answers to the test rows of a task."""

    predictions: np.ndarray
    score: float
    threshold: float | None
    cut: int
    """Questions that lost their beginning to fit the context."""


def answer(model: Any, task: Asked, device: Device) -> Answered:
    """Ask a model all of a task; where there is a threshold, it is chosen on the dev rows for this very model."""
    values: dict[str, np.ndarray] = {}
    found: dict[str, Scores] = {}
    for split, questions in task.questions.items():
        found[split] = score_questions(model, questions, device)
        values[split] = values_of(task.heuristic, found[split], len(task.labels[split]))
    threshold = None
    if task.heuristic == "acceptability":
        threshold = best_threshold(task.metric, values["dev"], task.labels["dev"], task.high)
    predictions = predictions_of(values["test"], task.high, threshold)
    return Answered(
        predictions, metric_score(task.metric, task.labels["test"], predictions), threshold, found["test"].cut
    )


def report_of(task: Asked, updates: dict[int, Answered]) -> dict[str, Any]:
    """What reports/zeroshot.json says of a model on a task, given its answers after each number of updates."""
    final, labels = list(updates.values())[-1], task.labels["test"]
    return {
        "heuristic": task.heuristic,
        "metric": task.metric,
        "score": round(final.score, 6),
        "stderr": round(standard_error(task.metric, labels, final.predictions), 6),
        "chance": round(chance(task.metric, labels, task.answers), 6),
        "n": len(labels),
        "cut": final.cut,
        "threshold": final.threshold,
        "updates": [{"step": step, "score": round(found.score, 6)} for step, found in updates.items()],
    }
