"""Training objectives: how a batch of token ids becomes targets, and the loss of predicting them.

An objective is a module of this package; pretrace.training.pretraining hands it to the trainer.

Shapes, as suffixes of names: B sequences, T tokens of a sequence, N predicted tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from torch import Tensor

from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel
from pretrace.training.engine.device import Device


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

    def targets(self, batch: MicroBatch) -> Targets:
        """Return what is to be predicted in a micro-batch; the weights of a whole batch sum to 1."""

    def loss(self, model: LanguageModel, batch: MicroBatch, dropout: float, device: Device) -> Tensor:
        """Return a micro-batch's share of the batch's mean loss (nats/token).

        Args:
            dropout: rate, from 0 to 1.
        """
