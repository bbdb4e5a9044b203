"""States of texts that are read in order, carried from step to step: each rank has those of its own rows of a batch.

Checkpoints hold them whole, in the order of the batch, so that a resumed run goes on with the same.

Shapes: L layers, B rows, M tokens of memory, C width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor

from pretrace.training.distributed.group import Group


class Memory(NamedTuple):
    """Memory of some rows, for one pass."""

    before_LBMC: Tensor | None
    """States of the text before; None at its beginning."""
    keep: Callable[[Tensor], None]
    """Called with the states that the next step remembers, of the same rows."""


class CarriedStates:
    """Memory of this rank's rows; of an objective that remembers nothing, nothing.

    Args:
        rows: of a batch, on all ranks.
        own: numbers of this rank's; None: every n-th, as without units.
    """

    def __init__(self, group: Group, rows: int, own: range | None = None) -> None:
        self.group, self.rows = group, rows
        self.own = slice(group.rank, None, group.world_size) if own is None else slice(own.start, own.stop, own.step)
        self.states_LBMC: Tensor | None = None
        """float32, on the model's device; None at the beginning of a text."""
        self._kept: list[Tensor] = []

    def of(self, rows: slice) -> Memory:
        """Return the memory of some of this rank's rows; micro-batches take theirs in order."""
        before_LBMC = None if self.states_LBMC is None else self.states_LBMC[:, rows]
        return Memory(before_LBMC, self._kept.append)

    def clear(self) -> None:
        """Forget all: the next texts do not go on where these end."""
        self.states_LBMC = None

    def advance(self) -> None:
        """End a step: what its micro-batches kept is the memory of the next one."""
        self.states_LBMC = torch.cat(self._kept, 1) if self._kept else None
        self._kept = []

    def gather(self) -> Tensor | None:
        """Return the memory of all rows on the CPU; all ranks have to call this. None if there is none."""
        own_LBMC = self.states_LBMC
        if own_LBMC is None or self.group.world_size == 1:
            return None if own_LBMC is None else own_LBMC.cpu()
        L, _, M, C = own_LBMC.shape
        all_LBMC = own_LBMC.new_zeros(L, self.rows, M, C)
        all_LBMC[:, self.own] = own_LBMC
        dist.all_reduce(all_LBMC.view(torch.int32))  # whole numbers: a sum with zeros keeps every bit
        return all_LBMC.cpu()

    def scatter(self, all_LBMC: Tensor | None, device: torch.device) -> None:
        """Take this rank's rows of rank 0's memory of all rows; other ranks pass None. All ranks have to call this."""
        shape = self.group.broadcast_object(None if all_LBMC is None else tuple(all_LBMC.shape))
        if shape is None:
            return
        states_LBMC = torch.empty(shape, device=device) if all_LBMC is None else all_LBMC.to(device)
        if self.group.world_size > 1:
            dist.broadcast(states_LBMC, 0)
        self.states_LBMC = states_LBMC[:, self.own].contiguous()
