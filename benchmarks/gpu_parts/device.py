"""The device that gpu.py runs on."""

from __future__ import annotations

from typing import Any

from pretrace.preflight.check import H100_FLOPS

STATED_PEAKS = {"H100": H100_FLOPS, "H200": H100_FLOPS, "A100": 312e12, "RTX 4090": 165e12}
"""FLOP/s of dense bfloat16 products, by a part of the device's name (NVIDIA's data sheets; of the H100 with SXM)."""


def device_name() -> str:
    """Return the GPU's name; "cpu" without one. Uses the GPU."""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def stated_peak(name: str) -> float | None:
    """Return the peak in FLOP/s that the maker states; None if it is not listed."""
    return next((peak for part, peak in STATED_PEAKS.items() if part in name), None)


def mfu(size: Any, tokens_per_second: float) -> float | None:
    """Return the share of the stated peak that training a model of this size uses, from 0 to 1."""
    import torch
    from training_arms import model_of

    from pretrace.training.engine.flops import flops_per_token

    peak = stated_peak(device_name())
    with torch.device("meta"):
        model = model_of(size)
    return None if peak is None else round(tokens_per_second * flops_per_token(model) / peak, 4)
