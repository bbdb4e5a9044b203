"""How well a language model predicts text: the loss of sequences, over a batch or over all of the validation text."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

from pretrace.common.errors import PretraceError
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel
from pretrace.model.loss import language_model_loss
from pretrace.tokens.shards import Shards
from pretrace.training.engine.device import Device


def sequence_loss(
    model: LanguageModel, ids_BT: Tensor, device: Device, dropout: Dropout | None, sequences: int
) -> Tensor:
    """Mean loss a token over a batch of `sequences`, of which `ids_BT` are some (nats)."""
    B, T = ids_BT.shape
    weights_BT = torch.full((B, T), 1.0 / (sequences * (T - 1)), device=ids_BT.device)
    with device.autocast():
        h_BTC = model.hidden(ids_BT, dropout)
        return language_model_loss(model, h_BTC, ids_BT, weights_BT, device.dtype, dropout)


@torch.no_grad()
def validation_loss(model: LanguageModel, ids_NT: Tensor, device: Device, batch: int = 32) -> float:
    """Mean loss a token (nats) over sequences (N, T), without dropout."""
    losses = [sequence_loss(model, ids.to(device.name), device, None, len(ids_NT)) for ids in ids_NT.split(batch)]
    return float(sum(loss.double() for loss in losses))


def windows(shards: Shards, context: int) -> Tensor:
    """The validation text as sequences that follow each other, (N, context); what is left over at its end is not read.

    Raises:
        PretraceError: there is not enough for one.
    """
    count = shards.tokens // context
    if not count:
        raise PretraceError(
            f"validation has {shards.tokens} tokens, fewer than one sequence of {context}; give more text, or raise "
            "corpus.validation_share in params.yaml"
        )
    return torch.from_numpy(shards.read(0, count * context)).view(count, context)


def describe(model: nn.Module, val_loss: float, manifest: dict[str, Any]) -> dict[str, Any]:
    """What there is to say of any language model: its loss on the validation text (nats a token), and its size."""
    validation = manifest["splits"]["validation"]
    bits_per_byte = val_loss / math.log(2) * validation["tokens"] / validation["bytes"]
    return {
        "val_loss": round(val_loss, 6),
        "val_perplexity": round(math.exp(min(val_loss, 700.0)), 4),
        "val_bits_per_byte": round(bits_per_byte, 6),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
