"""Baselines, linear classifiers on frozen states among them: their scores on a task, and what was chosen on dev."""

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


class BestConstant(Record):
    """A constant answer, chosen on the test rows themselves: to see how far a majority can be from it."""

    answer: int
    """Index of the class or choice."""
    score: float
    """On the test rows, in units of the metric."""


class SeenRows(Record):
    """Test rows of which at least half of the runs of eight words are in the pre-training text."""

    rows: int
    of: int
    """Test rows with such a run."""
    too_short: int
    """Test rows without one."""


class BaselinesReport(Record):
    """The baselines of a task."""

    unavailable: str | None
    """Why there are no rows; else null."""
    baselines: dict[str, BaselineScore]
    """By name: majority, tfidf, ngram, lsa; without those that have no form for the task."""
    majority_is_tied: bool = False
    """True if several classes are equally frequent in train, so that dev decided which is the majority."""
    best_constant: BestConstant | None = None
    """The best constant answer on the test rows; null for numbers, and without rows."""
    seen: SeenRows | None = None
    """Test rows that are in the pre-training text; null without rows."""


class FrozenReport(Record):
    """A task by linear classifiers on the states of pre-trained models."""

    unavailable: str | None
    """Why there are no rows; else null."""
    scores: dict[str, BaselineScore]
    """By pre-training (`transformer`, `transformer-seed-43`). Layer and strength of regularization were chosen on
    dev."""


class TextModelsReport(Record):
    """The models of the pre-training text without a network."""

    tokens: int
    """Tokens of the n-gram model."""
    tokens_of: int
    """Tokens of the training text."""
    ngrams: list[int]
    """Different n-grams by order, from 1."""
    passages: int
    """Passages of LSA."""
    words: int
    """Words that have a vector."""
    dimensions: int
    """Dimensions of a vector."""
