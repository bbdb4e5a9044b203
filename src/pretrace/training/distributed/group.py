"""The process group that trains one model, and the rank of this process in it.

Either `processes` in the scale file says how many this machine starts (pretrace.training.distributed.launch), or
`torchrun` has started them, here or on several machines:

    torchrun --nproc-per-node 8 stages/pretrain.py
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TypeVar

import torch
import torch.distributed as dist

from pretrace.common.processes import cpu_count
from pretrace.settings import Scale

TORCHRUN = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""Environment variables that torchrun sets."""

T = TypeVar("T")


def processes_here(scale: Scale) -> int:
    """Return the ranks that this machine starts: those of the settings, or with `auto` as many as it has room for."""
    if scale.processes != "auto":
        return scale.processes
    room = torch.cuda.device_count() if torch.cuda.is_available() else cpu_count()
    batch, unit = scale.pretrain.batch_size, scale.pretrain.unit
    units = -(-batch // unit) if batch and unit else room
    return 1 << (max(1, min(room, units)).bit_length() - 1)


@dataclass(frozen=True)
class Group:
    """A process group, as one of its ranks sees it. Rank 0 writes files and shows progress."""

    rank: int = 0
    world_size: int = 1
    local_rank: int = 0
    """Rank on this machine, and number of its GPU."""

    @property
    def is_rank_zero(self) -> bool:
        """True if this rank writes files and logs for all."""
        return self.rank == 0

    @property
    def local_world_size(self) -> int:
        """Ranks on this machine."""
        return int(os.environ["LOCAL_WORLD_SIZE"]) if started_by_torchrun() else self.world_size

    def broadcast_object(self, value: T) -> T:
        """Return rank 0's value on every rank; all ranks have to call this."""
        if self.world_size == 1:
            return value
        values = [value]
        dist.broadcast_object_list(values, 0)
        return values[0]


def group_from_environment(processes: int) -> Group:
    """Return the group before any other process is launched: torchrun's, or rank 0 of `processes`.

    With GPUs there are no more processes than GPUs.
    """
    if started_by_torchrun():
        rank, world_size, local_rank = (int(os.environ[name]) for name in TORCHRUN[:3])
        return Group(rank, world_size, local_rank)
    if processes > 1 and torch.cuda.is_available() and torch.cuda.device_count() < processes:
        count = torch.cuda.device_count()
        print(f"processes: got {processes}, using {count}, the number of GPUs", file=sys.stderr)
        return Group(world_size=count)
    return Group(world_size=processes)


def started_by_torchrun() -> bool:
    """Return whether torchrun started this process."""
    return all(name in os.environ for name in TORCHRUN)
