"""Tasks: what their rows are, and what the report shows of them."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from pretrace.schemas.record import Record
from pretrace.settings.card import Card
from pretrace.settings.columns import Columns
from pretrace.settings.zero_shot import Heuristic


class RawFile(Record):
    """A file, several of one path, or a data set: what rows or examples were read from."""

    path: str
    """As params.yaml has it; of a data set on the Hub its name, configuration and split."""
    sha256: str | None
    """Of a file's bytes; of a folder or glob, of the lines `<sha256>  <name>` of its files, sorted by name (of a task's
    folder the .txt files); null for a data set on the Hub, whose `revision` says the same, and for files at a URL."""
    bytes: int | None
    """Size of the file, or of all files; null for a data set on the Hub."""
    revision: str | None
    """Commit of a data set on the Hub; null for a file."""


class NearDuplicates(Record):
    """Rows of a split that are nearly the same as a training row, but not equal to it."""

    rows: int
    of: int
    """Rows of the split that were compared: all, or a draw of many."""
    train_rows: int
    """Training rows that they were compared with: all, or a draw of many."""
    examples: list[list[str]]
    """A few of them: the row, and the training row, as file and number."""


class TaskRecord(Record):
    """The description of a task's rows."""

    kind: str
    """Kind of the task: classification, entailment, similarity, regression or multiple_choice."""
    metric: str
    """Name of the metric, such as accuracy."""
    labels: list[str] | None
    """Names of the classes, in the order of their ids; null for regression and multiple choice."""
    unavailable: str | None
    """Why there are no rows, for a probe that this corpus cannot give; else null."""
    rows: dict[str, int]
    """Rows by split: train, dev, test."""
    details: dict[str, Any]
    """Facts special to a probe or a file, such as the number of masked words."""
    overrides: dict[str, int | float]
    """Settings of fine-tuning that the task's entry in params.yaml has of its own."""
    zero_shot: list[Heuristic]
    """Heuristics for answers without fine-tuning, one for each column of the table."""
    card: Card | None
    """Data card of a published data set."""
    columns: Columns
    """Names of the columns in files of rows, for rows that a fine-tuned model is given later."""
    raw_files: dict[str, RawFile] = Field(default_factory=dict)
    """Files that each split was read from, by split: train, dev, test, unlabeled; empty for a probe."""
    first_id: int | None = None
    """The vocabulary's token that begins a sequence ([CLS] in BERT); missing where it has none."""
    separator_id: int | None = None
    """The vocabulary's token that ends a text ([SEP] in BERT); missing where it has none."""


class TaskExample(Record):
    """A test row, for the page."""

    parts: list[str]
    """The texts of the row, cleaned."""
    label: str | int | float
    """Name of the class, index of the right choice, or number."""


class GiveAway(Record):
    """A rule that reads less than the task asks for, and how it answers dev and test rows."""

    rule: str
    """Name of the rule, such as lengths (docs/tasks.md lists them)."""
    score: float
    """Score in the task's metric, of a linear model that was fitted on train rows."""
    chance: float
    """Score that the same answers have when they have nothing to do with the labels."""
    stderr: float
    """Standard error of the score minus chance, with documents as units."""
    p: float
    """Probability of such a score by chance, corrected for the number of rules (Holm)."""
    above_chance: bool
    """True if `p` is below 0.01."""
    is_warning: bool
    """True if it is a give-away where it is above chance; false for what a task of this sort may ask for, such as words
    of a text that people labeled."""


class RawParts(Record):
    """Parts of a probe's rows by their text."""

    as_written: int
    """As in the raw corpus."""
    prepared: int
    """As GPT-1's words, because those could not be found in the raw text, or it would give others."""


class TaskReport(Record):
    """A task and its sizes."""

    kind: str
    """Kind of the task."""
    metric: str
    """Name of the metric."""
    unavailable: str | None
    """Why there are no rows; else null."""
    labels: list[str] | None
    """Names of the classes; null for regression and multiple choice."""
    n_train: int = 0
    """Training rows."""
    n_dev: int = 0
    """Rows that choose the best epoch."""
    n_test: int = 0
    """Rows that scores are of."""
    n_unlabeled: int = 0
    """Rows without labels, to be predicted."""
    details: dict[str, Any] = Field(default_factory=dict)
    """Facts special to a probe or a file."""
    raw_files: dict[str, RawFile] = Field(default_factory=dict)
    """Files that each split was read from, by split: train, dev, test, unlabeled; empty for a probe."""
    raw_parts: RawParts | None = None
    """Of a probe."""
    near_duplicates: dict[str, NearDuplicates] = Field(default_factory=dict)
    """By split, dev and test, of a task from files."""
    warnings: list[str] = Field(default_factory=list)
    """Facts of the rows that a reader of scores has to know, a sentence each, such as rows that two splits share."""
    give_aways: list[GiveAway] = Field(default_factory=list)
    """Rules that should not answer the task, each tried on its rows; empty if there are too few."""
    overrides: dict[str, int | float] = Field(default_factory=dict)
    """Settings of fine-tuning that the task's entry has of its own."""
    zero_shot: list[Heuristic] = Field(default_factory=list)
    """Heuristics for answers without fine-tuning, one for each column of the table."""
    card: Card | None = None
    """Data card of a published data set."""
    examples: list[TaskExample] = Field(default_factory=list)
    """A few test rows."""
