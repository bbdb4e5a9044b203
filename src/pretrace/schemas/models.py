"""Pre-trained language models: their configuration, their metrics and texts that they write."""

from __future__ import annotations

from typing import Any

from pydantic import Field, model_validator

from pretrace.schemas.record import Measured, Record
from pretrace.settings import TRANSFORMER, ModelKind

VALIDATION_LOSSES = {
    "val_loss": "of next tokens",
    "val_masked_loss": "of masked tokens",
    "val_both_loss": "of both directions",
    "val_pair_loss": "of pairs of words",
}
"""Validation losses, of which a model has one, and the quantities."""


class ModelConfig(Record):
    """Everything needed to build the model that the weights beside it fit."""

    kind: ModelKind
    """Kind of model."""
    vocabulary_size: int = Field(ge=1, le=10**9)
    """Token ids, and rows of the token embedding."""
    context: int = Field(ge=1, le=10**9)
    """Tokens that the model was trained to read at once."""
    settings: dict[str, Any]
    """Sizes of the model, with the keys of `model`, or of the section that is called like its kind."""


class ContinuedMetrics(Record):
    """Losses of a model that was trained further, in nats/token; beside its `val_loss` (of masked tokens:
    `val_masked_loss`), which is after training.
    """

    weights_sha256: str
    """Hash of the files of the weights that training went on from."""
    val_loss_before: float
    """Loss of these weights on the validation documents of this corpus."""
    old_loss_before: float | None = None
    """Loss of these weights on `pretrain.old_text`."""
    old_loss: float | None = None
    """Loss of the trained model on `pretrain.old_text`."""
    old_tokens: int | None = None
    """Tokens of `pretrain.old_text`, in whole sequences."""


class ReadSource(Record):
    """A source of the training text, as a mix has it (GPT-3, table 2.2)."""

    tokens: int
    """Tokens of its training text."""
    weight: float
    """Share of the sequences that were read."""
    epochs: float
    """Tokens that were read of it, over `tokens`."""


class MemoryLoss(Record):
    """A validation loss with a length of memory."""

    memory: int
    """Tokens of the text before a segment whose states are remembered; 0: windows of the context, as models without
    memory are read."""
    val_loss: float
    """Cross-entropy on the validation documents, in nats/token."""


class LanguageModelMetrics(Record):
    """Validation metrics and size of one pre-trained model."""

    val_loss: float | None = None
    """Cross-entropy on the validation documents, in nats/token. Missing for a model of masked tokens."""
    val_perplexity: float | None = None
    """exp(val_loss), per token. Missing for a model of masked tokens."""
    val_bits_per_byte: float | None = None
    """The same loss in bits per UTF-8 byte of the raw text: comparable between tokenizers. Missing for a model of
    masked tokens."""
    val_masked_loss: float | None = None
    """Of a model of masked tokens: cross-entropy of masked tokens of the validation documents, always the same ones, in
    nats/token. Each is predicted from the tokens on both sides, so this is comparable with no `val_loss`."""
    val_next_sentence_loss: float | None = None
    """Of a model with next-sentence prediction: its cross-entropy on pairs of validation texts, in nats/pair; 0.693 for
    one that guesses."""
    val_both_loss: float | None = None
    """Of a model of both directions: the mean of their cross-entropies on the validation documents, in nats/token, with
    the perplexity and bits/byte that follow from it."""
    val_pair_loss: float | None = None
    """Of word vectors: the loss of skip-gram with negative sampling on the validation documents, in nats/pair of words;
    comparable with no other loss."""
    memory_losses: list[MemoryLoss] | None = None
    """Of a model with memory, for `pretrain.objective.evaluation_memory`; `val_loss` is with that of training."""
    parameters: int
    """Trained parameters, tied ones once."""
    steps: int
    """Optimizer steps; 0 for weights from elsewhere."""
    tokens: int
    """Tokens read in training."""
    epochs: float | None = None
    """`tokens` over the tokens of the training text."""
    mix: dict[str, ReadSource] | None = None
    """By source, with `corpus.mix`."""
    flops: int
    """Floating-point operations of training."""
    petaflop_s_days: float | None = None
    """`flops` in the unit of the paper's figures (GPT-1: 0.96)."""
    seeds: list[int] = Field(default_factory=list)
    """Seeds of pre-training; empty for weights from elsewhere. The numbers above are of the first one."""
    val_losses: list[float] = Field(default_factory=list)
    """For each of `seeds` the validation loss, whichever of the above it is."""
    continued: ContinuedMetrics | None = None
    """Gain on this corpus and loss on an old text, with `pretrain.continue_from`."""

    @model_validator(mode="after")
    def _has_one_loss(self) -> LanguageModelMetrics:
        if sum(getattr(self, name) is not None for name in VALIDATION_LOSSES) != 1:
            raise ValueError(f"needs one of {', '.join(f'`{name}`' for name in VALIDATION_LOSSES)}, and no more")
        return self

    @property
    def loss(self) -> tuple[str, float]:
        """Name and value of the validation loss."""
        return next((name, value) for name in VALIDATION_LOSSES if (value := getattr(self, name)) is not None)

    @property
    def loss_of(self) -> str:
        """The quantity of the validation loss, in words that follow "loss"."""
        return VALIDATION_LOSSES[self.loss[0]]


