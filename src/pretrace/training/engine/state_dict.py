"""The state of a training as named tensors: weights and Adam's moments, whole, whatever the processes hold of them.

Tensors are put together and handed out one by one, so that a sharded model is never whole on a device.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from pretrace.training.distributed.data_parallel import handed_out, whole
from pretrace.training.distributed.group import Group

MOMENTS = ("exp_avg", "exp_avg_sq")

State = dict[str, Tensor]
"""By `weights/<parameter>`, `exp_avg/<parameter>`, `exp_avg_sq/<parameter>`; of a parameter's shape, on the CPU."""


def gather_state(module: nn.Module, optimiser: torch.optim.Optimizer, group: Group) -> State:
    """The state in number 0; empty in the others, which have to call this, too."""
    state: State = {}
    for name, parameter in module.named_parameters():
        moments = optimiser.state[parameter]
        for part, tensor in (("weights", parameter), *((key, moments[key]) for key in MOMENTS if key in moments)):
            full = whole(tensor)
            if group.first:
                state[f"{part}/{name}"] = full.cpu().contiguous()
    return state


def check_state(state: State, module: nn.Module) -> None:
    """Raises `ValueError` or `KeyError` where a state is not one of this model."""
    for name, parameter in module.named_parameters():
        if any(state[f"{part}/{name}"].shape != parameter.shape for part in ("weights", *MOMENTS)):
            raise ValueError(f"{name} has another shape")


@torch.no_grad()
def spread_state(
    state: State | None, module: nn.Module, optimiser: torch.optim.Optimizer, step: int, group: Group
) -> None:
    """Load the state after `step` updates, which number 0 alone gives, into every process's model and optimiser."""
    on_device = any(settings.get("fused") or settings.get("capturable") for settings in optimiser.param_groups)
    for name, parameter in module.named_parameters():
        tensors = {
            part: handed_out(state[f"{part}/{name}"] if state else None, parameter, group)
            for part in ("weights", *MOMENTS)
        }
        parameter.copy_(tensors.pop("weights"))
        device = parameter.device if on_device else "cpu"
        optimiser.state[parameter] = {"step": torch.tensor(float(step), device=device), **tensors}
