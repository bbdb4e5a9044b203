"""Floating-point operations (FLOPs): what training takes, and how many per second the device can do."""

from __future__ import annotations

import time

import numpy as np
import torch

from pretrace.model.language_model import LanguageModel
from pretrace.training.engine.device import Device

PETAFLOP_S_DAY = 1e15 * 86400
"""Floating-point operations."""
GPT1_PETAFLOP_S_DAYS = 0.96
"""GPT-1's pre-training, by its authors' page."""


def flops_per_token(model: LanguageModel, predicted_share: float = 1.0) -> int:
    """Return the FLOPs of training on one token: 6 for each weight that is multiplied, and attention.

    Embedding look-ups are not counted, the tied output is. Causal attention is 6 x layers x width x context, as half of
    the products are masked; outputs of a whole sequence, such as BERT's pooler, are left out. With memory, attention
    includes its keys; vectors of distances are projected once for a batch, and left out.

    Args:
        predicted_share: share of tokens that the output predicts from; a masked model's is its mask rate.
    """
    segment = model.context - model.memory
    attention = 3 * model.attention_flops(np.array([segment]), model.memory)
    inner = model.multiplied_weights(predicts=False)
    output = round(6 * predicted_share * (model.multiplied_weights() - inner))
    return 6 * inner + output + round(attention / segment)


def flops_of_sequences(model: LanguageModel, lengths: np.ndarray, trained: bool, predicts: bool) -> int:
    """Return the FLOPs of reading sequences, counted as above, but for their own lengths.

    Args:
        model: without a task's head, which is small beside it.
        lengths: tokens of each sequence.
        trained: adds a backward pass, which takes twice as much as the forward pass.
        predicts: adds the prediction of the next tokens: the tied output.
    """
    multiplied = model.multiplied_weights(predicts)
    per_pass = 2 * multiplied * int(lengths.sum()) + model.attention_flops(lengths)
    return (3 if trained else 1) * per_pass


def peak_flops(device: Device, seconds: float = 0.3) -> float:
    """Measure and return the FLOPs per second of large matrix products, as CPUs state none."""
    a, b = (torch.randn(2048, 1024, device=device.name).to(device.dtype) for _ in range(2))
    count, started = 0, time.monotonic()
    while (spent := time.monotonic() - started) < seconds or count < 3:
        a @ b.T
        if device.name == "cuda":
            torch.cuda.synchronize()
        count += 1
    return count * 2 * 2048 * 2048 * 1024 / spent
