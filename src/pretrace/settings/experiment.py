"""The tasks and the variants: rows and columns of the benchmark."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pretrace.settings.card import Card
from pretrace.settings.columns import Columns
from pretrace.settings.corpus import HubDataset
from pretrace.settings.kinds import KIND_FACTS, Kind
from pretrace.settings.models.head import HeadSettings, Transfer
from pretrace.settings.prompts.prompt import PromptName
from pretrace.settings.section import (
    Count,
    NotNegative,
    PathString,
    Positive,
    PositiveShare,
    Rate,
    Section,
    Seed,
    Share,
    Steps,
)
from pretrace.settings.training import ReadOut
from pretrace.settings.zero_shot import HEURISTIC_COLUMNS, HEURISTIC_KINDS, Heuristics

Epochs = Annotated[int, Field(ge=1, le=10_000)]
OVERRIDES = ("epochs", "lr", "batch_size", "lm_weight", "dropout", "soft_classes")
"""Fields of a task that override the fine-tuning settings of the scale."""
OF_FINETUNING = ("lm_weight", "lr", "lr_factor", "epochs", "read_out", "head_strength", "layers")
"""Fields of a variant that say how it is fine-tuned, and so are not for features."""
MOST_SEEDS = 1000
TaskFormat = Literal["arc", "openbookqa", "multirc", "piqa", "record", "winograd", "wsc"]
"""Published forms of rows that are no plain table (pretrace.tasks.published)."""


class DevSplit(Section):
    """Dev rows cut from train with scikit-learn's `train_test_split`, to reproduce a published split."""

    rows: Count
    """Number of dev rows; the rest trains."""
    seed: Seed


