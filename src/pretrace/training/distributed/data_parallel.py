"""Data parallelism: each rank computes the gradients of its share of a batch, and they are summed over ranks.

On CPUs one all-reduce sums all gradients, in the same order in every step. PyTorch's DistributedDataParallel (DDP)
rearranges its buckets after the first step of a process, so with more than two ranks a resumed run might sum in
another order than an undisturbed one. On GPUs it is DDP, which overlaps the sums with the backward pass. A sharded
model (FSDP2) is split among the ranks, and its weights are gathered block by block where they are needed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import torch
import torch.distributed as dist
from torch import Tensor, nn

from pretrace.common.errors import PretraceError
from pretrace.model.language_model import LanguageModel
from pretrace.training.distributed.group import Group
from pretrace.training.distributed.sigterm import Sigterm
from pretrace.training.distributed.unit_sums import tree_all_reduce

Strategy = Literal["none", "allreduce", "tree", "ddp", "fsdp"]
"""One rank alone; one all-reduce after the backward pass, or one in the order of the tree of units; PyTorch's DDP;
PyTorch's FSDP2."""


def choose_strategy(model: LanguageModel, group: Group, sharded: bool, by_unit: bool = False) -> Strategy:
    """Return the strategy for a model on its device; one without blocks cannot be sharded.

    Args:
        by_unit: whether gradients are summed by unit, on CPUs.
    """
    if group.world_size == 1:
        return "none"
    if sharded and len(model.blocks):
        return "fsdp"
    if next(model.parameters()).device.type == "cuda":
        return "ddp"
    return "tree" if by_unit else "allreduce"


class _Loss(nn.Module):
    """A loss of a model as a module, which is what DDP and FSDP2 wrap."""

    def __init__(self, model: LanguageModel, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.model = model
        self.loss = loss

    def forward(self, *arguments: Any) -> Tensor:
        return self.loss(self.model, *arguments)


class DataParallel:
    """A model that the ranks of a group train together.

    Args:
        model: on its device; the same on all ranks.
        loss: called with the model and further arguments; the sum over all micro-batches of all ranks is the loss of a
            batch.
    """

    def __init__(self, model: LanguageModel, loss: Callable[..., Tensor], group: Group, strategy: Strategy) -> None:
        self.model, self.group, self.strategy = model, group, strategy
        self.device = next(model.parameters()).device
        self._loss: Any = _Loss(model, loss)
        self._with_gradients: list[bool] | None = None
        self._factor = group.world_size if strategy in ("ddp", "fsdp") else 1  # they average over ranks
        if strategy == "fsdp":
            self._shard()
        elif strategy == "ddp":
            devices = [group.local_rank] if self.device.type == "cuda" else None
            self._loss = nn.parallel.DistributedDataParallel(self._loss, device_ids=devices)

    def loss(self, *arguments: Any, last: bool) -> Tensor:
        """Return the loss of a micro-batch.

        Args:
            last: of its step: gradients are synchronized in its backward pass.
        """
        if self.strategy == "fsdp":
            self._loss.set_requires_gradient_sync(last)
        elif self.strategy == "ddp":
            self._loss.require_backward_grad_sync = last
        loss: Tensor = self._loss(*arguments)
        return loss * self._factor if self._factor > 1 else loss

    def all_reduce_by_unit(self, loss: Tensor | None, has_part: Sequence[bool], stop: Sigterm) -> Tensor:
        """Do what `all_reduce` does, in the order of the tree of units.

        Args:
            loss: None on a rank that has no part of the batch.
            has_part: whether each rank has.
        """
        if self.strategy == "none":
            assert loss is not None
            return self.all_reduce(loss, stop)
        parameters = list(self.model.parameters())
        if self._with_gradients is None:  # a rank without a part does not know
            self._with_gradients = self.group.broadcast_object([p.grad is not None for p in parameters])
        chosen = [p for p, has in zip(parameters, self._with_gradients, strict=True) if has]
        own = None
        if loss is not None:
            own = torch.cat([loss.reshape(1), *(p.grad.reshape(-1) for p in chosen if p.grad is not None)])
        flat = tree_all_reduce(own, 1 + sum(p.numel() for p in chosen), has_part, self.group)
        for parameter, summed in zip(chosen, flat[1:].split([p.numel() for p in chosen]), strict=True):
            parameter.grad = summed.view_as(parameter)
        stop.requested = self._any(stop.received)
        return flat[0]

    def _any(self, flag: bool) -> bool:
        """Return whether the flag is set on any rank."""
        tensor = torch.tensor(int(flag))
        dist.all_reduce(tensor)
        return bool(tensor)

    def all_reduce(self, loss: Tensor, stop: Sigterm) -> Tensor:
        """Sum the gradients over ranks where that is not done yet; return the sum of the losses, set `stop.requested`.

        A flag for SIGTERM goes with the gradients, so that all ranks stop after the same step.
        """
        if self.strategy == "none":
            stop.requested = stop.received
            return loss
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None]
        gradients = gradients if self.strategy == "allreduce" else []
        numbers = torch.stack([loss / self._factor, torch.full_like(loss, stop.received)])
        flat = torch.cat([numbers, *(gradient.reshape(-1) for gradient in gradients)])
        dist.all_reduce(flat)
        sizes = [2, *(gradient.numel() for gradient in gradients)]
        for gradient, summed in zip(gradients, flat.split(sizes)[1:], strict=True):
            gradient.copy_(summed.view_as(gradient))
        stop.requested = bool(flat[1] > 0)
        return flat[0]

    def all_reduce_min(self, number: int) -> int:
        """Return the smallest of the ranks' numbers."""
        if self.group.world_size == 1:
            return number
        tensor = torch.tensor(number, device=self.device)
        dist.all_reduce(tensor, dist.ReduceOp.MIN)
        return int(tensor)

    def _shard(self) -> None:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh(self.device.type, (self.group.world_size,))
        for block in self.model.blocks:
            fully_shard(block, mesh=mesh)
        fully_shard(self._loss, mesh=mesh)


