"""Training objectives: how a batch of token ids becomes targets, and the loss of predicting them.

An objective is a module of this package; pretrace.training.pretraining hands it to the trainer.

Shapes, as suffixes of names: B sequences, T tokens of a sequence, N predicted tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import numpy as np
from torch import Tensor

from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel
from pretrace.tokens.shards.read import Shards, TokenStream
from pretrace.training.distributed.carried_states import Memory
from pretrace.training.engine.device import Device

QUICK_SEQUENCES = 128
"""Validation sequences read for the curve; the figure at the end is over all of them."""


@dataclass(frozen=True)
class MaskedRows:
    """The parts of sequences that masked language modeling has beside their ids."""

    targets_BT: Tensor
    """Tokens to predict at their own places; -1 where there are none."""
    predicted: int
    """Tokens to predict in the whole batch, on all ranks."""
    lengths_B: Tensor | None
    """Tokens of each sequence, which is padded on the right; None: all are as long as the context."""
    segments_BT: Tensor | None = None
    """Segment of each token; None: 0 throughout."""
    random_B: Tensor | None = None
    """1 where the second text of a sequence does not follow the first, otherwise 0; None: no pairs."""

    def map(self, function: Callable[[Tensor], Tensor]) -> MaskedRows:
        """Return the same with a function applied to each tensor."""
        found = vars(self).items()
        changed: dict[str, Any] = {name: function(value) for name, value in found if isinstance(value, Tensor)}
        return replace(self, **changed)


@dataclass(frozen=True)
class Sequences:
    """Sequences as an objective has the model read them."""

    ids_BT: Tensor
    masked: MaskedRows | None = None
    """None: the next tokens are predicted."""
    continues: bool = False
    """True if each goes on where the same one of the step before ends."""

    def __len__(self) -> int:
        return len(self.ids_BT)

    def rows(self, chosen: slice) -> Sequences:
        """Return some of them, still as parts of the same batch."""
        return self.map(lambda x: x[chosen])

    def first(self, count: int) -> Sequences:
        """Return the first ones, as a batch of their own."""
        part = self.rows(slice(count))
        if part.masked is None:
            return part
        predicted = int((part.masked.targets_BT >= 0).sum())
        return replace(part, masked=replace(part.masked, predicted=max(1, predicted)))

    def map(self, function: Callable[[Tensor], Tensor]) -> Sequences:
        """Return the same with a function applied to each tensor."""
        return replace(self, ids_BT=function(self.ids_BT), masked=self.masked and self.masked.map(function))

    def to(self, device: str) -> Sequences:
        """Return the same on a device; a copy to a GPU goes on in the background."""
        if device == "cpu":
            return self
        return self.map(lambda x: x.pin_memory().to(device, non_blocking=True))


@dataclass(frozen=True)
class MicroBatch:
    """Sequences of a batch that are read at once, and what their random numbers depend on."""

    ids_BT: Tensor
    """Token ids, on the model's device."""
    sequences: Sequence[int]
    """Numbers of these sequences in the batch."""
    batch_size: int
    """Sequences of the batch: of all its micro-batches, on all ranks."""
    seed: int
    step: int
    """Optimizer step, counted from 0."""
    masked: MaskedRows | None = None
    """None: the next tokens are predicted."""
    memory: Memory | None = None
    """Of these sequences, for a model that has one; None: there is none, and none is kept."""

    def dropout(self, rate: float) -> Dropout | None:
        """Return the dropout of these sequences, which no other sequences of the batch change."""
        return Dropout(rate, self.seed, self.step, self.sequences) if rate else None


class Targets(NamedTuple):
    """Tokens to predict."""

    positions_N: Tensor
    """Where each is predicted from, counted through the (B x T) hidden states."""
    ids_N: Tensor
    """The tokens."""
    weights_N: Tensor
    """Weight of each token's cross-entropy, float32."""


class Objective(Protocol):
    """A training objective."""

    predicted_share: float
    """Share of tokens that the output predicts from."""
    predicts_alike: bool = False
    """True if as many tokens of each sequence are predicted, sequence by sequence: units then have as many rows."""
    losses: tuple[str, ...]
    """Names of the losses of validation; the first is that of the curve."""

    def fingerprint(self) -> dict[str, object]:
        """Return what the result depends on beside the settings, the shards and the code."""

    def reader(self, shards: Shards, context: int, seed: int) -> Callable[[range, range], Sequences]:
        """Return a function that reads some sequences of a batch, given by their numbers in it.

        The batch is given by the numbers of its sequences, counted from the first one of the training.
        """

    def documents(self, shards: Shards, context: int, batch: range, seed: int) -> list[int]:
        """Return the documents that a batch is from, by their numbers in the stream."""

    def validation(self, shards: TokenStream, context: int) -> Sequences:
        """Return the sequences of the validation text.

        Raises:
            PretraceError: there are none.
        """

    def quick(self, validation: Sequences, context: int) -> Sequences:
        """Return the part of the validation sequences that is read for the curve."""
        return validation.first(QUICK_SEQUENCES)

    def variations(self, validation: Sequences, model: LanguageModel) -> list[tuple[int, Objective, Sequences]]:
        """Return other lengths of memory that the loss is also measured with at the end, each with how and on what."""
        return []

    def example(self, ids: np.ndarray) -> Sequences:
        """Return sequences made of random ids (B, T), which take as long as others."""

    def example_memory(self, model: LanguageModel, rows: int) -> Memory | None:
        """Return as much memory as sequences have in training; None: none."""
        return None

    def measure(self, model: LanguageModel, batch: MicroBatch, dropout: float, device: Device) -> dict[str, Tensor]:
        """Return a micro-batch's shares of the batch's mean losses (nats), by their names in `losses`."""

    def loss(self, model: LanguageModel, batch: MicroBatch, dropout: float, device: Device) -> Tensor:
        """Return a micro-batch's share of the batch's mean loss (nats/token).

        Args:
            dropout: rate, from 0 to 1.
        """
