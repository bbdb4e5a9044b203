"""Fine-tuning and heads on features: the report of a variant on a task, the result of a seed, the configuration of a
model; a search.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from pretrace.schemas.models import ModelConfig
from pretrace.schemas.record import Measured, Record
from pretrace.schemas.tasks import TaskRecord
from pretrace.settings import ModelKind
from pretrace.settings.models.head import HeadSettings
from pretrace.settings.training import FinetuneSettings

SystemName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
"""As in the settings: it is part of a path."""


class CellRecord(Record):
    """The files that the fine-tunings of one variant on one task read."""

    system: SystemName
    """System of the variant."""
    kind: ModelKind
    """Kind of its model."""
    settings: dict[str, dict[str, Any]]
    """Its `finetune` and sizes of models at the scale: with others another result would come out of the same files."""
    files: dict[str, str]
    """SHA-256 of each file, by its path from the root: rows as ids, vocabulary, and weights of a pre-trained one."""


class FinetuneFacts(Record):
    """Facts of one variant on one task that are known before training."""

    task: str
    """Name of the task in params.yaml."""
    kind: str
    """Kind of the task."""
    variant: str
    """Name of the variant in params.yaml."""
    metric: str
    """Name of the metric."""
    unavailable: str | None
    """Why the task has no rows; else null."""
    n_train: int
    """Training rows."""
    n_dev: int
    """Rows that choose the best epoch."""
    n_eval: int
    """Test rows."""
    seeds: list[int]
    """Seeds of fine-tuning: with scores one for each of them, so that they repeat for each pre-training."""
    lr: float
    """Peak learning rate."""
    epochs: int
    """Passes over the training rows."""
    lm_weight: float
    """Weight of the auxiliary language-model loss."""


class FinetuneReport(FinetuneFacts):
    """The scores of all seeds of one variant on one task, and what they were made with."""

    score: float | None
    """Median over seeds of the metric on the test rows; null without rows."""
    scores: list[float]
    """The metric for each fine-tuning: for each pre-training one a seed."""
    pretrain_seeds: list[int] = Field(default_factory=list)
    """For each of `scores` the seed of the pre-training that it started from; empty where there was none."""
    stderr: float | None
    """Standard error of `score` from the draw of the test rows."""
    dev_scores: list[float] = Field(default_factory=list)
    """For each of `scores` the metric on the dev rows after the best epoch."""
    best_epochs: list[int] = Field(default_factory=list)
    """For each of `scores` the epoch that is best on dev, from 1."""
    best_seed: int | None = None
    """Seed of the fine-tuning that is best on dev: its model is saved."""
    best_pretrain_seed: int | None = None
    """Seed of the pre-training that it started from; null without one."""
    cut: dict[str, int]
    """By split the rows that are too long for the context and are cut."""
    tokens: int
    """Tokens read in training, over all fine-tunings."""
    flops: int
    """Floating-point operations of all fine-tunings."""


class LabelScale(Record):
    """Mean and spread that standardize the labels of a regression; 0 and 1 leave them as they are."""

    mean: float
    spread: float
    """Standard deviation."""


class TaskCurvePoint(Record):
    """A point of a fine-tuning's loss curve."""

    step: int
    """Optimizer steps so far."""
    loss: float
    """Loss of the task alone, mean over the steps since the point before."""


class SeedScores(Record):
    """The scores of one seed, and the predictions that they are of."""

    seed: int
    dev_scores: list[float]
    """The metric on the dev rows after each epoch."""
    best_epoch: int
    """From 1."""
    test_score: float
    """The metric on the test rows, with the weights after the best epoch."""
    predictions: list[float]
    """For each test row a class id, a choice's index, or a number."""
    probabilities: list[list[float]] | None
    """For each test row those of the classes or choices; null for regression."""
    curve: list[TaskCurvePoint]


class SeedResult(SeedScores):
    """The result of one seed of a fine-tuning."""

    tokens: int
    """Tokens read in training."""
    flops: int
    """Floating-point operations of training, of the choice of the epoch and of the test rows."""
    label_scale: LabelScale
    model: ModelConfig


class FinetuneRecipe(FinetuneSettings, Record):
    """The settings of one fine-tuning: those of the scale, after the run's, the task's and the variant's own."""

    kind: str
    """Kind of the task."""
    metric: str
    """Name of the metric."""
    outputs: int = Field(ge=1, le=1_000_000)
    """Outputs of the classifier: classes; 1 for multiple choice and plain regression; classes of a soft label."""
    train_share: float = 1.0
    """Share of the training rows that are used."""
    head_strength: float | None = None
    """Inverse strength of the penalty when the classifier is fitted first; null: chosen on training rows."""
    first_id: int | None = None
    """Token that begins a sequence, with `input_format: segments`."""
    separator_id: int | None = None
    """Token that ends each text, with `input_format: segments`."""


class FinetunedConfig(TaskRecord):
    """A fine-tuned model: its task, its recipe and its sizes. Enough to use it after the settings have changed."""

    system: SystemName = "gpt1"
    """System of the variant, whose vocabulary the model reads; missing in files of older versions."""
    seed: int
    """Seed of the fine-tuning whose weights are saved, the best on dev."""
    pretrain_seed: int | None = None
    """Seed of the pre-training that it started from; null without one."""
    recipe: FinetuneRecipe
    model: ModelConfig
    label_scale: LabelScale


class HeadConfig(TaskRecord):
    """A head on frozen features: its task, its settings and its sizes."""

    system: SystemName
    """System of the variant, whose model and vocabulary the features are from."""
    seed: int
    """Seed of the head whose weights are saved, the best on dev."""
    pretrain_seed: int | None = None
    """Seed of the pre-training whose features it reads; null without one."""
    head: HeadSettings
    outputs: int
    """Outputs of the classifier: classes; 1 for multiple choice and plain regression; classes of a soft label."""
    layers: int
    """Layers of the model that the head mixes."""
    width: int
    """Width of a state."""
    label_scale: LabelScale


class DevScores(Record):
    """A finished fine-tuning of a search."""

    dev_scores: list[float]
    """The metric on the dev rows after each epoch."""


class SearchedSetting(Record):
    """One setting of one variant on one task."""

    task: str
    """Name of the task in params.yaml."""
    variant: str
    """Name of the variant in params.yaml."""
    lr_factor: float
    """Factor of the peak fine-tuning rate of the run or the task."""
    lr: float
    """Peak learning rate."""
    epochs: int
    """Passes over the training rows."""
    dev_scores: list[float]
    """For each seed the metric on the dev rows after the best epoch."""


class SearchRecord(Measured):
    """A search on dev: every setting for every variant on every task, and what it was made from."""

    scale: str
    """Name of the scale, such as laptop."""
    variants: list[str]
    """Variants that were searched for, each with the same settings."""
    lr_factors: list[float]
    """Factors of the learning rate that were tried."""
    epochs: list[int]
    """Numbers of passes that were tried."""
    seeds: list[int]
    """Seeds of fine-tuning."""
    settings: list[SearchedSetting]
    """By task, variant, factor and passes."""
    made_from: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of what decides the scores: `code`, `settings`, `weights`, and of each task its rows, `task <task>`."""
    seconds: float
    """Wall-clock seconds of the search, without what an earlier run or the stage `finetune` had finished."""
    fine_tunings: int
    """Fine-tunings of those seconds."""
