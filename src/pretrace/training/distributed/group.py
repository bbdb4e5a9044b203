"""The processes that train one model, and the place of this one among them.

Either `processes` in the scale file says how many this machine starts (pretrace.training.distributed.launch), or
`torchrun` has started them, here or on several machines:

    torchrun --nproc-per-node 8 stages/pretrain.py
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist

TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""Variables of the environment that torchrun sets."""


@dataclass(frozen=True)
class Group:
    """The processes of a training; this one is number `rank` of `size`. Number 0 writes files and shows progress."""

    rank: int = 0
    size: int = 1
    local: int = 0
    """Its number on its machine, and that of its GPU."""

    @property
    def first(self) -> bool:
        """Whether this one writes and speaks for all."""
        return self.rank == 0

    @property
    def here(self) -> int:
        """How many of them are on this machine."""
        return int(os.environ["LOCAL_WORLD_SIZE"]) if started_by_torchrun() else self.size

    def told(self, note: dict[str, Any]) -> dict[str, Any]:
        """What number 0 knows, in every process, each of which has to call this."""
        if self.size == 1:
            return note
        notes = [note]
        dist.broadcast_object_list(notes, 0)
        return notes[0]


def place(processes: int) -> Group:
    """The place of this process before any other is started: torchrun's, or number 0 of `processes`.

    With GPUs there are not more processes than GPUs.
    """
    if started_by_torchrun():
        rank, size, local = (int(os.environ[name]) for name in TORCHRUN[:3])
        return Group(rank, size, local)
    if processes > 1 and torch.cuda.is_available() and torch.cuda.device_count() < processes:
        count = torch.cuda.device_count()
        print(f"{processes} processes are asked for; there are as many as GPUs, {count}", file=sys.stderr)
        return Group(size=count)
    return Group(size=processes)


def started_by_torchrun() -> bool:
    """Whether torchrun has started this process, and the others with it."""
    return all(name in os.environ for name in TORCHRUN)
