"""Every task that has a heuristic, by every pre-trained model: test scores without fine-tuning (Figure 2, right)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

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
from pretrace.model import LanguageModel
from pretrace.schemas.record import read_record
from pretrace.schemas.tasks import TaskRecord
from pretrace.schemas.zero_shot import ScoreAtStep, ZeroShotScore
from pretrace.settings import Heuristic, Settings, Task
from pretrace.tasks.metrics import score as metric_score
from pretrace.tasks.metrics import standard_error
from pretrace.tokens import Vocabulary
from pretrace.training.engine.device import Device


@dataclass(frozen=True)
class ZeroShotTask:
    """A task as questions to a language model; those of `dev` only where a threshold is chosen on them."""

    heuristic: Heuristic
    metric: str
    high: int
    """The class that high scores stand for, where there are two."""
    numbers: np.ndarray
    """Positions of the test rows in their split, from 0."""
    labels: dict[str, np.ndarray]
    questions: dict[str, list[Question]]

    @property
    def choices(self) -> int:
        """Classes or choices of a row."""
        return 2 if self.heuristic == "acceptability" else len(self.questions["test"]) // len(self.numbers)


def read_tasks(settings: Settings, folder: Path, vocabulary: Vocabulary) -> dict[str, ZeroShotTask]:
    """Return the tasks in `folder` (data/tasks) that have a heuristic, by name.

    Raises:
        PretraceError: a task's rows are missing or damaged, or are not what its heuristic takes.
    """
    tasks = {}
    for name, task in settings.tasks.items():
        record = read_record(folder / name / "task.json", TaskRecord)
        if record.zero_shot and not record.unavailable:
            tasks[name] = _read_task(name, task, record, folder / name, settings.zero_shot.rows, vocabulary)
    return tasks


def _read_task(
    name: str, task: Task, record: TaskRecord, folder: Path, limit: int | None, vocabulary: Vocabulary
) -> ZeroShotTask:
    heuristic = record.zero_shot
    assert heuristic
    high = class_of_high_scores(name, heuristic, record.labels, task.positive)
    splits = ("dev", "test") if heuristic == "acceptability" else ("test",)
    rows = {split: read_rows(folder, split, limit) for split in splits}
    return ZeroShotTask(
        heuristic,
        record.metric,
        high,
        np.array([row.number for row in rows["test"]]),
        {split: np.array([row.label for row in part]) for split, part in rows.items()},
        {
            split: [question for row in part for question in questions_of(heuristic, row, high, vocabulary)]
            for split, part in rows.items()
        },
    )


@dataclass(frozen=True)
class ZeroShotResult:
    """The predictions of a model for the test rows of a task, and their score."""

    predictions: np.ndarray
    score: float
    threshold: float | None
    cut: int
    """Questions that lost their beginning to fit the context."""


def evaluate(model: LanguageModel, task: ZeroShotTask, device: Device) -> ZeroShotResult:
    """Return a model's predictions for a task; a threshold is chosen on the dev rows for this model."""
    values: dict[str, np.ndarray] = {}
    scores: dict[str, Scores] = {}
    for split, questions in task.questions.items():
        scores[split] = score_questions(model, questions, device)
        values[split] = values_of(task.heuristic, scores[split], len(task.labels[split]))
    threshold = None
    if task.heuristic == "acceptability":
        threshold = best_threshold(task.metric, values["dev"], task.labels["dev"], task.high)
    predictions = predictions_of(values["test"], task.high, threshold)
    reached = metric_score(task.metric, task.labels["test"], predictions)
    return ZeroShotResult(predictions, reached, threshold, scores["test"].cut)


def task_report(task: ZeroShotTask, results: dict[int, ZeroShotResult]) -> ZeroShotScore:
    """Return the entry of reports/zeroshot.json for a model on a task, given its results by optimizer step."""
    final, labels = list(results.values())[-1], task.labels["test"]
    return ZeroShotScore(
        heuristic=task.heuristic,
        metric=task.metric,
        score=round(final.score, 6),
        stderr=round(standard_error(task.metric, labels, final.predictions), 6),
        chance=round(chance(task.metric, labels, task.choices), 6),
        n=len(labels),
        cut=final.cut,
        threshold=final.threshold,
        updates=[ScoreAtStep(step=step, score=round(result.score, 6)) for step, result in results.items()],
    )
