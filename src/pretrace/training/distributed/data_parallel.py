"""One model in several processes: each works out the gradients of its share of a batch, and they are added up.

On CPUs all gradients are joined and added up in one go, in the same order in every step. PyTorch's
DistributedDataParallel sorts its buckets anew after the first step of a process, so with more than two processes a run
that is taken up again may add in another order than an undisturbed one. On GPUs it is that class, which adds up while
gradients are still being worked out. A sharded model (FSDP2) is held in parts: weights are gathered block by block
where they are needed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from pretrace.common.errors import PretraceError
from pretrace.model.language_model import LanguageModel
from pretrace.training.distributed.group import Group


class _Loss(nn.Module):
    """A loss of a model as a module, which is what PyTorch's classes for several processes wrap."""

    def __init__(self, model: nn.Module, loss: Callable[..., Tensor]) -> None:
        super().__init__()
        self.model = model
        self.of = loss

    def forward(self, *arguments: Any) -> Tensor:
        return self.of(self.model, *arguments)


ALONE, JOINED, OVERLAPPED, SHARDED = "alone", "joined", "overlapped", "sharded"
"""Ways to train with a group: by oneself; all gradients added up at the end; while they are worked out; in parts."""


def way_of(model: LanguageModel, group: Group, sharded: bool) -> str:
    """The way for a model on its device. An LSTM is small, and its kernel wants whole weights: it is never sharded."""
    if group.size == 1:
        return ALONE
    if sharded and len(model.blocks):
        return SHARDED
    return OVERLAPPED if next(model.parameters()).device.type == "cuda" else JOINED


class Replicas:
    """A model that the processes of a group train together.

    Args:
        model: on its device; the same in all processes.
        loss: called with the model and further arguments; the sum over all micro-batches of all processes is the loss
            of an update.
        way: one of `way_of`.
    """

    def __init__(self, model: LanguageModel, loss: Callable[..., Tensor], group: Group, way: str) -> None:
        self.model, self.group, self.way = model, group, way
        self.device = next(model.parameters()).device
        self.stop_wanted = False
        """This process was asked to stop."""
        self.stopping = False
        """A process of the group was asked to stop: known to all after the same update."""
        self._loss: nn.Module = _Loss(model, loss)
        self._share = group.size if way in (OVERLAPPED, SHARDED) else 1  # PyTorch's classes give means over processes
        if way == SHARDED:
            self._shard()
        elif way == OVERLAPPED:
            devices = [group.local] if self.device.type == "cuda" else None
            self._loss = nn.parallel.DistributedDataParallel(self._loss, device_ids=devices)

    def loss(self, *arguments: Any, last: bool) -> Tensor:
        """The loss of a micro-batch; `last`: the gradients of its update are whole after it."""
        if self.way == SHARDED:
            self._loss.set_requires_gradient_sync(last)
        elif self.way == OVERLAPPED:
            self._loss.require_backward_grad_sync = last
        return self._loss(*arguments) * self._share if self._share > 1 else self._loss(*arguments)

    def add_up(self, loss: Tensor) -> Tensor:
        """Make the gradients those of all processes; returns the sum of the losses, and sets `stopping`."""
        if self.way == ALONE:
            self.stopping = self.stop_wanted
            return loss
        gradients = [p.grad for p in self.model.parameters() if p.grad is not None] if self.way == JOINED else []
        numbers = torch.stack([loss / self._share, torch.full_like(loss, self.stop_wanted)])
        flat = torch.cat([numbers, *(gradient.reshape(-1) for gradient in gradients)])
        dist.all_reduce(flat)
        sizes = [2, *(gradient.numel() for gradient in gradients)]
        for gradient, part in zip(gradients, flat.split(sizes)[1:], strict=True):
            gradient.copy_(part.view_as(gradient))
        self.stopping = bool(flat[1] > 0)
        return flat[0]

    def agree(self, number: int) -> int:
        """The smallest of the processes' numbers."""
        if self.group.size == 1:
            return number
        tensor = torch.tensor(number, device=self.device)
        dist.all_reduce(tensor, dist.ReduceOp.MIN)
        return int(tensor)

    def _shard(self) -> None:
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh(self.device.type, (self.group.size,))
        for block in self.model.blocks:
            fully_shard(block, mesh=mesh)
        fully_shard(self._loss, mesh=mesh)


def whole(tensor: Tensor) -> Tensor:
    """A tensor of a sharded model put together, for which every process has to call this; any other as it is."""
    gather = getattr(tensor, "full_tensor", None)
    return gather() if gather else tensor.detach()


def handed_out(tensor: Tensor | None, like: Tensor, group: Group) -> Tensor:
    """What number 0 has, in every process, in the form of the parameter `like`; the others give nothing."""
    full = torch.empty(like.shape, dtype=like.dtype, device=like.device) if tensor is None else tensor.to(like.device)
    if group.size == 1:
        return full
    if hasattr(like, "full_tensor"):
        from torch.distributed.tensor import distribute_tensor

        return distribute_tensor(full, like.device_mesh, like.placements)
    dist.broadcast(full, 0)
    return full


def check_shares(batch: int, sharded: bool, group: Group) -> None:
    """Raises `PretraceError` where a batch of so many sequences can not be shared out."""
    if batch < group.size:
        raise PretraceError(
            f"{group.size} processes share batches of {batch} sequences; take at most {batch} processes"
        )
    if sharded and batch % group.size:
        raise PretraceError(
            f"pretrain.sharded: {group.size} processes have to take equal shares of a batch of {batch} sequences; "
            "take a number that divides it"
        )
