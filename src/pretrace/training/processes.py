"""Several processes that train one model: each works out the gradients of its share of a batch, and they add them up.

On a CPU two processes of one thread are faster than one of two (docs/log.md), and a busy machine slows them far less:
they wait for each other once a step, not at every operation. They meet over gloo on the loopback interface.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from pretrace.parent import end_with_parent


@dataclass(frozen=True)
class Group:
    """The processes of a training; this one is number `rank` of `size`. Number 0 writes files and shows progress."""

    rank: int = 0
    size: int = 1

    def add_up(self, module: nn.Module, loss: Tensor) -> Tensor:
        """Replace the gradients by their sums over all processes; returns the sum of the losses."""
        if self.size == 1:
            return loss
        gradients = [parameter.grad for parameter in module.parameters() if parameter.grad is not None]
        flat = torch.cat([loss.reshape(1), *(gradient.reshape(-1) for gradient in gradients)])
        dist.all_reduce(flat)
        parts = flat[1:].split([gradient.numel() for gradient in gradients])
        for gradient, part in zip(gradients, parts, strict=True):
            gradient.copy_(part.view_as(gradient))
        return flat[0]


@contextlib.contextmanager
def group_of(size: int, work: Callable[..., Any], *arguments: Any) -> Iterator[Group]:
    """Yield this process's place, number 0, while others call `work(group, *arguments)`; they end with the block.

    `work` must add up gradients as often as the block does. A process that fails ends the others' waiting with an
    error; when this one is killed, the system ends the others.
    """
    if size == 1:
        yield Group()
        return
    os.environ.setdefault("GLOO_SOCKET_IFNAME", "lo" if sys.platform == "linux" else "lo0")
    with tempfile.TemporaryDirectory() as folder:
        meeting = f"file://{folder}/meeting"
        context = multiprocessing.get_context("spawn")
        others = [
            context.Process(target=_other, args=(Group(rank, size), meeting, os.getpid(), work, arguments), daemon=True)
            for rank in range(1, size)
        ]
        for other in others:
            other.start()
        dist.init_process_group("gloo", init_method=meeting, rank=0, world_size=size)
        try:
            yield Group(0, size)
            for other in others:
                other.join()
        finally:
            dist.destroy_process_group()
            for other in others:
                other.terminate()


def _other(group: Group, meeting: str, parent: int, work: Callable[..., Any], arguments: tuple) -> None:
    end_with_parent(parent=parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches all; number 0 says what there is to say
    dist.init_process_group("gloo", init_method=meeting, rank=group.rank, world_size=group.size)
    try:
        work(group, *arguments)
    except Exception:
        os._exit(1)  # number 0 meets the same error, or the loss of this process, and tells
