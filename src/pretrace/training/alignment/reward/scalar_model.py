"""A language model with a scalar head: the reward model, and the value network that starts as its copy.

Shapes: K places, C hidden width.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from pretrace.common.errors import PretraceError
from pretrace.model.checkpoints.load import described_model
from pretrace.model.checkpoints.safetensors_file import WeightsFile, load_module, save_tensors
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.alignment.records import ScalarConfig
from pretrace.schemas.record import read_record, write_record
from pretrace.training.alignment.text.conversation import Rendered
from pretrace.training.alignment.text.packing import PackedTexts
from pretrace.training.engine.device import Device

CONFIG, WEIGHTS = "reward.json", "reward.safetensors"


class ScalarModel(nn.Module):
    """A number for each token: gain x head(state) + offset.

    Args:
        body: the language model, whose output is not used.
        seed: of the head, drawn from N(0, 1 / sqrt(width + 1)); its bias is 0 (lm-human-preferences).
    """

    def __init__(self, body: LanguageModel, seed: int = 0) -> None:
        super().__init__()
        self.body = body
        self.head = nn.Linear(body.width, 1)
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            self.head.weight.normal_(0.0, 1 / math.sqrt(body.width + 1), generator=generator)
            self.head.bias.zero_()
        self.gain, self.offset = 1.0, 0.0

    def forward(self, packed: PackedTexts, places_K: Tensor) -> Tensor:
        """Return the numbers (K,) at places of a row of texts, float32."""
        head_K: Tensor = self.head(packed.states(self.body)[places_K].float())[:, 0]
        return self.gain * head_K + self.offset


@torch.no_grad()
def rewards(model: ScalarModel, texts: Sequence[Rendered], device: Device, batch_size: int = 128) -> np.ndarray:
    """Return the reward (B,) of each text, read at its last token: float64.

    Raises:
        PretraceError: one is not a number; the text is named by its index.
    """
    parts = []
    for first in range(0, len(texts), batch_size):
        packed = PackedTexts.of(texts[first : first + batch_size], device.name)
        with device.autocast():
            parts.append(model(packed, packed.last_B).double().cpu().numpy())
    found_B = np.concatenate(parts)
    if bad := np.flatnonzero(~np.isfinite(found_B)).tolist():
        raise PretraceError(f"reward of text {bad[0] + 1} of {len(texts)} is {found_B[bad[0]]}: not a finite number")
    return found_B


def calibrate(model: ScalarModel, texts: Sequence[Rendered], device: Device) -> None:
    """Set gain and offset so that these texts, of the start policy, have rewards of mean 0 and variance 1.

    Raises:
        PretraceError: all rewards are the same.
    """
    found_B = (rewards(model, texts, device) - model.offset) / model.gain
    spread = float(found_B.std())
    if spread == 0:
        raise PretraceError(f"the reward model gives all {len(texts)} answers the same reward; train it longer")
    model.gain, model.offset = 1 / spread, -float(found_B.mean()) / spread


def save_scalar_model(folder: Path, model: ScalarModel) -> None:
    """Write sizes, gain, offset and weights into an existing folder."""
    config = ScalarConfig(model=model.body.describe(), gain=model.gain, offset=model.offset)
    write_record(folder / CONFIG, config)
    save_tensors(folder / WEIGHTS, model)


def load_scalar_model(folder: Path) -> ScalarModel:
    """Read what `save_scalar_model` wrote.

    Raises:
        PretraceError: a file is missing or damaged.
    """
    config = read_record(folder / CONFIG, ScalarConfig)
    make, layers = described_model(config.model, folder / CONFIG, "model")
    model = load_module(lambda: ScalarModel(make()), layers, WeightsFile(folder / WEIGHTS), folder / CONFIG)
    model.gain, model.offset = config.gain, config.offset
    return model
