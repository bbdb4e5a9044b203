"""Sums of gradients in the order of the tree of units (pretrace.model.kernels.units): of micro-batches and of ranks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import torch
import torch.distributed as dist
from torch import Tensor, nn

from pretrace.training.distributed.group import Group


class _Block(NamedTuple):
    size: int
    """Micro-batches summed in it."""
    loss: Tensor
    gradients: list[Tensor | None]
    """By parameter; None: it has none."""


class UnitSums:
    """The loss and the gradients of a rank's micro-batches, which have as many units each, but for the last.

    Args:
        parameters: whose `grad` holds the gradients of the micro-batch that was computed last.
    """

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.parameters = list(parameters)
        self._blocks: list[_Block] = []

    def push(self, loss: Tensor) -> None:
        """Take the loss and the gradients of the next micro-batch; parameters have none afterwards."""
        self._blocks.append(_Block(1, loss.detach(), [parameter.grad for parameter in self.parameters]))
        for parameter in self.parameters:
            parameter.grad = None
        while len(self._blocks) > 1 and self._blocks[-1].size == self._blocks[-2].size:
            self._merge()

    def finish(self) -> Tensor | None:
        """Give the parameters the gradients of all micro-batches; return their loss, None if there were none."""
        while len(self._blocks) > 1:
            self._merge()
        if not self._blocks:
            return None
        block = self._blocks.pop()
        for parameter, gradient in zip(self.parameters, block.gradients, strict=True):
            parameter.grad = gradient
        return block.loss

    def _merge(self) -> None:
        left, right = self._blocks[-2:]
        sums = [gradient for gradient in left.gradients if gradient is not None]
        torch._foreach_add_(sums, [gradient for gradient in right.gradients if gradient is not None])
        self._blocks[-2:] = [_Block(left.size + right.size, left.loss + right.loss, left.gradients)]


def tree_all_reduce(own: Tensor | None, size: int, has_part: Sequence[bool], group: Group) -> Tensor:
    """Return the sum of the ranks' tensors in the order of the tree, the same on all ranks.

    Neighbors exchange their tensors and sum them, then neighboring pairs, and so on (recursive doubling): both of
    a pair have the same bytes, as a + b has those of b + a. Gloo's ring is no faster for a few ranks (docs/log.md).

    Args:
        own: of this rank, float32, shape (size,), which is overwritten; None on a rank that has no part.
        has_part: whether each rank has; those without are the last ones.
    """
    parts, distance = sum(has_part), 1
    total = torch.zeros(size) if own is None else own
    received = torch.empty(size)
    while distance < group.world_size:
        other = group.rank ^ distance
        works = [dist.isend(total, other), dist.irecv(received, other)]
        for work in works:
            if work is not None:
                work.wait()
        first, others_first = (rank // distance * distance for rank in (group.rank, other))
        if first >= parts:
            total.copy_(received)  # nothing but zeros here
        elif others_first < parts:
            total += received
        distance *= 2
    return total
