"""The training loop of pre-training and fine-tuning: a generator of optimizer steps.

An optimizer step is: the losses of its micro-batches and their gradients, the sum over ranks, a check that all is
finite, clipping, the optimizer. Its random numbers (dropout) are seeded by (seed, step), so it depends on nothing but
its number and the weights.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from pretrace.common.errors import PretraceError


class Step(NamedTuple):
    """An optimizer step that has been made."""

    number: int
    """Steps made so far, this one included: counted from 1."""
    loss: float
    """Of the batch, before the step."""


def train_steps(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    steps: Iterable[int],
    *,
    losses: Callable[[int], Iterable[Tensor]],
    learning_rate: Callable[[int], float],
    clip_norm: float,
    seed: int,
    all_reduce: Callable[[Tensor], Tensor] = lambda loss: loss,
    describe_batch: Callable[[int], str] = lambda step: "",
) -> Iterator[Step]:
    """Make the optimizer steps `steps` (counted from 0), one for each item that is taken from the generator.

    Args:
        losses: the scalar losses of a step's micro-batches, whose sum is the loss of its batch.
        learning_rate: of a step.
        clip_norm: gradients are scaled down to this global norm.
        seed: of dropout, together with the step.
        all_reduce: sums the gradients over all ranks in place; takes this rank's loss, returns that of all.
        describe_batch: what to add to the error about a step that is not finite.

    Raises:
        PretraceError: the loss or a gradient is not finite; the weights are those before the step.
    """
    for step in steps:
        _seed_generators(step_seed(seed, step))
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(step)
        optimizer.zero_grad(set_to_none=True)
        total = torch.zeros(())
        for loss in losses(step):
            loss.backward()
            total = total.to(loss.device) + loss.detach()
        total = all_reduce(total)
        norm = torch.nn.utils.clip_grad_norm_(module.parameters(), clip_norm)
        norm = norm.full_tensor() if hasattr(norm, "full_tensor") else norm  # of a sharded model
        if not torch.isfinite(norm + total):
            raise PretraceError(
                f"step {step + 1}: the loss is {float(total)} and the gradient norm {float(norm)}; training stopped "
                "before the weights changed. A lower learning rate or a longer warm-up usually helps"
                + describe_batch(step)
            )
        optimizer.step()
        yield Step(step + 1, float(total))


def _seed_generators(seed: int) -> None:
    """Seed the generators in use; `torch.manual_seed` would spend 0.7 ms on a GPU that is not there."""
    torch.default_generator.manual_seed(seed)
    if torch.cuda.is_initialized():
        torch.cuda.manual_seed_all(seed)


def step_seed(seed: int, step: int) -> int:
    """Mix both into the seed of a step, as PyTorch on a CPU reads only the low 32 bits of a seed."""
    return int(np.random.SeedSequence([seed % (1 << 64), step]).generate_state(1, np.uint64)[0])