class PretrainReport(LanguageModelMetrics):
    """Metrics of a system's pre-training."""

    kind: ModelKind | None = None
    """Kind of model, if it is no transformer."""
    systems: dict[str, PretrainReport] = Field(default_factory=dict)
    """Metrics of further systems, by name; in reports/pretrain.json alone."""

    @property
    def model(self) -> ModelKind:
        """Kind of model."""
        return self.kind or TRANSFORMER


class Sample(Record):
    """A text that a model wrote."""

    prompt: str
    text: str
    """Prompt and continuation, as the tokenizer decodes them."""


class CurvePoint(Record):
    """A point of a loss curve."""

    step: int
    """Optimizer steps so far."""
    loss: float | None = None
    """Training loss of the step's batch, in nats/token (in the curve of training)."""
    lr: float | None = None
    """Learning rate of the step (in the curve of training)."""
    val_loss: float | None = None
    """Validation loss in nats/token (in the curve of validation)."""
    val_masked_loss: float | None = None
    """The same of a model of masked tokens: the cross-entropy of masked tokens alone."""
    val_both_loss: float | None = None
    """The same of a model of both directions: their mean."""

    @property
    def validation_loss(self) -> float | None:
        """The loss of whichever kind; None in the curve of training."""
        losses = (self.val_loss, self.val_masked_loss, self.val_both_loss)
        return next((loss for loss in losses if loss is not None), None)


class Rung(Record):
    """One size of a ladder, pre-trained."""

    layers: int
    width: int
    heads: int
    lr: float
    """Peak learning rate."""
    parameters: int
    tokens: int
    """Tokens read, the same at every size."""
    flops: int
    val_loss: float
    """Cross-entropy on the validation documents, in nats/token."""
    curve: list[list[float]]
    """Pairs: FLOPs so far and the validation loss on the way."""


class PowerLaw(Record):
    """loss = factor x size^-exponent, fitted to all sizes but the largest."""

    exponent: float
    interval: list[float]
    """Of the exponent, 95 %."""
    factor: float
    predicted: float
    """Loss of the largest size."""
    predicted_interval: list[float]
    """Of this loss, 95 %."""


class LadderRecord(Measured):
    """A ladder of sizes, and what it was made with."""

    scale: str
    """Name of the scale whose proportions and tokens the sizes have."""
    seed: int
    """Seed of pre-training."""
    rungs: list[Rung]
    """From the smallest."""
    by_parameters: PowerLaw
    by_flops: PowerLaw
    seconds: float
    """Wall-clock seconds, without what an earlier run had finished."""


class TriedRate(Record):
    """A short pre-training of a search."""

    lr: float
    """Peak learning rate."""
    loss: float
    """Validation loss at its end, of the kind that `SystemRates.loss` names."""


class SystemRates(Record):
    """The short pre-trainings of one system."""

    loss: str
    """Name of the loss: val_loss, or val_masked_loss of a model of masked tokens."""
    steps: int
    """Optimizer steps of each."""
    tried: list[TriedRate]
    """In the order of the factors."""
    best: float
    """The rate with the lowest loss, the first of equals."""


class RatesRecord(Measured):
    """A search for the peak learning rate of pre-training: the same factors and share of steps for each system."""

    scale: str
    """Name of the scale."""
    seed: int
    """Seed of pre-training."""
    lr: float
    """The rate that the factors multiply: that of the scale's file."""
    lr_factors: list[float]
    """Factors that were tried."""
    systems: dict[str, SystemRates]
    """By system."""
    seconds: float
    """Wall-clock seconds, without what an earlier run had finished."""
