"""Test rows that a model gets wrong, the most confident errors first: what to read to learn where a score ends."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pretrace.report.predictions import Predictions, TaskPredictions

SHOWN = 10
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True)
class ErrorRow:
    """A test row with a wrong prediction."""

    row: int
    """Number of the test row, from 0."""
    parts: list[str]
    label: str
    prediction: str
    confidence: float | None
    """Probability of the prediction; None for a regression."""


@dataclass(frozen=True)
class TaskErrors:
    """The errors of a variant with one seed."""

    variant: str
    wrong: int | None
    """Number of wrong rows; None for a regression, where hardly a prediction is exact."""
    of: int
    """Number of rows."""
    rows: list[ErrorRow]
    """At most ten: those of the most confident predictions; of a regression those furthest off."""


def find_errors(task: TaskPredictions, variant: str, labels: list[str] | None, seed: int | None = None) -> TaskErrors:
    """Return the wrong predictions of a variant with one seed: its first one if none is named."""
    column = task.columns[variant]
    index = column.seeds.index(seed) if seed in column.seeds else 0
    predicted_N, labels_N = column.predictions_SN[index], task.labels_N[column.rows_N]
    if np.issubdtype(labels_N.dtype, np.floating):
        order = np.argsort(-np.abs(predicted_N - labels_N), kind="stable")[:SHOWN]
        rows = [_row(task, column, i, f"{labels_N[i]:g}", f"{predicted_N[i]:.2f}", None) for i in order]
        return TaskErrors(variant, None, len(labels_N), rows)
    wrong = np.flatnonzero(predicted_N != labels_N)
    confidence_N = _confidence(column, index)
    order = wrong[np.argsort(-confidence_N[wrong], kind="stable")[:SHOWN]]
    known = column.probabilities_SN is not None

    def name(value: float) -> str:
        return labels[int(value)] if labels else LETTERS[int(value)]

    rows = [
        _row(task, column, i, name(labels_N[i]), name(predicted_N[i]), float(confidence_N[i]) if known else None)
        for i in order
    ]
    return TaskErrors(variant, len(wrong), len(labels_N), rows)


def _confidence(column: Predictions, index: int) -> np.ndarray:
    """Return the probability of each prediction, shape (N,); zeros where the column has none."""
    if column.probabilities_SN is None:
        return np.zeros(len(column.rows_N))
    probabilities_N = column.probabilities_SN[index]
    return np.array([row[int(p)] for row, p in zip(probabilities_N, column.predictions_SN[index], strict=True)])


def _row(
    task: TaskPredictions, column: Predictions, i: int, label: str, prediction: str, confidence: float | None
) -> ErrorRow:
    number = int(column.rows_N[i])
    return ErrorRow(number, task.parts[number], label, prediction, confidence)