def full_tensor(tensor: Tensor) -> Tensor:
    """Gather a tensor of a sharded model, for which all ranks have to call this; return any other as it is."""
    gather = getattr(tensor, "full_tensor", None)
    return gather() if gather else tensor.detach()


def scatter_tensor(tensor: Tensor | None, like: Tensor, group: Group) -> Tensor:
    """Distribute rank 0's tensor over the ranks in the layout of the parameter `like`; other ranks pass None."""
    full = torch.empty(like.shape, dtype=like.dtype, device=like.device) if tensor is None else tensor.to(like.device)
    if group.world_size == 1:
        return full
    if hasattr(like, "full_tensor"):
        from torch.distributed.tensor import distribute_tensor

        sharded: Any = like
        return distribute_tensor(full, sharded.device_mesh, sharded.placements)
    dist.broadcast(full, 0)
    return full


def check_batch_size(batch_size: int, sharded: bool, group: Group, unit: int | None = None) -> None:
    """Check that a batch of `batch_size` sequences can be divided among the ranks.

    Args:
        unit: sequences of a unit, of which some ranks may have none; None: no units.

    Raises:
        PretraceError: it cannot.
    """
    if unit and batch_size % unit:
        raise PretraceError(f"pretrain.unit: a batch of {batch_size} sequences has no whole number of units of {unit}")
    if batch_size < group.world_size and not unit:
        raise PretraceError(
            f"{group.world_size} processes share batches of {batch_size} sequences; take at most {batch_size} processes"
        )
    if sharded and batch_size % group.world_size:
        raise PretraceError(
            f"pretrain.sharded: {group.world_size} processes must have equal shares of a batch of {batch_size} "
            "sequences; take a number of processes that divides it"
        )
