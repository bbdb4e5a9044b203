"""One update on the device against the same on the CPU: loss, logits and gradients in float32, without dropout."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpu_parts.sizes import Sizes

from pretrace.schemas.machines.gpu import GpuParity

SEQUENCES = 2
LIMITS = {"loss": 1e-4, "logits": 1e-2, "gradients": 1e-3, "auto_loss": 0.02}
"""Differences that rounding explains (ours): sums of some thousand products in another order, and in bfloat16."""


def measure_parity(sizes: Sizes, scale: str, seconds: float) -> Iterator[tuple[str, str, Any]]:
    """Yield how far the device is from the CPU."""
    import torch
    from training_arms import batches, loss_of, model_of, objective_of

    from pretrace.training.engine.compile import compile_blocks, is_compiled
    from pretrace.training.engine.device import Device, choose_device

    size = sizes.size(scale, SEQUENCES)
    ids_BT, objective = batches(size)(0), objective_of(size)

    def update(model: Any, device: Device) -> tuple[Any, Any, Any]:
        """Return loss, logits and gradients."""
        model.zero_grad(set_to_none=True)
        loss = loss_of(model, objective, ids_BT, 0, 0.0, device)
        loss.backward()
        with torch.no_grad():
            logits_BTV = model(ids_BT.to(device.name)).cpu()
        return loss.detach().cpu(), logits_BTV, torch.cat([p.grad.flatten().cpu() for p in model.parameters()])

    exact = choose_device("float32", size.threads)
    here, model = Device("cpu", torch.float32, "parity"), model_of(size)
    wanted_loss, wanted_BTV, wanted_P = update(model, here)
    model.to(exact.name)
    loss, logits_BTV, gradients_P = update(model, exact)
    auto = choose_device("auto", size.threads)

    def auto_loss() -> Any:
        return loss_of(model, objective, ids_BT, 0, 0.0, auto)

    if sizes.compiled:
        compile_blocks(model, "on", auto.name, 0.0, lambda: auto_loss().backward())
    apart = {
        "loss": float((loss - wanted_loss).abs()),
        "logits": float((logits_BTV - wanted_BTV).abs().max()),
        "gradients": float((gradients_P - wanted_P).norm() / wanted_P.norm()),
        "auto_loss": float((auto_loss().detach().cpu() - wanted_loss).abs()),
    }
    same = all(apart[name] <= limit for name, limit in LIMITS.items())
    rounded = {name: float(f"{value:.2g}") for name, value in apart.items()}
    yield "parity", scale, GpuParity(**rounded, compiled=is_compiled(model), same=same)
