"""The mean score of each column on a task, and the differences between two, from the predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from pretrace.report.predictions import TaskPredictions
from pretrace.report.statistics.documents import moves
from pretrace.report.statistics.estimates import Estimate, estimate, minus
from pretrace.tasks.rows.metrics import score


class DocumentNumbers:
    """A number for each document, the same in all tasks, as tasks may have rows of the same documents."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def of(self, task: str, documents: list[str]) -> np.ndarray:
        """Return the numbers of a task's rows; where all are of one document, a row is the unit."""
        if len(set(documents)) < 2:
            documents = [f"{task}: row {row}" for row in range(len(documents))]
        return np.array([self._numbers.setdefault(name, len(self._numbers)) for name in documents])


class TaskScores:
    """The columns' scores on the test rows of one task."""

    def __init__(
        self,
        metric: str,
        task: TaskPredictions,
        documents_N: np.ndarray,
        extra_variance: Mapping[str, float],
        balanced: bool,
    ) -> None:
        """See `pretrace.report.statistics.documents.moves` for `balanced`, and `DocumentNumbers` for the documents."""
        self._metric, self._task, self._documents_N = metric, task, documents_N
        self._extra_variance, self._balanced = extra_variance, balanced
        self._known: dict[tuple[str, bytes], Estimate] = {}

    def mean(self, column: str) -> Estimate:
        """Return a column's mean over its fine-tunings, on all rows that it has predicted."""
        return self._on(column, self._task.columns[column].rows_N)

    def on_rows(self, column: str, rows_N: np.ndarray) -> tuple[Estimate, Estimate]:
        """Return a column's mean on some of its rows, ascending, and the difference from that on all of them.

        The difference is of the same fine-tunings on the same documents, so what moves both scores alike cancels out.
        """
        part, whole = self._on(column, rows_N), self.mean(column)
        own = self._task.columns[column]
        of_part, of_whole = self._scores(column, rows_N), self._scores(column, own.rows_N)
        paired = [a - b for a, b in zip(of_part, of_whole, strict=True)]
        difference = minus(part, whole)
        # The draws of the seeds and of the threshold are the same in both scores.
        seeds = estimate(paired, own.pretrain_seeds or [None] * len(paired), difference.documents_G, difference.moves_G)
        return part, replace(seeds, freedom=difference.freedom)

    def rows(self, column: str) -> np.ndarray:
        """Return the numbers of the test rows that a column has predicted."""
        return self._task.columns[column].rows_N

    @property
    def documents(self) -> list[str]:
        """For each test row the document that it is from."""
        return self._task.documents

    def longest_part(self, row: int) -> int:
        """Return the words of a test row's longest text."""
        return max(len(part.split()) for part in self._task.parts[row])

    def minus(self, one: str, other: str) -> Estimate:
        """Return the difference of two means, on the rows that both have predicted."""
        rows_N = np.intersect1d(self._task.columns[one].rows_N, self._task.columns[other].rows_N)
        return minus(self._on(one, rows_N), self._on(other, rows_N))

    def is_one_draw(self, column: str) -> bool:
        """Return whether a column that depends on a seed has but one."""
        seeds = self._task.columns[column].seeds
        return len(seeds) == 1 and seeds[0] is not None

    def _on(self, column: str, rows_N: np.ndarray) -> Estimate:
        key = (column, rows_N.tobytes())
        if key not in self._known:
            self._known[key] = self._estimate(column, rows_N)
        return self._known[key]

    def _estimate(self, column: str, rows_N: np.ndarray) -> Estimate:
        own, labels_N = self._task.columns[column], self._task.labels_N[rows_N]
        predictions_SN = self._predictions(column, rows_N)
        documents_G, codes_N = np.unique(self._documents_N[rows_N], return_inverse=True)
        moved = [moves(self._metric, labels_N, values_N, codes_N, self._balanced) for values_N in predictions_SN]
        return estimate(
            self._scores(column, rows_N),
            own.pretrain_seeds or [None] * len(predictions_SN),
            documents_G,
            np.mean(moved, axis=0),
            self._extra_variance.get(column, 0.0),
        )

    def _predictions(self, column: str, rows_N: np.ndarray) -> np.ndarray:
        own = self._task.columns[column]
        return own.predictions_SN[:, np.searchsorted(own.rows_N, rows_N)]

    def _scores(self, column: str, rows_N: np.ndarray) -> list[float]:
        """Return the score of each fine-tuning."""
        labels_N = self._task.labels_N[rows_N]
        return [score(self._metric, labels_N, values_N) for values_N in self._predictions(column, rows_N)]
