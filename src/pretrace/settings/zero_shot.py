"""What a language model is asked without fine-tuning: the tasks' rows, and tests of the language model itself."""

from __future__ import annotations

from typing import Literal

from pydantic import model_validator

from pretrace.settings.section import Count, PathString, Section

Heuristic = Literal["acceptability", "sentiment", "choice", "referents"]
"""How a task is answered without fine-tuning (section 5, "Zero-shot behaviours")."""
HEURISTIC_KINDS: dict[Heuristic, str] = {
    "acceptability": "classification",
    "sentiment": "classification",
    "choice": "multiple_choice",
    "referents": "multiple_choice",
}
"""The kind of task that each heuristic is for."""


class ZeroShot(Section):
    """Tasks without fine-tuning. The points of Figure 2 (right) are scored where pre-training has kept the weights that
    they need: `pretrain.save_at_powers_of_two` of the scale."""

    rows: Count | None = 500
    """Score at most so many dev and test rows of a task, taken at even distances; null: all."""


class LanguageColumns(Section):
    """Which columns of a language test's file hold what."""

    context: str = "context"
    """What the model reads first."""
    question: str | None = None
    """choice: a question that follows the context."""
    target: str = "target"
    """last_word: the word to predict. choice: the answer's index from 0, or its letter from A."""
    choices: str | list[str] = "choices"
    """choice: a column of lists, or one column a choice."""


class LanguageTest(Section):
    """One test of the pre-trained language models, by a protocol that the report names."""

    protocol: Literal["last_word", "perplexity", "choice"]
    """`last_word`: predict the word that ends a passage (LAMBADA). `perplexity`: of a text. `choice`: the answer with
    the highest mean log-probability of its tokens."""
    file: PathString
    """From the repository's root: .parquet, .csv, .tsv or .jsonl; for `perplexity` what `corpus.path` takes, with the
    text in a column `text`."""
    columns: LanguageColumns = LanguageColumns()
    rows: Count | None = None
    """Score at most so many rows, taken at even distances; null: all."""
    stride: Count | None = None
    """perplexity: tokens scored in each window of the context's length; null: half of the context."""

    @model_validator(mode="after")
    def _belongs_to_protocol(self) -> LanguageTest:
        if self.protocol != "perplexity" and self.stride is not None:
            raise ValueError(f"`stride` is for `protocol: perplexity`, this test is of protocol {self.protocol}")
        if self.protocol == "perplexity" and (self.rows is not None or self.columns != LanguageColumns()):
            raise ValueError("`rows` and `columns` are not for `protocol: perplexity`, which reads a whole text")
        return self
