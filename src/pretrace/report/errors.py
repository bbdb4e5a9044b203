"""Test rows that a model got wrong, those first of which it was surest: what to read to learn where a score ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from pretrace.report.predictions import Answers, TaskAnswers

SHOWN = 10
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def mistakes(task: TaskAnswers, variant: str, labels: list[str] | None, seed: int | None = None) -> dict[str, Any]:
    """Wrong answers of a variant with one seed, its first one if none is named.

    Returns:
        `wrong` and `of`, how many rows (null for a regression, where hardly an answer is exact), and `rows`: at most
        ten with `row`, `parts`, `label`, `answer` and `sure` (the probability that it gave its answer, or for a
        regression nothing). Rows of a regression are those furthest off.
    """
    answers = task.columns[variant]
    index = answers.seeds.index(seed) if seed in answers.seeds else 0
    given_N, right_N = answers.predictions_SN[index], task.labels_N[answers.rows_N]
    if np.issubdtype(right_N.dtype, np.floating):
        order = np.argsort(-np.abs(given_N - right_N), kind="stable")[:SHOWN]
        rows = [_row(task, answers, i, f"{right_N[i]:g}", f"{given_N[i]:.2f}", None) for i in order]
        return {"wrong": None, "of": len(right_N), "rows": rows}
    wrong = np.flatnonzero(given_N != right_N)
    sure_N = _sure(answers, index)
    order = wrong[np.argsort(-sure_N[wrong], kind="stable")[:SHOWN]]
    known = answers.probabilities_SN is not None
    name = (lambda value: labels[int(value)]) if labels else (lambda value: LETTERS[int(value)])
    rows = [
        _row(task, answers, i, name(right_N[i]), name(given_N[i]), float(sure_N[i]) if known else None) for i in order
    ]
    return {"wrong": len(wrong), "of": len(right_N), "rows": rows}


def _sure(answers: Answers, index: int) -> np.ndarray:
    """The probability of each answer, shape (N,); zeros where none were kept."""
    if answers.probabilities_SN is None:
        return np.zeros(len(answers.rows_N))
    shares = answers.probabilities_SN[index]
    return np.array([row[int(given)] for row, given in zip(shares, answers.predictions_SN[index], strict=True)])


def _row(task: TaskAnswers, answers: Answers, i: int, label: str, answer: str, sure: float | None) -> dict[str, Any]:
    number = int(answers.rows_N[i])
    return {"row": number, "parts": task.parts[number], "label": label, "answer": answer, "sure": sure}
