"""Adam with decoupled weight decay, and the paper's two schedules (sections 4.1 and 4.2)."""

from __future__ import annotations

import math

import torch
from torch import nn

from pretrace.settings import OptimiserSettings


def build_optimiser(module: nn.Module, settings: OptimiserSettings) -> torch.optim.AdamW:
    """torch's fused AdamW; decay on tensors of rank two and more, as in the released code. The loop sets the rate."""
    decayed = [p for p in module.parameters() if p.dim() > 1]
    plain = [p for p in module.parameters() if p.dim() <= 1]
    return torch.optim.AdamW(
        [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}],
        lr=0.0,
        betas=(settings.beta1, settings.beta2),
        fused=True,
    )


def warmup_cosine(step: int, steps: int, warmup: int) -> float:
    """Factor on the rate at update `step` (from 0): rising to 1 over `warmup` updates, then a cosine to 0."""
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def warmup_linear(step: int, steps: int, warmup_share: float) -> float:
    """Factor on the rate at update `step` (from 0): rising over a share of the updates, times a fall to 0 over all.

    As released: the fall also multiplies the rise.
    """
    done = (step + 1) / steps
    rise = min(1.0, done / warmup_share) if warmup_share > 0 else 1.0
    return rise * (1 - step / steps)
