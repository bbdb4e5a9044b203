"""The mean loss of a language model over sequences, and the metrics that follow from it."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.tokens import Manifest
from pretrace.tokens.shards import Shards
from pretrace.training.engine.device import Device
from pretrace.training.objectives import MicroBatch, Objective


@torch.no_grad()
def validation_loss(
    model: LanguageModel, objective: Objective, ids_NT: Tensor, device: Device, batch_size: int = 32
) -> float:
    """Return the mean loss (nats/token) over sequences (N, T), without dropout."""
    losses = []
    for first in range(0, len(ids_NT), batch_size):
        ids_BT = ids_NT[first : first + batch_size].to(device.name)
        batch = MicroBatch(ids_BT, range(first, first + len(ids_BT)), len(ids_NT), seed=0, step=0)
        losses.append(objective.loss(model, batch, 0.0, device))
    return float(sum(loss.double() for loss in losses))


def validation_sequences(shards: Shards, context: int) -> Tensor:
    """Return the validation text as consecutive sequences, (N, context), without the rest at its end.

    Raises:
        PretraceError: there are too few tokens for one.
    """
    count = shards.tokens // context
    if not count:
        raise PretraceError(
            f"validation has {shards.tokens} tokens, fewer than one sequence of {context}; give more text, or raise "
            "corpus.validation_share in params.yaml"
        )
    return torch.from_numpy(shards.read(0, count * context)).view(count, context)


def model_metrics(model: LanguageModel, val_loss: float, manifest: Manifest) -> dict[str, Any]:
    """Return the metrics of any language model: those of its validation loss (nats/token), and its size."""
    validation = manifest.splits["validation"]
    bits_per_byte = val_loss / math.log(2) * validation.tokens / validation.bytes
    return {
        "val_loss": round(val_loss, 6),
        "val_perplexity": round(math.exp(min(val_loss, 700.0)), 4),
        "val_bits_per_byte": round(bits_per_byte, 6),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
