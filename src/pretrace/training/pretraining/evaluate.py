"""The mean losses of a language model over sequences, and the metrics that follow from them."""

from __future__ import annotations

import math
from typing import Any

import torch

from pretrace.common.errors import PretraceError
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.models import MemoryLoss
from pretrace.schemas.tokens import Manifest
from pretrace.training.engine.device import Device
from pretrace.training.objectives import MicroBatch, Objective, Sequences


@torch.no_grad()
def validation_losses(
    model: LanguageModel, objective: Objective, sequences: Sequences, device: Device, batch_size: int = 32
) -> dict[str, float]:
    """Return the mean losses (nats) over sequences, without dropout, by their names.

    Raises:
        PretraceError: one is not finite.
    """
    totals: dict[str, Any] = dict.fromkeys(objective.losses, 0)
    for first in range(0, len(sequences), batch_size):
        rows = sequences.rows(slice(first, first + batch_size)).to(device.name)
        numbers = range(first, first + len(rows))
        batch = MicroBatch(rows.ids_BT, numbers, len(sequences), seed=0, step=0, masked=rows.masked)
        for name, loss in objective.measure(model, batch, 0.0, device).items():
            totals[name] = totals[name] + loss.double()
    losses = {name: float(total) for name, total in totals.items()}
    for name, mean in losses.items():
        if not math.isfinite(mean):
            raise PretraceError(
                f"{name} is {mean} on the validation text, so the weights have grown beyond what can be computed with; "
                "in training, a lower learning rate or weight decay usually helps"
            )
    return losses


def memory_losses(model: LanguageModel, objective: Objective, validation: Sequences, device: Device) -> dict[str, Any]:
    """Return the losses with other lengths of memory as a metric, or nothing.

    Raises:
        PretraceError: one is not finite.
    """
    losses = [
        MemoryLoss(memory=length, val_loss=round(validation_losses(model, other, sequences, device)["val_loss"], 6))
        for length, other, sequences in objective.variations(validation, model)
    ]
    return {"memory_losses": losses} if losses else {}


def model_metrics(model: LanguageModel, losses: dict[str, float], manifest: Manifest) -> dict[str, Any]:
    """Return the metrics of any language model: its size, its losses (nats), and what follows from `val_loss`, or
    from the mean over both directions.

    A masked model's loss has other names: it predicts a token from those on both sides, so it is no perplexity.
    """
    metrics: dict[str, Any] = {name: round(loss, 6) for name, loss in losses.items()}
    loss = losses.get("val_loss", losses.get("val_both_loss"))
    if loss is not None:
        validation = manifest.splits["validation"]
        metrics["val_perplexity"] = round(math.exp(min(loss, 700.0)), 4)
        metrics["val_bits_per_byte"] = round(loss / math.log(2) * validation.tokens / validation.bytes, 6)
    return metrics | {"parameters": sum(p.numel() for p in model.parameters())}
