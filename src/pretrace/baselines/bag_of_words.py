"""A bag of words (scikit-learn): TF-IDF over words and pairs of words with logistic regression.

For numbers it is ridge regression. Its regularization is chosen on the dev rows. Of a pair it has both parts, their
difference and what they share.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from pretrace.baselines.answer import Answer, best
from pretrace.schemas.baselines import Candidate
from pretrace.tasks.dataset import Row, TaskData
from pretrace.tasks.kinds import KINDS
from pretrace.tasks.metrics import score
from pretrace.tasks.passages import generator_for

STRENGTHS = (0.1, 1.0, 10.0, 100.0)
"""Inverse strengths of regularization that are tried."""
MOST_WORDS, MOST_FEATURES = 5_000_000, 100_000
"""Words of training text for the bag of words, a context counted once per choice; and the words and pairs of words that
are its features, the most frequent ones. Together they keep it below a gigabyte and some minutes. Of the published
tasks QQP, MNLI, SNLI and RACE have more words; rows are drawn at random."""


def bag_of_words(task: TaskData) -> Answer | None:
    """Return the answers of the bag of words; None if no word occurs twice."""
    import sklearn.linear_model  # noqa: F401  (before the limit, which applies to loaded libraries)
    from sklearn.feature_extraction.text import TfidfVectorizer
    from threadpoolctl import threadpool_limits

    rows = {**task.splits, "train": _limited(task.splits["train"])}
    train, labels = rows["train"], {split: np.array([row.label for row in rows[split]]) for split in rows}
    vectorizer = TfidfVectorizer(
        token_pattern=r"\S+",
        ngram_range=(1, 2),
        min_df=2,
        max_features=MOST_FEATURES,
        sublinear_tf=True,
        lowercase=False,
    )
    try:
        vectorizer.fit(part for row in train for part in row.parts)
    except ValueError:  # no word is in two texts, so words predict nothing
        return None
    features = {split: _features(vectorizer, rows[split], KINDS[task.kind].symmetric) for split in rows}
    with threadpool_limits(1):  # several threads take three times as long: they wait for each other
        predictions, candidates = _best(task, features, labels)
    return Answer(predictions, candidates, len(train) if len(train) < len(task.splits["train"]) else None)


def _limited(rows: list[Row]) -> list[Row]:
    """Return as many rows as have `MOST_WORDS`."""
    words = np.array([sum(len(part.split()) for part in row.parts[1:]) for row in rows])
    words += np.array([len(row.parts[0].split()) * max(1, len(row.parts) - 1) for row in rows])
    if words.sum() <= MOST_WORDS:
        return rows
    order = generator_for("baselines").permutation(len(rows))
    kept = order[: max(1, int(np.searchsorted(np.cumsum(words[order]), MOST_WORDS)))]
    return [rows[i] for i in np.sort(kept)]


def _best(
    task: TaskData, features: dict[str, Any], labels: dict[str, np.ndarray]
) -> tuple[np.ndarray, list[Candidate]]:
    """Return test predictions with the strength that is best on dev, and how all did there."""
    from sklearn.linear_model import LogisticRegression, Ridge

    kind = KINDS[task.kind]
    choices = len(task.splits["train"][0].parts) - 1 if kind.chooses else 0
    models, candidates = [], []
    for strength in STRENGTHS:
        if kind.numeric:
            model = Ridge(alpha=1 / strength, solver="lsqr").fit(features["train"], labels["train"])
        else:
            target = np.eye(choices, dtype=int)[labels["train"]].reshape(-1) if choices else labels["train"]
            model = LogisticRegression(C=strength, max_iter=300).fit(features["train"], target)
        dev = score(task.metric, labels["dev"], _predict(model, features["dev"], choices))
        models.append(model)
        candidates.append(Candidate(settings={"C": strength}, dev=round(dev, 6)))
    return _predict(models[best(candidates)], features["test"], choices), candidates


def _predict(model: Any, features: Any, choices: int) -> np.ndarray:
    if choices:
        return model.decision_function(features).reshape(-1, choices).argmax(1)
    return model.predict(features)


def _features(vectorizer: Any, rows: list[Row], symmetric: bool) -> Any:
    """Return a sparse matrix with a row for each example, or for each choice."""
    from scipy.sparse import csr_matrix, hstack

    pairs = [(row.parts[0], other) for row in rows for other in row.parts[1:]]
    if not pairs:
        return vectorizer.transform(row.parts[0] for row in rows)
    a = vectorizer.transform(first for first, _ in pairs)
    b = vectorizer.transform(second for _, second in pairs)
    shared = a.multiply(b)
    parts = [abs(a - b), shared, csr_matrix(shared.sum(1))]
    return hstack(([a + b] if symmetric else [a, b]) + parts).tocsr()
