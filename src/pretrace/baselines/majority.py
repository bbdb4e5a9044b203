"""The constant that is most frequent in the training rows; for numbers, their mean."""

from __future__ import annotations

import numpy as np


def majority_class(labels: np.ndarray) -> int:
    """Return the class or choice that most training rows have."""
    return int(np.bincount(labels.astype(int)).argmax())


def constant(labels: np.ndarray, numeric: bool) -> int | float:
    """Return the constant answer: the most frequent class, or the mean of numbers."""
    return float(labels.mean().round(6)) if numeric else majority_class(labels)
