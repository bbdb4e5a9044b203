"""Baselines: their scores on a task, and what was chosen on dev."""

from __future__ import annotations

from pydantic import Field

from pretrace.schemas.record import Record


class Candidate(Record):
    """One of the settings that a baseline was tried with."""

    settings: dict[str, str | int | float]
    """By name, such as the kind of terms or the strength of regularization."""
    dev: float
    """Score on the dev rows, in units of the metric."""


class BaselineScore(Record):
    """The score of a baseline on the test rows, with the settings that were best on dev."""

    score: float
    """In units of the metric (accuracy 0.5, not 50)."""
    stderr: float
    """Standard error from the draw of the test rows."""
    extra_variance: float = 0.0
    """Variance of `score` from the draw of the dev rows that chose a threshold; 0 where nothing was chosen."""
    chosen: Candidate | None = None
    """The first candidate that is best on dev; null where nothing is chosen."""
    candidates: list[Candidate] = Field(default_factory=list)
    """All that were tried, in order."""
    train_rows: int | None = None
    """Training rows that were used; null: all."""


class BaselinesReport(Record):
    """The baselines of a task."""

    unavailable: str | None
    """Why there are no rows; else null."""
    baselines: dict[str, BaselineScore]
    """By name: majority, tfidf; those that the task's format has a form for."""
