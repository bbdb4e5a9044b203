"""Supervised fine-tuning on demonstrations: the first step of InstructGPT.

All that decides the weights is in this module and in what it imports.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from pretrace.common.code import code_hash
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel
from pretrace.model.loss import next_token_loss
from pretrace.settings.alignment.stages import Demonstrations
from pretrace.training.alignment.loop import Row, device_part, run_epochs
from pretrace.training.alignment.text.conversation import Rendered
from pretrace.training.alignment.text.packing import PackedTexts, check_fits
from pretrace.training.engine.device import Device


def sft_loss(model: LanguageModel, packed: PackedTexts, device: Device, dropout: Dropout | None = None) -> Tensor:
    """Return the mean loss (nats) over the trained tokens of a batch: every token counts the same."""
    weights_K = torch.full(packed.targets_K.shape, 1 / len(packed.targets_K), device=packed.ids_N.device)
    with device.autocast():
        h_KC = packed.states(model, dropout)[packed.places_K]
        return next_token_loss(model, h_KC, packed.targets_K, weights_K, device.dtype, dropout)


def train_on_demonstrations(
    name: str,
    model: LanguageModel,
    texts: Sequence[Rendered],
    settings: Demonstrations,
    seed: int,
    device: Device,
    start: str,
    publish: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Train a model, in place, on texts of which the answers alone are predicted; return the curve.

    Args:
        name: of the training, for messages.
        seed: of the order of the texts and of dropout.
        start: hash of the weights that the model has.

    Raises:
        PretraceError: a text does not fit the context, or as `run_phase`.
    """
    check_fits(texts, model.context, name)

    def loss(step: int, numbers: np.ndarray) -> Tensor:
        packed = PackedTexts.of([texts[number] for number in numbers], device.name)
        return sft_loss(model, packed, device, packed.dropout(settings.dropout, seed, step))

    parts = {"start": start, "texts": hash_of_texts(texts), "device": device_part(device), "code": code_hash(__name__)}
    return run_epochs(name, model, settings, len(texts), loss, seed, parts, publish)


def hash_of_texts(texts: Sequence[Rendered]) -> str:
    """Return the SHA-256 of the ids of texts and of which are trained."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(np.int64(len(text.ids_T)).tobytes() + text.ids_T.astype(np.int64).tobytes())
        digest.update(text.trained_T.astype(bool).tobytes())
    return digest.hexdigest()


@torch.no_grad()
def demonstration_loss(model: LanguageModel, texts: Sequence[Rendered], device: Device, batch_size: int = 64) -> float:
    """Return the mean loss (nats) over the trained tokens of all texts."""
    total, tokens = 0.0, 0
    for first in range(0, len(texts), batch_size):
        packed = PackedTexts.of(texts[first : first + batch_size], device.name)
        total += float(sft_loss(model, packed, device)) * len(packed.targets_K)
        tokens += len(packed.targets_K)
    return total / tokens
