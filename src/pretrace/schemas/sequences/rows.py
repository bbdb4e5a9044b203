"""Rows of tasks from text to text."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pretrace.schemas.record import Record


class SequenceTaskRecord(Record):
    """Facts about the rows of a task."""

    metrics: list[str]
    """Names of the task's metrics; the first is that of the table."""
    rows: dict[str, int]
    """Number of rows by split."""
    unavailable: str | None = None
    """Why there are no rows."""
    details: dict[str, Any] = Field(default_factory=dict)
    """Numbers about the rows."""


class SequenceExample(Record):
    """A test row."""

    source: str
    target: str
    """The first of its accepted answers."""


class SequenceTaskReport(SequenceTaskRecord):
    """The rows of a task, and some of them."""

    examples: list[SequenceExample]
    """Test rows."""
    warnings: list[str] = Field(default_factory=list)
    """Facts of the rows that a reader of the scores has to know."""
