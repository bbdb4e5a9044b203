"""The columns of the table on the test rows that prompts were scored on."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from pretrace.common.errors import PretraceError, printable
from pretrace.report.predictions import read_predictions
from pretrace.schemas.few_shot import OtherScore
from pretrace.settings import Settings
from pretrace.tasks.rows.metrics import score, standard_error


def scores_beside(task: str, metric: str, rows_N: np.ndarray, settings: Settings, data: Path) -> dict[str, OtherScore]:
    """Return each column's score on the test rows of these numbers; none where a stage has not run, which is said."""
    try:
        read = read_predictions(task, settings, data)
    except PretraceError as error:
        print(f"pretrace: fewshot: {task}: no scores to compare with: {printable(str(error))}", file=sys.stderr)
        return {}
    labels_N, columns = read.labels_N[rows_N], {}
    for name, column in read.columns.items():
        places_N = np.searchsorted(column.rows_N, rows_N)
        if np.isin(rows_N, column.rows_N).all():
            own = [predictions_N[places_N] for predictions_N in column.predictions_SN]
            scores = [score(metric, labels_N, predictions_N) for predictions_N in own]
            stderrs = [standard_error(metric, labels_N, predictions_N) for predictions_N in own]
            columns[name] = OtherScore(
                scores=[round(one, 6) for one in scores],
                score=round(float(np.mean(scores)), 6),
                stderr=round(stderr_of_mean(scores, stderrs), 6),
            )
    return columns


def stderr_of_mean(scores: Sequence[float], stderrs: Sequence[float]) -> float:
    """Return the standard error of a mean over draws on the same rows: that of the rows stays, however many there are.

    Args:
        scores: of each draw (of examples, or of a seed).
        stderrs: of each score, from the draw of the rows.
    """
    of_rows = float(np.mean(np.square(stderrs)))
    of_draws = float(np.var(scores, ddof=1)) / len(scores) if len(scores) > 1 else 0.0
    return (of_rows + of_draws) ** 0.5
