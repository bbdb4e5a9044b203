"""Which sequences of a batch each rank computes, and which of them at once.

Without units, rank r has every n-th sequence from the r-th on, and micro-batches are of any size. With units
(pretrace.model.kernels.units) a rank has a block of neighboring units, as do its micro-batches: both are whole subtrees
of the binary tree that the batch's units are summed by, so that their sums are the same on any number of ranks.
"""

from __future__ import annotations

from collections.abc import Iterator

from pretrace.common.errors import PretraceError
from pretrace.model.kernels.units import Units
from pretrace.training.distributed.group import Group


class Shares:
    """The shares of a group's ranks.

    Args:
        unit: sequences of a unit, of which each batch has a whole number; None: no units.

    Raises:
        PretraceError: the tree of units cannot be cut into as many equal blocks as there are ranks.
    """

    def __init__(self, group: Group, unit: int | None) -> None:
        self.group, self.unit = group, unit
        if unit and group.world_size & (group.world_size - 1):
            raise PretraceError(
                f"pretrain.unit: {group.world_size} processes cannot share a tree of units; takes 1, 2, 4, 8, ..."
            )

    def of(self, batch: int, rank: int | None = None) -> range:
        """Return the numbers of the sequences of a batch that a rank computes, ascending; None: this rank."""
        rank, world_size = self.group.rank if rank is None else rank, self.group.world_size
        if not self.unit:
            return range(rank, batch, world_size)
        block = self.unit * max(1, leaves(batch, self.unit) // world_size)
        return range(min(rank * block, batch), min((rank + 1) * block, batch))

    def has_part(self, batch: int) -> list[bool]:
        """Return for each rank whether it computes a part of a batch."""
        return [len(self.of(batch, rank)) > 0 for rank in range(self.group.world_size)]

    def micro_batches(self, share: int, most: int, by_unit: bool) -> Iterator[tuple[slice, Units | None]]:
        """Yield the micro-batches of a rank's share of so many sequences, and their units.

        Args:
            most: sequences of a micro-batch; a unit is computed at once even if it has more.
            by_unit: whether the model can sum several units in a micro-batch; else each is one.
        """
        if not self.unit:
            yield from ((slice(first, min(first + most, share)), None) for first in range(0, share, most))
            return
        size = self.unit << (max(1, most // self.unit).bit_length() - 1) if by_unit else self.unit
        for first in range(0, share, size):
            last = min(first + size, share)
            yield slice(first, last), Units((last - first) // self.unit) if by_unit else None


def leaves(batch: int, unit: int) -> int:
    """Return the leaves of the tree of a batch's units: a power of two, some of them empty."""
    return 1 << (-(-batch // unit) - 1).bit_length()
