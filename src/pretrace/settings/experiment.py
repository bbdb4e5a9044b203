"""What is compared: the tasks, which are the rows of the benchmark, and the variants, which are its columns."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from pretrace.settings.columns import Columns
from pretrace.settings.section import Count, Positive, Section

Kind = Literal["classification", "entailment", "similarity", "regression", "multiple_choice"]


class Task(Section):
    """One row of the benchmark: a probe made from the corpus, or labelled files."""

    kind: Kind
    """Which of the paper's input formats it takes (section 3.3)."""
    probe: Literal["source", "acceptability", "follows", "same", "nearness", "cloze"] | None = None
    """Which probe to make; null for a task read from files."""
    train: str | None = None
    """File with labelled rows (.parquet, .csv, .tsv, .jsonl), from the repository's root."""
    dev: str | None = None
    """File that the best epoch is chosen on; null cuts a tenth from train."""
    test: str | None = None
    """File that the table's score is from; nothing is chosen on it."""
    columns: Columns = Columns()
    metric: Literal["accuracy", "matthews", "f1", "pearson", "spearman"] | None = None
    """What the table shows; null: accuracy, or pearson for regression."""
    positive: str | None = None
    """The label that `f1` counts, such as the paraphrases of MRPC; needed for that metric only."""
    train_rows: Count | None = None
    """Use at most so many training rows, drawn at random; null: all, or the scale's number for a probe."""
    test_rows: Count | None = None
    """Use at most so many dev and test rows; null as for `train_rows`."""
    epochs: Count | None = None
    """Overrides the scale's number of passes."""
    lr: Positive | None = None
    """Overrides the fine-tuning rate for this task."""
    soft_classes: Annotated[int, Field(ge=2)] | None = None
    """For regression: learn the scale 0 ... n - 1 as so many classes, a number between two of them being a share of
    each (the released code: 6, for STS-B); null: one output and squared error."""

    @model_validator(mode="after")
    def _one_origin(self) -> Task:
        if (self.probe is None) == (self.train is None):
            raise ValueError("needs either `probe` or `train` (with `test`), and not both")
        if self.train is not None and self.test is None:
            raise ValueError("needs `test`, the file whose score the table shows")
        if (self.metric == "f1") != (self.positive is not None):
            raise ValueError("`metric: f1` and `positive`, the label that it counts, go together")
        if self.soft_classes and self.kind != "regression":
            raise ValueError(f"`soft_classes` is for `kind: regression`, this task is of kind {self.kind}")
        return self

    @property
    def metric_name(self) -> str:
        return self.metric or ("pearson" if self.kind == "regression" else "accuracy")


class Variant(Section):
    """One column of the ablation table (paper, Table 5). What is null is taken from the scale."""

    model: Literal["transformer", "lstm"] = "transformer"
    pretrained: bool = True
    """False starts from random weights."""
    lm_weight: Annotated[float, Field(ge=0.0)] | None = None
    """Weight of the auxiliary language-model loss; null: the scale's."""
    lr: Positive | None = None
    """A rate of its own, so that a baseline can be tuned as fairly as the model."""
    epochs: Count | None = None
    """A number of passes of its own."""
    layers: Annotated[int, Field(ge=0)] | None = None
    """How many pre-trained layers it starts from, from the bottom; above them are random ones (released code:
    `n_transfer`). 0: the embeddings alone; null: all. For a pre-trained transformer (Figure 2, left)."""

    @model_validator(mode="after")
    def _has_layers_to_take(self) -> Variant:
        if self.layers is not None and (self.model != "transformer" or not self.pretrained):
            raise ValueError("`layers` is for a pre-trained transformer")
        return self


class Start(Section):
    """Other people's weights in the place of pre-training."""

    start_from: str | None = None
    """A folder with weights and their vocabulary: the pipeline's own, Hugging Face's, or OpenAI's .npy files. The
    stage `bpe` takes the vocabulary from it and `pretrain` the transformer, of which the scale says the sizes."""
