"""What is compared: the tasks, which are the rows of the benchmark, and the variants, which are its columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pretrace.settings.card import Card
from pretrace.settings.columns import Columns
from pretrace.settings.corpus import HubDataset
from pretrace.settings.kinds import KIND_FACTS, Kind
from pretrace.settings.scale import MAIN_MODEL, ModelKind
from pretrace.settings.section import Count, NotNegative, PathString, Rate, Section, Seed, Share
from pretrace.settings.zero_shot import HEURISTIC_KINDS, Heuristic

OVERRIDES = ("epochs", "lr", "batch_size", "lm_weight", "dropout", "soft_classes")
"""What a task may have of its own of the fine-tuning recipe."""


class DevSplit(Section):
    """A dev part cut from train as scikit-learn's `train_test_split` does it, for a published split that was."""

    rows: Count
    """So many for dev, and the rest for train."""
    seed: Seed


class Task(Section):
    """One row of the benchmark: a probe made from the corpus, labeled files, or a data set of the Hub."""

    kind: Kind
    """Which of the paper's input formats it takes (section 3.3)."""
    ready: str | None = None
    """The ready task that says what this entry does not (src/pretrace/tasks/ready/)."""
    probe: Literal["source", "acceptability", "follows", "same", "nearness", "cloze"] | None = None
    """Which probe to make; null for a task that is read."""
    dataset: HubDataset | None = None
    """A data set of the Hugging Face Hub; `train`, `dev`, `test` and `unlabeled` are then names of its splits."""
    train: PathString | None = None
    """File with labeled rows (.parquet, .csv, .tsv, .jsonl), from the repository's root; or a folder of RACE's."""
    dev: PathString | None = None
    """File that the best epoch is chosen on; null cuts a tenth from train."""
    test: PathString | None = None
    """File that the table's score is from, and nothing is chosen on; null cuts a fifth from train."""
    unlabeled: PathString | None = None
    """File with rows to be answered, such as GLUE's test files; its first line has names of columns."""
    column_names: list[str] | None = None
    """Of labeled .csv and .tsv files that have no first line with names."""
    columns: Columns = Columns()
    labels: dict[str, str] | None = None
    """Names for the labels that the rows have, such as {"0": unacceptable, "1": acceptable}; a label that already is
    such a name stays. For multiple choice: letters from A."""
    skip_labels: list[str] = Field(default_factory=list)
    """Rows with one of these labels are left out and counted, such as SNLI's "-" for no agreement."""
    on_empty: Literal["stop", "skip", "keep"] = "stop"
    """A row whose text is empty: it stops the run, is left out and counted, or stays as it is."""
    overlap: Literal["keep", "drop"] = "keep"
    """Training rows that dev or test has too, and dev rows that test has: they are counted, and stay or go."""
    dev_split: DevSplit | None = None
    """How dev is cut from train, in place of a tenth."""
    metric: Literal["accuracy", "matthews", "f1", "pearson", "spearman"] | None = None
    """What the table shows; null: accuracy, or pearson for regression."""
    positive: str | None = None
    """The label that is class 1: that `f1` counts, such as the paraphrases of MRPC; or the acceptable, positive one of
    a zero-shot test."""
    train_rows: Count | None = None
    """Use at most so many training rows, drawn at random; null: all, or the scale's number for a probe."""
    test_rows: Count | None = None
    """Use at most so many dev and test rows; null as for `train_rows`."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """Overrides the scale's number of passes."""
    lr: Rate | None = None
    """Overrides the fine-tuning rate for this task."""
    batch_size: Annotated[int, Field(ge=1, le=10**6)] | None = None
    """Overrides the scale's examples an update."""
    lm_weight: NotNegative | None = None
    """Overrides the weight of the auxiliary language-model loss."""
    dropout: Share | None = None
    """Overrides the fine-tuning dropout."""
    soft_classes: Annotated[int, Field(ge=2, le=1000)] | None = None
    """For regression: learn the scale 0 ... n - 1 as so many classes, a number between two of them being a share of
    each (the released code: 6, for STS-B); null: one output and squared error."""
    because: str | None = None
    """Where an override comes from; a ready task with one has this sentence, too."""
    zero_shot: Heuristic | None = None
    """Which of the paper's heuristics (section 5) answers it without fine-tuning; null: none."""
    card: Card | None = None
    """What is known of the data set."""

    @model_validator(mode="after")
    def _hangs_together(self) -> Task:
        if (self.probe is None) == (self.train is None):
            raise ValueError("needs either `probe` or `train`, and not both")
        if self.train is None and (self.dev or self.test or self.unlabeled or self.dataset):
            raise ValueError("`dev`, `test`, `unlabeled` and `dataset` go with `train`; a probe makes its rows")
        if self.dataset and not (self.dataset.name and self.dataset.revision and self.train):
            raise ValueError(
                "`dataset` needs `name`, `revision` (the commit to read, of 40 digits) and, in `train` and `test`, "
                "names of its splits"
            )
        if self.dev and self.dev_split:
            raise ValueError("`dev_split` cuts dev from train; it takes no `dev`")
        facts = KIND_FACTS[self.kind]
        if self.metric and self.metric not in facts.metrics:
            takes = " or ".join(facts.metrics)
            raise ValueError(f"`metric: {self.metric}` is not for `kind: {self.kind}`, which takes {takes}")
        if self.metric == "f1" and self.positive is None:
            raise ValueError("`metric: f1` needs `positive`, the label that it counts")
        if self.positive is not None and not facts.named:
            raise ValueError(f"`positive` is one of two classes; this task is of kind {self.kind}")
        if self.soft_classes and not facts.numeric:
            raise ValueError(f"`soft_classes` is for `kind: regression`, this task is of kind {self.kind}")
        if self.zero_shot and (needed := HEURISTIC_KINDS[self.zero_shot]) != self.kind:
            raise ValueError(f"`zero_shot: {self.zero_shot}` is for `kind: {needed}`, this task is of kind {self.kind}")
        return self

    @property
    def metric_name(self) -> str:
        return self.metric or KIND_FACTS[self.kind].metrics[0]

    @property
    def overrides(self) -> dict[str, int | float]:
        """What of the recipe this task has of its own; only what is set."""
        values = {name: getattr(self, name) for name in OVERRIDES}
        return {name: value for name, value in values.items() if value is not None}


