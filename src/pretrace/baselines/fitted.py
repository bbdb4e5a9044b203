"""Models that are fitted on the training rows: linear ones of many features, and a threshold or line of one.

Features are matrices with a row for each example, or for each choice, by split.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from pretrace.baselines.answer import Trial, labels_of
from pretrace.tasks.rows.dataset import TaskData, choices_there
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tasks.rows.metrics import score

STRENGTHS = (0.1, 1.0, 10.0, 100.0)
"""Inverse strengths of regularization that are tried."""
THRESHOLDS = 200
"""Most thresholds that are tried: quantiles of the training rows' values."""

Settings = dict[str, str | int | float]


def choices_of(task: TaskData) -> int:
    """Return the number of choices of a row; 0 for a task without choices."""
    return len(task.splits["train"][0].parts) - 1 if KINDS[task.kind].chooses else 0


def linear_trials(
    task: TaskData, features: Mapping[str, Any], settings: Settings, train: np.ndarray | None = None
) -> Iterator[Trial]:
    """Yield logistic regressions, or ridge regressions for numbers, one for each strength of regularization.

    Args:
        task: the rows.
        features: matrices of train, dev and test; any that scikit-learn takes.
        settings: how the features were made.
        train: numbers of the training rows that `features` has, if not all.
    """
    from sklearn.linear_model import LogisticRegression, Ridge
    from threadpoolctl import threadpool_limits

    labels = labels_of(task, "train")
    labels = labels if train is None else labels[train]
    choices = choices_of(task)
    for strength in STRENGTHS:
        # Several threads take three times as long: they wait for each other.
        with threadpool_limits(1):
            if KINDS[task.kind].numeric:
                model = Ridge(alpha=1 / strength, solver="lsqr").fit(features["train"], labels)
            else:
                target = np.eye(choices, dtype=int)[labels].reshape(-1) if choices else labels
                model = LogisticRegression(C=strength, max_iter=300).fit(features["train"], target)
            dev, test = (_predict(model, features[split], task, split) for split in ("dev", "test"))
        yield Trial({**settings, "C": strength}, dev, test, None if train is None else len(train))


def one_feature_trial(task: TaskData, values: Mapping[str, np.ndarray], settings: Settings) -> Trial:
    """Return a model of one value per example or choice, shape (rows,) or (rows * choices,).

    For choices it is the one of the highest value, for numbers the line of least squares, for two classes the threshold
    of the best metric on train, for more a logistic regression.
    """
    labels, choices = labels_of(task, "train"), choices_of(task)
    if choices:
        dev, test = (_chosen(values[split], task, split) for split in ("dev", "test"))
    elif KINDS[task.kind].numeric:
        line = _line(values["train"], labels)
        dev, test = (line[0] + line[1] * values[split] for split in ("dev", "test"))
    elif labels.max() <= 1:
        threshold, high = best_threshold(task.metric, values["train"], labels)
        dev, test = (np.where(values[split] >= threshold, high, 1 - high) for split in ("dev", "test"))
    else:
        scale = max(float(values["train"].std()), 1e-12)
        scaled = {split: (own - values["train"].mean())[:, None] / scale for split, own in values.items()}
        (trial,) = (one for one in linear_trials(task, scaled, settings) if one.settings["C"] == 1.0)
        dev, test = trial.dev, trial.test
    return Trial(settings, dev, test)


def best_threshold(metric: str, values: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
    """Return the first threshold with the best metric, and the class from it on, 0 or 1."""
    tried = np.unique(np.quantile(values, np.linspace(0, 1, THRESHOLDS), method="nearest"))
    pairs = [(float(threshold), high) for threshold in tried for high in (1, 0)]
    scores = [score(metric, labels, np.where(values >= threshold, high, 1 - high)) for threshold, high in pairs]
    return pairs[int(np.argmax(scores))]


def _line(values: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    centered = values - values.mean()
    squares = float(centered @ centered)
    slope = float(centered @ labels) / squares if squares else 0.0
    return float(labels.mean() - slope * values.mean()), slope


def _predict(model: Any, features: Any, task: TaskData, split: str) -> np.ndarray:
    if KINDS[task.kind].chooses:
        return _chosen(model.decision_function(features), task, split)
    return model.predict(features)


def _chosen(values: np.ndarray, task: TaskData, split: str) -> np.ndarray:
    """Return the choice of the highest value of each row of a split."""
    there = choices_there(task.splits[split])
    return np.where(there, values.reshape(there.shape), -np.inf).argmax(1)