class Task(Section):
    """One row of the benchmark: a probe made from the corpus, labeled files, or a data set of the Hub."""

    kind: Kind
    """The input format of the paper (section 3.3)."""
    ready: str | None = None
    """Ready task that fills in the missing fields (src/pretrace/tasks/ready/)."""
    probe: Literal["source", "acceptability", "follows", "same", "nearness", "cloze"] | None = None
    """Probe to build from the corpus; null for a task that is read from files or the Hub."""
    dataset: HubDataset | None = None
    """Data set of the Hugging Face Hub; `train`, `dev`, `test` and `unlabeled` then name its splits."""
    train: PathString | None = None
    """File with labeled rows (.parquet, .csv, .tsv, .jsonl), relative to the repository; or a folder of RACE."""
    dev: PathString | None = None
    """File with the rows that choose the best epoch; null: a tenth of train."""
    test: PathString | None = None
    """File with the rows that give the score in the table and choose nothing; null: a fifth of train."""
    unlabeled: PathString | None = None
    """File with rows to predict, such as GLUE's test files. Its first line names the columns."""
    format: TaskFormat | None = None
    """Published form of the files, or of the rows of `dataset`; null: a plain table, or a folder of RACE."""
    column_names: list[str] | None = None
    """Names of the columns of labeled .csv and .tsv files without a header line."""
    columns: Columns = Columns()
    labels: dict[str, str] | None = None
    """Class names by label, such as {"0": unacceptable, "1": acceptable}; a label that already is a class name stays.
    For multiple choice: letters from A."""
    skip_labels: list[str] = Field(default_factory=list)
    """Rows with one of these labels are dropped and counted, such as SNLI's "-" for no agreement."""
    most_choices: Annotated[int, Field(ge=2, le=100)] | None = None
    """Multiple choice whose rows differ in their number of choices: rows with fewer get empty ones behind their own,
    which are never right; those with more are dropped and counted. Null: all rows have the same number."""
    on_empty: Literal["stop", "skip", "keep"] = "stop"
    """A row with empty text stops the run, is dropped and counted, or stays as it is."""
    on_warning: Literal["say", "stop"] = "say"
    """A warning on the rows, such as classes that look alike, is said on the page and by `pretrace check`, or stops
    the run."""
    overlap: Literal["keep", "drop"] = "keep"
    """Training rows that are also in dev or test, and dev rows also in test, are counted and kept or dropped."""
    dev_split: DevSplit | None = None
    """Dev rows to cut from train; null: a tenth."""
    metric: Literal["accuracy", "matthews", "f1", "pearson", "spearman"] | None = None
    """Metric of the table; null: accuracy, or pearson for regression."""
    positive: str | None = None
    """The label of class 1: the one that `f1` counts, such as paraphrases in MRPC, or the acceptable or positive one of
    a zero-shot test."""
    train_rows: Count | None = None
    """Most training rows, drawn at random; null: all, or the scale's number for a probe."""
    test_rows: Count | None = None
    """Most dev and test rows each; null as for `train_rows`."""
    epochs: Epochs | None = None
    """Passes over the training rows; null: the scale's."""
    lr: Rate | None = None
    """Peak learning rate; null: the run's."""
    batch_size: Annotated[int, Field(ge=1, le=10**6)] | None = None
    """Examples per step; null: the scale's."""
    lm_weight: NotNegative | None = None
    """Weight of the auxiliary language-model loss; null: the scale's."""
    dropout: Share | None = None
    """Dropout in fine-tuning; null: the scale's."""
    soft_classes: Annotated[int, Field(ge=2, le=1000)] | None = None
    """For regression: treat labels 0 ... n - 1 as n classes, with a label between two of them shared in proportion
    (released code: 6, for STS-B); null: one output and squared error."""
    because: str | None = None
    """Reason or source of the overrides; every ready task with an override states it."""
    zero_shot: Heuristics = Field(default_factory=list)
    """Heuristics that score the task without fine-tuning: one name, or a list with one for each column; null: none."""
    prompt: PromptName | None = None
    """File in `prompts/` that says how `pretrace fewshot` writes a row; null: that of the task's kind."""
    card: Card | None = None
    """Data card."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Task:
        if (self.probe is None) == (self.train is None):
            raise ValueError("needs either `probe` or `train`, and not both")
        if self.train is None and (self.dev or self.test or self.unlabeled or self.dataset):
            raise ValueError("`dev`, `test`, `unlabeled` and `dataset` go with `train`; a probe makes its rows")
        if self.dataset and not (self.dataset.name and self.dataset.revision and self.train):
            raise ValueError(
                "`dataset` needs `name`, `revision` (the commit to read, of 40 digits) and, in `train` and `test`, "
                "names of its splits"
            )
        if self.format and (self.train is None or self.column_names):
            raise ValueError("`format` is for rows that `train` names, and they have no `column_names`")
        if self.dev and self.dev_split:
            raise ValueError("`dev_split` cuts dev from train, so it excludes `dev`")
        facts = KIND_FACTS[self.kind]
        if self.metric and self.metric not in facts.metrics:
            takes = " or ".join(facts.metrics)
            raise ValueError(f"`metric: {self.metric}` is not for `kind: {self.kind}`, which takes {takes}")
        if self.metric == "f1" and self.positive is None:
            raise ValueError("`metric: f1` needs `positive`, the label that it counts")
        if self.positive is not None and not facts.named:
            raise ValueError(f"`positive` is one of two classes; this task is of kind {self.kind}")
        if self.most_choices and not facts.fields(self.columns).are_choices:
            raise ValueError(f"`most_choices` is for `kind: multiple_choice`, this task is of kind {self.kind}")
        if self.soft_classes and not facts.numeric:
            raise ValueError(f"`soft_classes` is for `kind: regression`, this task is of kind {self.kind}")
        self._check_heuristics()
        return self

    def _check_heuristics(self) -> None:
        for name in self.zero_shot:
            if (needed := HEURISTIC_KINDS[name]) != self.kind:
                raise ValueError(f"`zero_shot: {name}` is for `kind: {needed}`, this task is of kind {self.kind}")
        columns = [HEURISTIC_COLUMNS[name] for name in self.zero_shot]
        if len(set(columns)) < len(columns):
            raise ValueError(
                f"`zero_shot: [{', '.join(self.zero_shot)}]`: two have their score in one column of the table, "
                f"{max(columns, key=columns.count)}; take one of them"
            )

    @property
    def metric_name(self) -> str:
        """The metric of the table, with the default of the kind filled in."""
        return self.metric or KIND_FACTS[self.kind].metrics[0]

    @property
    def overrides(self) -> dict[str, int | float]:
        """The fields among `OVERRIDES` that are set."""
        values = {name: getattr(self, name) for name in OVERRIDES}
        return {name: value for name, value in values.items() if value is not None}


class Variant(Section):
    """One column of the ablation table (paper, Table 5). The scale fills in fields that are null."""

    system: str | None = None
    """One of the experiment's `systems`; null: the first."""
    pretrained: bool = True
    """False starts from random weights."""
    transfer: Transfer = "finetune"
    """`features` trains a head on states of the model, whose weights stay as they are; its settings are `head`."""
    head: HeadSettings | None = None
    """Head on features; null: all its defaults. Only with `transfer: features`."""
    lm_weight: NotNegative | None = None
    """Weight of the auxiliary language-model loss; null: the scale's."""
    lr: Rate | None = None
    """Peak fine-tuning learning rate, so that a baseline can be tuned as fairly as the model; null: the run's."""
    lr_factor: Positive | None = None
    """Factor of the peak fine-tuning rate of the run or task, which fits any scale; null: 1. Excludes `lr`."""
    epochs: Epochs | dict[str, Epochs] | None = None
    """Passes over the training rows; by task: those of the named tasks. Null: the task's or the scale's."""
    read_out: ReadOut | None = None
    """Input of the classifier; null: the scale's."""
    head_strength: Positive | None = None
    """Inverse strength (scikit-learn's `C`) of the penalty on the weights of the states when the classifier is fitted
    before fine-tuning, as `read_out: likelihoods` does; null: chosen for each task on training rows left out of the
    fit. A random start wants it weak: what its states show is noise, but gradients reach them (ours, docs/log.md)."""
    train_share: PositiveShare | None = None
    """Share of the training rows, drawn at random, a smaller one out of a larger: a point of a learning curve; null:
    all."""
    layers: Annotated[int, Field(ge=0, le=1000)] | None = None
    """Pre-trained layers to transfer, from the bottom; those above start at random (released code: `n_transfer`).
    0: the embeddings alone; null: all. For a pre-trained transformer (Figure 2, left)."""

    @model_validator(mode="after")
    def _is_consistent(self) -> Variant:
        if self.lr is not None and self.lr_factor is not None:
            raise ValueError("`lr` and `lr_factor` exclude each other")
        if self.transfer == "finetune" and self.head is not None:
            raise ValueError("`head` is for `transfer: features`; fine-tuning has the settings of the scale")
        others = [name for name in OF_FINETUNING if getattr(self, name) is not None]
        if self.transfer == "features" and others:
            raise ValueError(
                f"`{others[0]}` is for `transfer: finetune`; with `features`, `head` has rate and passes of its own"
            )
        if self.layers is not None and not self.pretrained:
            raise ValueError("`layers` is for a pre-trained transformer")
        return self

    @property
    def head_settings(self) -> HeadSettings:
        """Settings of the head, with `transfer: features`."""
        return self.head or HeadSettings()


