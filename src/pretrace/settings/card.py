"""What is known of a data set: where it is from, what may be done with it, and what its published score means."""

from __future__ import annotations

from typing import Literal

from pretrace.settings.section import Section


class PaperScore(Section):
    """A score as the paper printed it."""

    score: float
    """As printed, in hundredths."""
    metric: str
    split: str
    """The rows that it is of, such as GLUE's test server."""
    table: str
    """Where it stands in the paper."""


class Card(Section):
    """The data card of a task. It goes into task.json and the reports; nothing is computed from it."""

    source: str
    """Where its publishers have it."""
    license: str
    version: str
    """Which edition of the data set this is."""
    sizes: dict[str, int]
    """Rows as published, by file or split."""
    split: str
    """Which rows train, which choose the best epoch, and which the table's score is of."""
    paper: PaperScore | None = None
    not_comparable: str = ""
    """What makes the table's score another thing than the paper's."""
    unverified: str = ""
    """What of this card could not be read at its source."""
    rows: Literal["files", "huggingface", "own"] = "own"
    """Where the rows came from: the published files, the copy on the Hub, or files of one's own."""
