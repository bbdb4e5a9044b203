"""The baselines of a task: their predictions on its test rows, and their scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pretrace.baselines.answer import Answer, best
from pretrace.baselines.bag_of_words import bag_of_words
from pretrace.baselines.majority import constant
from pretrace.common.files import atomic_path
from pretrace.schemas.baselines import BaselineScore, BaselinesReport
from pretrace.tasks.dataset import TaskData, read_rows
from pretrace.tasks.kinds import KINDS
from pretrace.tasks.metrics import score, standard_error


def score_baselines(task_folder: Path, predictions: Path) -> BaselinesReport:
    """Read a task, write the predictions of its baselines, and return their scores.

    The file has a column for each baseline and a line for each test row, in order; neither if the task is unavailable.

    Raises:
        PretraceError: the task's files are missing or not readable.
    """
    import pandas as pd

    task = read_rows(task_folder)
    answers = {} if task.unavailable else answers_of(task)
    table = pd.DataFrame({name: answer.predictions for name, answer in answers.items()})
    with atomic_path(predictions) as temporary:
        table.to_parquet(temporary, compression="zstd", index=False)
    return BaselinesReport(unavailable=task.unavailable, baselines=scored_baselines(task, answers))


def answers_of(task: TaskData) -> dict[str, Answer]:
    """Return the answers of each baseline on the test rows, by name."""
    train = np.array([row.label for row in task.splits["train"]])
    guess = constant(train, KINDS[task.kind].numeric)
    majority = Answer(np.full(len(task.splits["test"]), guess))
    return {"majority": majority, "tfidf": bag_of_words(task) or majority}


def scored_baselines(task: TaskData, answers: dict[str, Answer]) -> dict[str, BaselineScore]:
    """Return the score of each baseline on the test rows, and what was chosen on dev."""
    return {name: _scored(task, answer) for name, answer in answers.items()}


def _scored(task: TaskData, answer: Answer) -> BaselineScore:
    test = np.array([row.label for row in task.splits["test"]])
    return BaselineScore(
        score=round(score(task.metric, test, answer.predictions), 6),
        stderr=round(standard_error(task.metric, test, answer.predictions), 6),
        chosen=answer.candidates[best(answer.candidates)] if answer.candidates else None,
        candidates=answer.candidates,
        train_rows=answer.train_rows,
    )
