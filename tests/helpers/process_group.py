"""Work for the ranks of a process group. A module of its own, since every started process has to import it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from pretrace.model import build_model
from pretrace.training.distributed.data_parallel import DataParallel, Strategy, full_tensor
from pretrace.training.distributed.group import Group
from pretrace.training.distributed.sigterm import Sigterm
from pretrace.training.engine.device import choose_device
from pretrace.training.engine.loop import train_steps
from pretrace.training.engine.optimizer import build_optimizer
from pretrace.training.objectives import MicroBatch
from pretrace.training.objectives.causal_lm import CausalLM
from tests.helpers.small_training import SCALE, settings_with

CASES: list[tuple[Strategy, float, int]] = [
    *(("allreduce", 0.0, 50), ("allreduce", 0.3, 50)),
    *(("ddp", 0.3, 50), ("fsdp", 0.3, 12)),
]
"""Strategies of data parallelism, with a rate of dropout and a number of steps."""


def losses_of(group: Group, strategy: Strategy, rate: float, steps: int, micro: int = 2) -> tuple[list[float], Tensor]:
    """The losses of steps with batches of 8 sequences, and all weights at the end, joined."""
    device = choose_device("float32", 1)
    section = settings_with().scale.pretrain
    model = build_model(settings_with().scale, SCALE["vocabulary"]["size"], 1)
    data_parallel = DataParallel(model, CausalLM().loss, group, strategy)
    optimizer = build_optimizer(model, section)

    def losses(step: int) -> Iterator[Tensor]:
        ids = torch.randint(80, (8, 16), generator=torch.Generator().manual_seed(step))[group.rank :: group.world_size]
        numbers = range(group.rank, 8, group.world_size)
        for first in range(0, len(ids), micro):
            chosen = slice(first, first + micro)
            batch = MicroBatch(ids[chosen], numbers[chosen], batch_size=8, seed=7, step=step)
            yield data_parallel.loss(batch, rate, device, last=first + micro >= len(ids))

    made = train_steps(
        model,
        optimizer,
        range(steps),
        losses=losses,
        learning_rate=lambda step: 0.003,
        clip_norm=1.0,
        seed=1,
        all_reduce=partial(data_parallel.all_reduce, stop=Sigterm()),
    )
    return [step.loss for step in made], torch.cat([full_tensor(p).reshape(-1) for p in model.parameters()])


def every_strategy(group: Group) -> list[tuple[list[float], Tensor]]:
    return [losses_of(group, *case) for case in CASES]


def add_ones(group: Group, ending: str) -> None:
    """Add numbers up as a training does; the last process ends in its third round."""
    for step in range(1000):
        if step == 3 and group.rank == group.world_size - 1:
            if ending == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise ValueError("no more\nmemory")
        dist.all_reduce(torch.ones(3))
        time.sleep(0.01)


class EndsProcess:
    """An object that ends the process that unpickles it, before that has said anything."""

    def __reduce__(self) -> Any:
        return os._exit, (3,)
