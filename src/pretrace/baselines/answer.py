"""The answers of a baseline, and the choice among its settings on dev."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from pretrace.schemas.baselines import Candidate


@dataclass(frozen=True)
class Answer:
    """Test predictions of a baseline: class or choice indices, or numbers, shape (rows,)."""

    predictions: np.ndarray
    candidates: list[Candidate] = field(default_factory=list)
    """All settings that were tried, with their scores on dev."""
    train_rows: int | None = None
    """Training rows that were used, if not all."""


def best(candidates: list[Candidate]) -> int:
    """Return the position of the first candidate that is best on dev."""
    return int(np.argmax([candidate.dev for candidate in candidates]))
