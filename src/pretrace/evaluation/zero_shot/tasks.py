"""Every task that has a heuristic, by every pre-trained model: test scores without fine-tuning (Figure 2, right)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from pretrace.corpus import Gpt1Words
from pretrace.evaluation.log_likelihood import Question, Scores, score_questions
from pretrace.evaluation.task_rows import TextRow, read_rows
from pretrace.evaluation.zero_shot.heuristics import (
    FORMS,
    WITH_THRESHOLD,
    Form,
    chance,
    harmonic_mean,
    predictions_of,
    questions_of,
    values_of,
)
from pretrace.evaluation.zero_shot.threshold import LabeledValues, best_threshold, threshold_variance
from pretrace.model import LanguageModel
from pretrace.schemas.record import read_record
from pretrace.schemas.tasks import TaskRecord
from pretrace.schemas.zero_shot import ScoreAtStep, ZeroShotScore
from pretrace.settings import HEURISTIC_COLUMNS, Heuristic, Settings, Task
from pretrace.tasks.rows.metrics import score as metric_score
from pretrace.tasks.rows.metrics import standard_error
from pretrace.tasks.zero_shot_class import class_of_high_values
from pretrace.tokens import Vocabulary
from pretrace.training.engine.device import Device


@dataclass(frozen=True)
class ZeroShotTask:
    """A task as questions to a language model; those of `dev` only where a threshold is chosen on them."""

    metric: str
    heuristics: dict[str, Heuristic]
    """By column of the table."""
    high: dict[str, int]
    """By column the class that high values stand for, where there are two."""
    numbers: np.ndarray
    """Positions of the test rows in their split, from 0."""
    labels: dict[str, np.ndarray]
    origins: np.ndarray
    """The document or the file's row of each dev row."""
    questions: dict[tuple[str, Form], list[Question]]
    """By split and form; what two heuristics ask is here once."""

    def choices(self, column: str) -> float:
        """Return the classes or choices of a row; the harmonic mean where rows differ."""
        heuristic = self.heuristics[column]
        if heuristic in WITH_THRESHOLD:
            return 2
        asked = np.array([len(question.asked) > 0 for question in self.questions["test", FORMS[heuristic][0]]])
        return harmonic_mean(asked.reshape(len(self.numbers), -1).sum(1))


def read_tasks(settings: Settings, folder: Path, vocabulary: Vocabulary) -> dict[str, ZeroShotTask]:
    """Return the tasks in `folder` (data/tasks) that have a heuristic, by name.

    Raises:
        PretraceError: a task's rows are missing or damaged, or are not what its heuristic takes.
    """
    tasks = {}
    words, limit = Gpt1Words(settings.text.language), settings.zero_shot.rows
    for name, task in settings.tasks.items():
        record = read_record(folder / name / "task.json", TaskRecord)
        read = partial(read_rows, folder / name, vocabulary=vocabulary, words=words)
        if record.zero_shot and not record.unavailable:
            tasks[name] = _read_task(name, task, record, read, limit, vocabulary)
    return tasks


def _read_task(
    name: str,
    task: Task,
    record: TaskRecord,
    read: Callable[[str, int | None], list[TextRow]],
    limit: int | None,
    vocabulary: Vocabulary,
) -> ZeroShotTask:
    """Return the questions of a task; `read` gives rows of a split, at most so many."""
    high = {
        HEURISTIC_COLUMNS[heuristic]: class_of_high_values(name, heuristic, record.labels, task.positive)
        for heuristic in record.zero_shot
    }
    rows = {"test": read("test", limit)}
    if any(heuristic in WITH_THRESHOLD for heuristic in record.zero_shot):
        rows["dev"] = read("dev", None)
    questions: dict[tuple[str, Form], list[Question]] = {}
    for heuristic in record.zero_shot:
        of_class = high[HEURISTIC_COLUMNS[heuristic]]
        for split in rows if heuristic in WITH_THRESHOLD else ("test",):
            for form in FORMS[heuristic]:
                if (split, form) not in questions:
                    asked = (questions_of(form, row, of_class, vocabulary) for row in rows[split])
                    questions[split, form] = [question for of_row in asked for question in of_row]
    return ZeroShotTask(
        metric=record.metric,
        heuristics={HEURISTIC_COLUMNS[heuristic]: heuristic for heuristic in record.zero_shot},
        high=high,
        numbers=np.array([row.number for row in rows["test"]]),
        labels={split: np.array([row.label for row in part]) for split, part in rows.items()},
        origins=np.array([row.origin for row in rows.get("dev", [])]),
        questions=questions,
    )


@dataclass(frozen=True)
class ZeroShotResult:
    """The predictions of a model for the test rows of a task by one heuristic, and their score."""

    predictions: np.ndarray
    score: float
    threshold: float | None
    extra_variance: float
    """Variance of the score from the draw of the dev rows that chose the threshold."""
    cut: int
    """Questions that lost their beginning to fit the context."""


def evaluate(model: LanguageModel, task: ZeroShotTask, device: Device) -> dict[str, ZeroShotResult]:
    """Return a model's predictions for a task by column; a threshold is chosen on the dev rows for this model."""
    scores = {asked: score_questions(model, questions, device) for asked, questions in task.questions.items()}
    return {column: _result(task, column, heuristic, scores) for column, heuristic in task.heuristics.items()}


def _result(
    task: ZeroShotTask, column: str, heuristic: Heuristic, scores: dict[tuple[str, Form], Scores]
) -> ZeroShotResult:
    high, threshold, extra_variance = task.high[column], None, 0.0
    values = {
        split: values_of(heuristic, [scores[split, form] for form in FORMS[heuristic]], len(labels))
        for split, labels in task.labels.items()
        if (split, FORMS[heuristic][0]) in scores
    }
    if heuristic in WITH_THRESHOLD:
        labeled = {split: LabeledValues(values[split][:, 0], task.labels[split], high) for split in values}
        threshold = best_threshold(task.metric, labeled["dev"])
        extra_variance = threshold_variance(task.metric, labeled["dev"], task.origins, labeled["test"])
    predictions = predictions_of(values["test"], high, threshold)
    reached = metric_score(task.metric, task.labels["test"], predictions)
    cut = scores["test", FORMS[heuristic][0]].cut
    return ZeroShotResult(predictions, reached, threshold, extra_variance, cut)


def task_report(task: ZeroShotTask, column: str, results: dict[int, ZeroShotResult]) -> ZeroShotScore:
    """Return the entry of reports/zeroshot/<system>.json for a model on a task, given its results by optimizer step."""
    final, labels = list(results.values())[-1], task.labels["test"]
    chosen = {} if final.threshold is None else {"extra_variance": round(final.extra_variance, 9)}
    return ZeroShotScore(
        heuristic=task.heuristics[column],
        metric=task.metric,
        score=round(final.score, 6),
        stderr=round(standard_error(task.metric, labels, final.predictions), 6),
        **chosen,
        chance=round(chance(task.metric, labels, task.choices(column)), 6),
        n=len(labels),
        cut=final.cut,
        threshold=final.threshold,
        n_dev=0 if final.threshold is None else len(task.labels["dev"]),
        updates=[ScoreAtStep(step=step, score=round(result.score, 6)) for step, result in results.items()],
    )
