"""A task whose answer is a text: rows of a source and its accepted targets, and how written answers are scored."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pretrace.settings.card import Card
from pretrace.settings.corpus import HubDataset
from pretrace.settings.prompts.prompt import PromptName
from pretrace.settings.section import Count, PathString, Section

TextMetric = Literal[
    "exact",
    "exact_match",
    "f1",
    "coqa_exact_match",
    "coqa_f1",
    "bleu",
    "chrf",
    "uses_source",
    "rouge1",
    "rouge2",
    "rougeL",
    "rougeLsum",
]
"""Equality; SQuAD's exact match and F1; CoQA's, which leaves each reference out once; sacrebleu; whether the
source is used, for novel words; rouge-score."""
Arithmetic = Literal[
    "two_digit_addition",
    "two_digit_subtraction",
    "three_digit_addition",
    "three_digit_subtraction",
    "four_digit_addition",
    "four_digit_subtraction",
    "five_digit_addition",
    "five_digit_subtraction",
    "two_digit_multiplication",
    "single_digit_three_ops",
]
"""GPT-3's ten kinds, by the names of its files (Brown et al. 2020, section 3.9.1)."""
Scrambled = Literal[
    "cycle_letters_in_word",
    "mid_word_1_anagrams",
    "mid_word_2_anagrams",
    "random_insertion_in_word",
    "reversed_words",
]
"""GPT-3's five kinds (section 3.9.2)."""
Novel = Literal["novel_words"]
"""Made-up words with a definition and a sentence that uses them (section 3.9.5)."""
TextFormat = Literal["table", "lines", "squad", "coqa", "triviaqa", "webquestions"]


class SequenceColumns(Section):
    """Names of columns. A dot goes into an object of a cell: `translation.en`."""

    source: str = "source"
    """The text that is read: a question, a sentence."""
    target: str = "target"
    """The answer: a text, or a list of accepted ones, of which the first is learned and shown in examples."""
    context: str | None = None
    """A text that the source is about, such as a passage; null: none."""


class SequenceTask(Section):
    """A task of the kind `sequence`: text in, text out. No stage fine-tunes a classifier on it."""

    kind: Literal["sequence"] = "sequence"
    ready: str | None = None
    """Ready task that fills in the missing fields (src/pretrace/sequences/ready/)."""
    made: Arithmetic | Scrambled | Novel | None = None
    """Rows made by a rule."""
    words: PathString | None = None
    """Scrambled words: a file with a word a line, the most frequent first; null: those of the training text."""
    probe: Literal["restore", "describe"] | None = None
    """Probe to build from the corpus."""
    dataset: HubDataset | None = None
    """Data set of the Hugging Face Hub; `train`, `dev` and `test` then name its splits."""
    format: TextFormat = "table"
    """Form of the files: tables; lines of two files, called like a column behind a dot (`train.en` and `train.de`); or
    the JSON that SQuAD, CoQA, TriviaQA and WebQuestions are published as."""
    train: PathString | None = None
    """File that examples are from, and models learn; null: examples are other rows of the split that is scored, as
    GPT-3 takes them where there is no other text."""
    dev: PathString | None = None
    """File with the rows that choose settings; null: a tenth of train, or of test."""
    test: PathString | None = None
    """File with the rows that give the score; null: a fifth of train."""
    columns: SequenceColumns = SequenceColumns()
    where: dict[str, str] = Field(default_factory=dict)
    """Tables: values that columns have in the rows of this task; others are left out."""
    no_answer: str = ""
    """Text of the target where a row has no answer, in examples and references."""
    train_rows: Count | None = None
    """Most training rows, drawn at random; null: all."""
    test_rows: Count | None = None
    """Most dev and test rows each; null: all."""
    metrics: Annotated[list[TextMetric], Field(min_length=1, max_length=12)] = Field(default=["bleu"])
    """Scores; the first is that of tables."""
    prompt: PromptName | None = None
    """File in `prompts/` that says how `pretrace fewshot` writes a row; null: `sequence`."""
    card: Card | None = None
    """Data card."""

    @model_validator(mode="after")
    def _is_consistent(self) -> SequenceTask:
        if sum((self.made is not None, self.probe is not None, bool(self.train or self.test))) != 1:
            raise ValueError("needs one of `train` or `test` (files), `made` (a rule) and `probe`")
        if not (self.train or self.test) and (self.dev or self.dataset):
            raise ValueError("`dev` and `dataset` go with `train` or `test`")
        if self.dataset and not (self.dataset.name and self.dataset.revision):
            raise ValueError("`dataset` needs `name` and `revision`, the commit to read, of 40 digits")
        if self.words and self.made is None:
            raise ValueError("`words` is for `made`: a kind of scrambled words")
        if self.where and self.format != "table":
            raise ValueError("`where` is for `format: table`")
        if len(set(self.metrics)) < len(self.metrics):
            raise ValueError(f"metrics: got {', '.join(self.metrics)}; the same twice")
        return self

    @property
    def metric(self) -> str:
        """The metric of tables."""
        return self.metrics[0]
