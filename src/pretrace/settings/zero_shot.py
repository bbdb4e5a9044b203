"""Evaluation of language models without fine-tuning: on the rows of tasks, and by language tests."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, model_validator

from pretrace.settings.section import Count, PathString, Section

Heuristic = Literal["acceptability", "sentiment", "choice", "referents", "choice_pmi", "pair_pmi"]
"""Heuristics that answer a task without fine-tuning: the paper's four (section 5, "Zero-shot behaviors"), and two by
what a text gains in probability from the one before it, as in GPT-3's paper (section 2.4)."""
HEURISTIC_KINDS: dict[Heuristic, str] = {
    "acceptability": "classification",
    "sentiment": "classification",
    "choice": "multiple_choice",
    "referents": "multiple_choice",
    "choice_pmi": "multiple_choice",
    "pair_pmi": "entailment",
}
"""The kind of task that each heuristic is for."""
ZERO_SHOT, ZERO_SHOT_PMI, FROZEN = "lm_zero_shot", "lm_zero_shot_pmi", "frozen"
"""Columns of the table that no model was fine-tuned for: two rules, and a linear classifier on frozen states."""
HEURISTIC_COLUMNS: dict[Heuristic, str] = {
    name: ZERO_SHOT_PMI if name.endswith("_pmi") else ZERO_SHOT for name in HEURISTIC_KINDS
}
"""The column of the table that each heuristic gives a score in."""


OF_WORDS = ("similarity", "analogies")
"""Protocols of language tests that are for word vectors."""


PublishedAs = Literal["wikitext", "ptb", "one_billion_words"]
"""Texts that are published as words with spaces between them (pretrace.evaluation.published_texts)."""


def _one_or_several(value: Any) -> Any:
    return [] if value is None else [value] if isinstance(value, str) else value


Heuristics = Annotated[list[Heuristic], BeforeValidator(_one_or_several)]
"""None, one (also by its name alone) or one for each column."""


class ZeroShot(Section):
    """Tasks without fine-tuning. The points of Figure 2 (right) need the weights of intermediate steps: set
    `pretrain.save_at_powers_of_two` in the scale file.
    """

    rows: Count | None = None
    """Most test rows of a task that are scored, evenly spaced; null: all. A threshold is chosen on all dev rows."""


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

    protocol: Literal["last_word", "perplexity", "choice", "similarity", "analogies"]
    """`last_word`: predict the last word of a passage (LAMBADA). `perplexity`: perplexity of a text. `choice`: pick the
    choice with the highest mean log-probability of its tokens. For word vectors alone, and not read for other models:
    `similarity`: correlation with people's judgments of pairs of words (columns `set`, `word1`, `word2`, `score`);
    `analogies`: a is to b as c is to what? (`category`, `a`, `b`, `c`, `d`)."""
    file: PathString
    """Relative to the repository: .parquet, .csv, .tsv or .jsonl; for `perplexity` anything that `corpus.path` takes,
    with the text in a column `text`."""
    columns: LanguageColumns = LanguageColumns()
    rows: Count | None = None
    """Most rows that are scored, evenly spaced; null: all."""
    stride: Count | None = None
    """perplexity: tokens scored per window, whose length is the context; null: half of the context."""
    published_as: PublishedAs | None = None
    """perplexity: the text is words with spaces between them, and the model reads plain text; null: it is plain."""

    @model_validator(mode="after")
    def _belongs_to_protocol(self) -> LanguageTest:
        for key in ("stride", "published_as"):
            if self.protocol != "perplexity" and getattr(self, key) is not None:
                raise ValueError(f"`{key}` is for `protocol: perplexity`, this test is of protocol {self.protocol}")
        if self.protocol in OF_WORDS and (self.rows is not None or self.columns != LanguageColumns()):
            raise ValueError(f"`rows` and `columns` are not for `protocol: {self.protocol}`, whose columns have names")
        if self.protocol == "perplexity" and (self.rows is not None or self.columns != LanguageColumns()):
            raise ValueError("`rows` and `columns` are not for `protocol: perplexity`, which reads a whole text")
        return self
