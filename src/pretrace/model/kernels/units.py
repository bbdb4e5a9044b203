"""Units: groups of a batch's sequences, whose parts of a gradient are summed in a fixed order (ours).

The last bits of a sum of floats depend on its order. So a batch is cut into units of as many sequences each. Whatever
sums over rows (the gradient of a weight, the loss) is computed for each unit alone, and units are summed as a binary
tree: neighbors, then neighboring pairs, and so on. A process that has a block of 1, 2, 4, ... units of the tree sums
these; the sums of blocks go on up the tree, wherever the blocks were computed. So any number of processes, and any
micro-batches that are such blocks, give the same bytes.

Rows of activations need no such order. But a library's matrix product may round a row otherwise next to other rows, as
it chooses its way by the shapes. So the trainer compares, once for each number of units in a micro-batch, with units
that are computed one by one, and does that if a bit differs (pretrace.training.pretraining.trainer).

Shapes: N rows of activations, all units' one after the other.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from torch import Tensor


class Units:
    """The units of a micro-batch: as many, of as many sequences each."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._tables: dict[Tensor, list[Tensor]] = {}

    def rows(self, count: int) -> list[slice]:
        """Return each unit's rows among `count`, of which each unit has as many."""
        size, rest = divmod(count, self.count)
        assert not rest, f"{count} rows of {self.count} units"
        return [slice(first, first + size) for first in range(0, count, size)]

    def stack(self, x_NX: Tensor) -> Tensor:
        """Return rows by unit (U, R, X)."""
        return x_NX.view(self.count, -1, x_NX.shape[-1])

    def expect_gradients(self, table: Tensor) -> list[Tensor]:
        """Return a list that takes the gradient by unit that a table gets from its other use, as the output.

        The two gradients of a unit are summed before those of other units are added. Each look-up begins a list anew.
        """
        self._tables[table] = []
        return self._tables[table]

    def expected_gradients(self, table: Tensor) -> list[Tensor] | None:
        """Return the list of `expect_gradients`; None if the table has no other use."""
        return self._tables.get(table)


_current: Units | None = None


@contextlib.contextmanager
def summed_by_unit(units: Units | None) -> Iterator[None]:
    """Context in which kernels sum by unit, here and in the backward pass; None: as one unit, by any means."""
    global _current
    before, _current = _current, units
    try:
        yield
    finally:
        _current = before


def current_units() -> Units | None:
    """Return the units by which kernels sum; None: they need not."""
    return _current


def tree_sum(parts_UX: Tensor) -> Tensor:
    """Return the sum (X) of parts (U, X): of neighbors, of neighboring pairs, and so on; parts are overwritten."""
    while len(parts_UX) > 1:
        pairs = len(parts_UX) // 2 * 2
        parts_UX[:pairs:2].add_(parts_UX[1:pairs:2])
        parts_UX = parts_UX[::2]
    return parts_UX[0]
