"""The training state as named full tensors, however the ranks hold it: weights and Adam's moments.

Tensors are gathered and scattered one by one, so that a sharded model is never whole on one device.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pretrace.training.distributed.data_parallel import full_tensor, scatter_tensor
from pretrace.training.distributed.group import Group

MOMENTS = ("exp_avg", "exp_avg_sq")

StateDict = dict[str, Tensor]
"""By `weights/<parameter>`, `exp_avg/<parameter>`, `exp_avg_sq/<parameter>`; in the parameter's shape, on the CPU."""


def gather_state(module: nn.Module, optimizer: torch.optim.Optimizer, group: Group) -> StateDict:
    """Return the state on rank 0 and an empty one on the others; all ranks have to call this."""
    state: StateDict = {}
    for name, parameter in module.named_parameters():
        moments = optimizer.state[parameter]
        for part, tensor in (("weights", parameter), *((key, moments[key]) for key in MOMENTS if key in moments)):
            full = full_tensor(tensor)
            if group.is_rank_zero:
                state[f"{part}/{name}"] = full.cpu().contiguous()
    return state


def check_state(state: StateDict, module: nn.Module) -> None:
    """Check that a state is one of this model.

    Raises:
        KeyError, ValueError: it is not.
    """
    for name, parameter in module.named_parameters():
        if any(state[f"{part}/{name}"].shape != parameter.shape for part in ("weights", *MOMENTS)):
            raise ValueError(f"{name} has another shape")


@torch.no_grad()
def scatter_state(
    state: StateDict | None, module: nn.Module, optimizer: torch.optim.Optimizer, step: int, group: Group
) -> None:
    """Load rank 0's state after `step` steps into the model and the optimizer of every rank; others pass None."""
    on_device = any(settings.get("fused") or settings.get("capturable") for settings in optimizer.param_groups)
    for name, parameter in module.named_parameters():
        tensors = {
            part: scatter_tensor(state[f"{part}/{name}"] if state else None, parameter, group)
            for part in ("weights", *MOMENTS)
        }
        parameter.copy_(tensors.pop("weights"))
        device = parameter.device if on_device else "cpu"
        optimizer.state[parameter] = {"step": torch.tensor(float(step), device=device), **tensors}