class Variant(Section):
    """One column of the ablation table (paper, Table 5). What is null is taken from the scale."""

    model: ModelKind = MAIN_MODEL
    pretrained: bool = True
    """False starts from random weights."""
    lm_weight: NotNegative | None = None
    """Weight of the auxiliary language-model loss; null: the scale's."""
    lr: Rate | None = None
    """A rate of its own, so that a baseline can be tuned as fairly as the model."""
    epochs: Annotated[int, Field(ge=1, le=10_000)] | None = None
    """A number of passes of its own."""
    layers: Annotated[int, Field(ge=0, le=1000)] | None = None
    """How many pre-trained layers it starts from, from the bottom; above them are random ones (released code:
    `n_transfer`). 0: the embeddings alone; null: all. For a pre-trained transformer (Figure 2, left)."""

    @model_validator(mode="after")
    def _has_layers_to_take(self) -> Variant:
        if self.layers is not None and (self.model != MAIN_MODEL or not self.pretrained):
            raise ValueError("`layers` is for a pre-trained transformer")
        return self


class Start(Section):
    """Other people's weights in the place of pre-training."""

    init_from: PathString | None = None
    """A folder with weights and their vocabulary: the pipeline's own, Hugging Face's, or OpenAI's .npy files. The
    stage `bpe` takes the vocabulary from it and `pretrain` the transformer, of which the scale says the sizes."""
