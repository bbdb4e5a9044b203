"""Work for the ranks of a process group. A module of its own, since every started process has to import it."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor

from pretrace.model import build_model
from pretrace.model.kernels.dropout import Dropout
from pretrace.training.distributed.data_parallel import Replicas, whole
from pretrace.training.distributed.group import Group
from pretrace.training.engine.device import choose_device
from pretrace.training.engine.loop import train_steps
from pretrace.training.engine.optimizer import build_optimiser
from pretrace.training.pretraining.evaluate import sequence_loss
from tests.helpers.small_training import SCALE, settings_with

WAYS = [("joined", 0.0, 50), ("joined", 0.3, 50), ("overlapped", 0.3, 50), ("sharded", 0.3, 12)]
"""Ways of a group, with a rate of dropout and a number of updates."""


def losses_of(group: Group, way: str, rate: float, steps: int, micro: int = 2) -> tuple[list[float], Tensor]:
    """The losses of updates with batches of 8 sequences, and all weights at the end, joined."""
    device = choose_device("float32", 1)
    section = settings_with().scale.pretrain
    model = build_model("transformer", settings_with().scale, SCALE["vocabulary"]["size"], 1)
    replicas = Replicas(model, sequence_loss, group, way)
    optimiser = build_optimiser(model, section)

    def losses(step: int) -> Iterator[Tensor]:
        ids = torch.randint(80, (8, 16), generator=torch.Generator().manual_seed(step))[group.rank :: group.size]
        numbers = range(group.rank, 8, group.size)
        for first in range(0, len(ids), micro):
            chosen = slice(first, first + micro)
            dropout = Dropout(rate, 7, step, numbers[chosen]) if rate else None
            yield replicas.loss(ids[chosen], device, dropout, 8, last=first + micro >= len(ids))

    made = train_steps(
        model,
        optimiser,
        range(steps),
        losses=losses,
        learning_rate=lambda step: 0.003,
        clip_norm=1.0,
        seed=1,
        all_reduce=replicas.add_up,
    )
    return [step.loss for step in made], torch.cat([whole(p).reshape(-1) for p in model.parameters()])


def every_way(group: Group) -> list[tuple[list[float], Tensor]]:
    return [losses_of(group, *way) for way in WAYS]


def add_ones(group: Group, ending: str) -> None:
    """Add numbers up as a training does; the last process ends in its third round."""
    for step in range(1000):
        if step == 3 and group.rank == group.size - 1:
            if ending == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            raise ValueError("no more\nmemory")
        dist.all_reduce(torch.ones(3))
        time.sleep(0.01)


class EndsProcess:
    """An object that ends the process that unpickles it, before that has said anything."""

    def __reduce__(self) -> Any:
        return os._exit, (3,)
