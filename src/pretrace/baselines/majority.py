"""Constant answers: the most frequent class of the training rows, or the mean of numbers; and the best one on test."""

from __future__ import annotations

import numpy as np

from pretrace.baselines.answer import labels_of
from pretrace.tasks.rows.dataset import TaskData
from pretrace.tasks.rows.kinds import KINDS
from pretrace.tasks.rows.metrics import score


def majority(task: TaskData) -> tuple[int | float, bool]:
    """Return the constant, and True if several classes are equally frequent in train.

    Such a tie is broken by dev, and if that is tied, too, by the order of the classes.
    """
    train = labels_of(task, "train")
    if KINDS[task.kind].numeric:
        return float(train.mean().round(6)), False
    counts = np.bincount(train)
    tied = np.flatnonzero(counts == counts.max())
    dev = np.bincount(labels_of(task, "dev"), minlength=len(counts))
    return int(tied[dev[tied].argmax()]), len(tied) > 1


def best_constant(task: TaskData) -> int | None:
    """Return the class or choice that, as the answer to every test row, scores highest; None for numbers.

    It is no baseline, as it looks at test: a majority far below it says that train and test have other shares.
    """
    if KINDS[task.kind].numeric:
        return None
    labels = labels_of(task, "test")
    constants = range(int(max(labels.max(), labels_of(task, "train").max())) + 1)
    return max(constants, key=lambda constant: score(task.metric, labels, np.full(len(labels), constant)))
