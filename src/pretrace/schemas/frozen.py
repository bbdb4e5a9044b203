"""Frozen pre-trained models with a linear classifier: their scores on a task."""

from __future__ import annotations

from pretrace.schemas.baselines import BaselineScore
from pretrace.schemas.record import Record


class FrozenReport(Record):
    """A task by linear classifiers on the states of pre-trained models."""

    unavailable: str | None
    """Why there are no rows; else null."""
    scores: dict[str, BaselineScore]
    """By pre-training (`transformer`, `transformer-seed-43`). Layer and strength of regularization were chosen on
    dev."""
