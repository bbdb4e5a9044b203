"""Columns of a table without a difference, or with a known one: what the statistics are tested on.

A row is right with a probability that depends on its document (for each column in a way of its own, as models differ in
what they find easy), on the column's pre-training and on its seed; the rows' own difficulty is common to all columns.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pretrace.report.predictions import Predictions, TaskPredictions
from pretrace.report.statistics.task_scores import TaskScores

PER_DOCUMENT = 4


@dataclass(frozen=True)
class Column:
    """How a column is drawn; spreads in shares of 1."""

    name: str
    seeds: int = 3
    """0 for a single fit."""
    pretrainings: int = 0
    level: float = 0.6
    seed_spread: float = 0.01
    pretraining_spread: float = 0.0
    document_spread: float = 0.15


def draw_tasks(
    random: np.random.Generator, columns: Sequence[Column], tasks: int = 1, rows: int = 400
) -> dict[str, TaskScores]:
    """Return tasks whose rows are from the same documents, and whose pre-trainings are common."""
    documents_N = np.arange(rows) // PER_DOCUMENT
    starts = {c.name: random.normal(0, c.pretraining_spread, max(1, c.pretrainings)) for c in columns}
    scores = {}
    for number in range(tasks):
        hard_N = random.random(rows)
        drawn = {column.name: _draw(random, column, hard_N, documents_N, starts[column.name]) for column in columns}
        texts = [f"document {document}" for document in documents_N]
        task = TaskPredictions(np.ones(rows, int), [["text"]] * rows, texts, drawn)
        scores[f"task {number}"] = TaskScores("accuracy", task, documents_N, {}, balanced=False)
    return scores


def _draw(
    random: np.random.Generator, column: Column, hard_N: np.ndarray, documents_N: np.ndarray, starts: np.ndarray
) -> Predictions:
    own_N = random.normal(0, column.document_spread, documents_N.max() + 1)[documents_N]
    runs = [(start, seed) for start in range(len(starts)) for seed in range(max(1, column.seeds))]
    # The rows' difficulty is common; a tenth of the rows is answered anew by each fine-tuning.
    right = []
    for start, _ in runs:
        level = column.level + starts[start] + random.normal(0, column.seed_spread if column.seeds else 0.0)
        noise_N = np.where(random.random(len(hard_N)) < 0.1, random.random(len(hard_N)), hard_N)
        right.append((noise_N < level + own_N).astype(int))
    seeds: list[int | None] = [seed if column.seeds else None for _, seed in runs]
    pretrained = [start for start, _ in runs] if column.pretrainings else []
    return Predictions(np.arange(len(hard_N)), np.array(right), seeds, None, pretrained)
