"""Evaluation of language models without fine-tuning: on the rows of tasks, and by language tests."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from pretrace.settings.section import Count, PathString, Section

Heuristic = Literal["acceptability", "sentiment", "choice", "referents"]
"""Heuristics that answer a task without fine-tuning (section 5, "Zero-shot behaviors")."""
HEURISTIC_KINDS: dict[Heuristic, str] = {
    "acceptability": "classification",
    "sentiment": "classification",
    "choice": "multiple_choice",
    "referents": "multiple_choice",
}
"""The kind of task that each heuristic is for."""


class ZeroShot(Section):
    """Tasks without fine-tuning. The points of Figure 2 (right) need the weights of intermediate steps: set
    `pretrain.save_at_powers_of_two` in the scale file.
    """

    rows: Count | None = 500
    """Most dev and test rows of a task that are scored, evenly spaced; null: all."""


class LanguageColumns(Section):
    """Names of the columns in the file of a language test."""

    context: str = "context"
    """The text before the target."""
    question: str | None = None
    """choice: a question that follows the context."""
    target: str = "target"
    """last_word: the word to predict. choice: the answer's index from 0, or its letter from A."""
    choices: str | list[str] = "choices"
    """choice: one column of lists, or a column for each choice."""


class LanguageTest(Section):
    """One test of the pre-trained language models. The report names its protocol."""

    protocol: Literal["last_word", "perplexity", "choice"]
    """`last_word`: predict the last word of a passage (LAMBADA). `perplexity`: perplexity of a text. `choice`: pick the
    choice with the highest mean log-probability of its tokens."""
    file: PathString
    """Relative to the repository: .parquet, .csv, .tsv or .jsonl; for `perplexity` anything that `corpus.path` takes,
    with the text in a column `text`."""
    columns: LanguageColumns = LanguageColumns()
    rows: Count | None = None
    """Most rows that are scored, evenly spaced; null: all."""
    stride: Count | None = None
    """perplexity: tokens scored per window, whose length is the context; null: half of the context."""

    @model_validator(mode="after")
    def _belongs_to_protocol(self) -> LanguageTest:
        if self.protocol != "perplexity" and self.stride is not None:
            raise ValueError(f"`stride` is for `protocol: perplexity`, this test is of protocol {self.protocol}")
        if self.protocol == "perplexity" and (self.rows is not None or self.columns != LanguageColumns()):
            raise ValueError("`rows` and `columns` are not for `protocol: perplexity`, which reads a whole text")
        return self
