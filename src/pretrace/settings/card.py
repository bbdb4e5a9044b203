"""Data cards: the source of a data set, its license, and the meaning of its published score."""

from __future__ import annotations

from typing import Literal

from pretrace.settings.section import Section


class PaperScore(Section):
    """A score as the paper printed it."""

    score: float
    """As printed, in percent."""
    metric: str
    split: str
    """The rows that were scored, such as those of GLUE's test server."""
    table: str
    """The table of the paper that has it."""


class Card(Section):
    """The data card of a task, copied to task.json and the reports. Nothing is computed from it."""

    source: str
    """Where its publishers offer it."""
    license: str
    version: str
    """Edition of the data set."""
    sizes: dict[str, int]
    """Number of published rows, by file or split."""
    split: str
    """Which rows train, which choose the best epoch, and which give the score in the table."""
    paper: PaperScore | None = None
    not_comparable: str = ""
    """Why the score in the table does not compare with the paper's."""
    unverified: str = ""
    """Parts of this card that could not be checked at their source."""
    rows: Literal["files", "huggingface", "own"] = "own"
    """Where the rows came from: the published files, the copy on the Hub, or files of your own."""
