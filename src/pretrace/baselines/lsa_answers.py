"""LSA vectors of the pre-training text on a task.

    one text                 its vector, with logistic regression (ridge regression for numbers)
    pairs and choices        the cosine of the parts, with a threshold or line; for choices the highest. Or what the
                             vectors share and how they differ, with logistic or ridge regression

Which of them, the number of dimensions and the strength of regularization are chosen on dev.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pretrace.baselines.answer import Answer, Trial, choose
from pretrace.baselines.fitted import linear_trials, one_feature_trial
from pretrace.baselines.lsa import Lsa, unit
from pretrace.tasks.rows.dataset import Row, TaskData

DIMENSIONS = (100, 200)
"""Numbers of dimensions that are tried, the most important ones."""


def lsa_answer(task: TaskData, lsa: Lsa) -> Answer | None:
    """Return the answers of LSA; None if it has no vectors."""
    if not lsa.words:
        return None
    vectors = {split: _vectors(rows, lsa) for split, rows in task.splits.items()}
    return choose(task, _trials(task, vectors))


def _trials(task: TaskData, vectors: dict[str, tuple[np.ndarray, ...]]) -> Iterator[Trial]:
    for dimensions in sorted({min(one, vectors["train"][0].shape[1]) for one in DIMENSIONS}):
        cut = {split: [unit(one[:, :dimensions]) for one in own] for split, own in vectors.items()}
        if len(cut["train"]) == 1:
            features = {split: own[0] for split, own in cut.items()}
            yield from linear_trials(task, features, {"feature": "vector", "dimensions": dimensions})
            continue
        products = {split: a * b for split, (a, b) in cut.items()}
        cosines = {split: both.sum(1) for split, both in products.items()}
        yield one_feature_trial(task, cosines, {"feature": "cosine", "dimensions": dimensions})
        features = {split: np.hstack([products[split], np.abs(a - b)]) for split, (a, b) in cut.items()}
        yield from linear_trials(task, features, {"feature": "products, differences", "dimensions": dimensions})


def _vectors(rows: list[Row], lsa: Lsa) -> tuple[np.ndarray, ...]:
    """Return the vectors of single texts, or of the first and the second text of each pair."""
    pairs = [(row.parts[0], other) for row in rows for other in row.parts[1:]]
    if not pairs:
        return (lsa.of_texts(row.parts[0] for row in rows),)
    return lsa.of_texts(first for first, _ in pairs), lsa.of_texts(second for _, second in pairs)
