"""The one training loop, used by pre-training and by fine-tuning.

An update is: the losses of its micro-batches, their gradients summed, a check that all is finite, clipping, Adam. What
is random in it (dropout) is seeded by (seed, step), so an update depends on nothing but its number and the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import torch
from torch import Tensor, nn

from pretrace.common.errors import PretraceError


def train(
    module: nn.Module,
    optimiser: torch.optim.Optimizer,
    steps: Iterable[int],
    *,
    losses: Callable[[int], Iterable[Tensor]],
    rate: Callable[[int], float],
    clip_norm: float,
    seed: int,
    add_up: Callable[[Tensor], Tensor] = lambda loss: loss,
    after_step: Callable[[int, float], None] = lambda step, loss: None,
    blame: Callable[[int], str] = lambda step: "",
) -> None:
    """Run the updates `steps` (numbers from 0).

    Args:
        losses: for a step, the scalar losses of its micro-batches, whose sum is the loss of the update.
        rate: for a step, the learning rate.
        clip_norm: gradients are scaled down to this global norm.
        seed: with the step, seeds dropout.
        add_up: given the loss, makes the gradients those of all processes; returns the loss of all.
        after_step: called with the number of updates done and the loss; saves, evaluates, logs.
        blame: for a step that was not finite, what else there is to say of it.

    Raises:
        PretraceError: the loss or a gradient is not finite; the weights are those before the update.
    """
    for step in steps:
        _seed(update_seed(seed, step))
        for parameters in optimiser.param_groups:
            parameters["lr"] = rate(step)
        optimiser.zero_grad(set_to_none=True)
        total = torch.zeros(())
        for loss in losses(step):
            loss.backward()
            total = total.to(loss.device) + loss.detach()
        total = add_up(total)
        norm = torch.nn.utils.clip_grad_norm_(module.parameters(), clip_norm)
        norm = norm.full_tensor() if hasattr(norm, "full_tensor") else norm  # of a sharded model
        if not torch.isfinite(norm + total):
            raise PretraceError(
                f"update {step + 1}: the loss is {float(total)} and the gradient's norm {float(norm)}; training "
                "stopped before it touched the weights. A lower learning rate or more warm-up usually helps"
                + blame(step)
            )
        optimiser.step()
        after_step(step + 1, float(total))


def _seed(number: int) -> None:
    """Seed the generators that are in use: `torch.manual_seed` takes 0.7 ms to note it for a GPU that is not there."""
    torch.default_generator.manual_seed(number)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(number)


def update_seed(seed: int, step: int) -> int:
    """The seed of an update's random numbers: both mixed, as PyTorch on a CPU reads only the low 32 bits of a seed."""
    return int(np.random.SeedSequence([seed % (1 << 64), step]).generate_state(1, np.uint64)[0])
