"""A bag of words or characters (scikit-learn): TF-IDF with logistic regression, or ridge regression for numbers.

Its terms are words and pairs of words, runs of two to five characters within words, or both; that and the strength of
regularization are chosen on the dev rows. Of a pair it has both parts, their difference and what they share.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pretrace.baselines.answer import Answer, Trial, choose
from pretrace.baselines.fitted import linear_trials
from pretrace.tasks.rows.dataset import Row, TaskData
from pretrace.tasks.rows.draws import generator_for
from pretrace.tasks.rows.kinds import KINDS

MOST_WORDS, MOST_CHARACTERS, MOST_FEATURES = 5_000_000, 2_500_000, 100_000
"""Words and characters of training text, a context counted once per choice: each gives some ten million terms; and the
features of either sort, the most frequent ones. Together they keep it below two gigabytes and some minutes. Of the
published tasks QQP, MNLI, SNLI and RACE have more; rows are drawn at random."""


@dataclass(frozen=True)
class Bag:
    """Features of one sort of terms."""

    terms: str
    train: np.ndarray
    """Numbers of the training rows that have features, ascending."""
    features: dict[str, Any]
    """By split: a sparse matrix with a row for each example, or for each choice."""


def bag_of_words(task: TaskData) -> Answer | None:
    """Return the answers of the best bag on dev; None if no term is in two texts."""
    trials = [trial for bag in bags_of(task) for trial in _trials(task, bag)]
    return choose(task, trials) if trials else None


def bags_of(task: TaskData) -> list[Bag]:
    """Return the features of words, of characters, and of both; without a sort of which no term is in two texts."""
    rows = task.splits["train"]
    words = _bag(task, "words", _limited(rows, lambda text: len(text.split()), MOST_WORDS))
    characters = _bag(task, "characters", _limited(rows, len, MOST_CHARACTERS))
    both = [_both(words, characters)] if words and characters else []
    return [bag for bag in (words, characters) if bag] + both


def _trials(task: TaskData, bag: Bag) -> Iterator[Trial]:
    train = bag.train if len(bag.train) < len(task.splits["train"]) else None
    return linear_trials(task, bag.features, {"terms": bag.terms}, train)


def _bag(task: TaskData, terms: str, train: np.ndarray) -> Bag | None:
    """Return the features of words or of characters, fitted on some training rows; None if no term is in two texts."""
    import sklearn.linear_model  # noqa: F401  (before the limit on threads, which applies to loaded libraries)
    from sklearn.feature_extraction.text import TfidfVectorizer

    sort = {
        "words": {"token_pattern": r"\S+", "ngram_range": (1, 2)},
        "characters": {"analyzer": "char_wb", "ngram_range": (2, 5)},
    }[terms]
    vectorizer = TfidfVectorizer(min_df=2, max_features=MOST_FEATURES, sublinear_tf=True, lowercase=False, **sort)
    rows = {**task.splits, "train": [task.splits["train"][i] for i in train]}
    try:
        vectorizer.fit(part for row in rows["train"] for part in row.parts)
    except ValueError:
        return None
    return Bag(terms, train, {s: _features(vectorizer, rows[s], KINDS[task.kind].symmetric) for s in rows})


def _both(words: Bag, characters: Bag) -> Bag:
    """Return the features of both, on the training rows that both have: one's rows are among the other's."""
    from scipy.sparse import hstack

    train = min(words.train, characters.train, key=len)

    def of_split(bag: Bag, split: str) -> Any:
        features = bag.features[split]
        if split != "train" or len(train) == len(bag.train):
            return features
        each = features.shape[0] // len(bag.train)
        return features[(np.searchsorted(bag.train, train)[:, None] * each + np.arange(each)).reshape(-1)]

    features = {s: hstack([of_split(words, s), of_split(characters, s)]).tocsr() for s in words.features}
    return Bag("words and characters", train, features)


def _limited(rows: list[Row], length: Callable[[str], int], most: int) -> np.ndarray:
    """Return the numbers of as many rows as have `most` words or characters, always from the same order of all."""
    lengths = np.array([sum(map(length, row.parts[1:])) for row in rows])
    lengths += np.array([length(row.parts[0]) * max(1, len(row.parts) - 1) for row in rows])
    if lengths.sum() <= most:
        return np.arange(len(rows))
    order = generator_for("baselines").permutation(len(rows))
    return np.sort(order[: max(1, int(np.searchsorted(np.cumsum(lengths[order]), most)))])


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
