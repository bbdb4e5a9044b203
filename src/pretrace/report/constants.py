"""A note where the majority of the training rows is not the best constant answer on the test rows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pretrace.report.predictions import Predictions, TaskPredictions
from pretrace.report.statistics.task_scores import TaskScores
from pretrace.schemas.baselines import BaselinesReport
from pretrace.schemas.tasks import TaskReport

MAJORITY, BEST = "majority", "best constant"


def constant_note(
    name: str, task: TaskReport, baselines: BaselinesReport, read: TaskPredictions, documents_N: np.ndarray
) -> str | None:
    """Return a sentence if a constant scores higher on test than the majority, by more than the noise; else None."""
    best = baselines.best_constant
    if best is None:
        return None
    rows_N = np.arange(len(read.labels_N))
    constant = Predictions(rows_N, np.full((1, len(rows_N)), best.answer), [None])
    columns = {MAJORITY: read.columns[MAJORITY], BEST: constant}
    scores = TaskScores(task.metric, replace(read, columns=columns), documents_N, {}, balanced=False)
    if not scores.minus(BEST, MAJORITY).difference().beyond:
        return None
    answer = f"'{task.labels[best.answer]}'" if task.labels else f"choice {best.answer}"
    tied = "; in train several classes are equally frequent, so dev decided which is the majority"
    return (
        f"{name}: the answer {answer} to every row would score {100 * best.score:.1f}, more than the majority of train "
        f"({100 * baselines.baselines[MAJORITY].score:.1f}), as the test rows have other shares of the classes"
        f"{tied * baselines.majority_is_tied}."
    )