class Continuation(Section):
    """Settings of training further (`pretrain.continue_from`) that replace those of the scale's `pretrain`."""

    steps: Steps | None = None
    """Optimizer steps; null: the scale's."""
    lr: Rate | None = None
    """Peak learning rate; null: the scale's, which is for random weights: a tenth of it forgets less (ours)."""
    warmup_steps: Steps | None = None
    """Steps of warm-up; null: the scale's."""


class Pretraining(Section):
    """Which pre-trainings there are; their sizes and steps are in the scale."""

    seeds: Annotated[list[Seed], Field(min_length=1, max_length=MOST_SEEDS)] = Field(default_factory=lambda: [42])
    """Seeds of pre-training: of initial weights, order of sequences and dropout. Each one is a pre-training of its own,
    and every fine-tuning seed of a pre-trained variant starts from each. Two or more show how far a score depends on
    the draw of the pre-training; the first one's model is models/pretrained/<model> (ours)."""
    init_from: PathString | None = None
    """Folder with weights and their vocabulary, in the format of pretrace, Hugging Face or OpenAI (.npy files). The
    stage `bpe` takes the vocabulary from it, `pretrain` the transformer, whose sizes must be the scale's. Then the
    transformer has no seeds."""
    continue_from: PathString | None = None
    """Folder as `init_from` takes it, whose transformer is trained further on this corpus, with its vocabulary: a
    domain-adaptive pre-training (Gururangan et al. 2020). Excludes `init_from`."""
    continue_with: Continuation = Continuation()
    old_text: PathString | None = None
    """A text whose loss is measured before and after training further: a file of plain text, or a folder with .txt
    files, each a document; null: none."""

    @property
    def weights(self) -> str | None:
        """Folder of weights from elsewhere, and of the vocabulary."""
        return self.init_from or self.continue_from

    @model_validator(mode="after")
    def _has_no_seed_twice(self) -> Pretraining:
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {self.seeds}: the same seed twice")
        if self.init_from and self.continue_from:
            raise ValueError(
                "`init_from` and `continue_from` exclude each other: the first takes weights as they are, the second "
                "trains them further; remove one"
            )
        if not self.continue_from and (self.old_text or any(self.continue_with.model_dump().values())):
            key = "old_text" if self.old_text else "continue_with"
            raise ValueError(f"`{key}` is for training further; it needs `continue_from`, or goes")
        return self
