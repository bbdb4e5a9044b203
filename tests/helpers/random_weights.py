"""Weights for tests of parity: large enough that every part of a model matters."""

from __future__ import annotations

import torch
from torch import nn


@torch.no_grad()
def draw(model: nn.Module, seed: int) -> None:
    """Numbers everywhere, biases and gains too, so large that logits spread over some units."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        parameter.normal_(0.0, 0.1 if "embedding" in name or parameter.dim() == 1 else 0.04, generator=generator)
        if "norm" in name and name.endswith("weight"):
            parameter.add_(1.0)
