"""Checks that memory suffices for the weights, gradients and moments of a training.

They run before anything of the sizes in the settings is allocated. A mistyped width is then one line; filling the
memory to find out could end other programs of the machine, too.
"""

from __future__ import annotations

import torch

from pretrace.common.errors import PretraceError
from pretrace.common.hardware import gpu_memory_bytes, memory_bytes
from pretrace.common.units import readable_bytes
from pretrace.model.build import build_model
from pretrace.settings import Settings
from pretrace.training.distributed.group import Group

STATE_COPIES = 3
"""Tensors that training holds for each weight beside itself: a gradient and Adam's two moments."""
WEIGHT_BYTES = 4


def count_parameters(settings: Settings, vocabulary_size: int) -> int:
    """Return the number of parameters of a model of these sizes; nothing is allocated."""
    with torch.device("meta"):
        model = build_model(settings.scale, vocabulary_size, 0)
    return sum(parameter.numel() for parameter in model.parameters())


def check_training_memory(
    settings: Settings, vocabulary_size: int, group: Group | None = None, carried: int = 0
) -> None:
    """Check that pre-training can fit on this machine, with batches of any size.

    Args:
        group: the ranks that train, each with a copy unless the model is sharded; None: this process alone.
        carried: bytes of what is carried from step to step, of all ranks.

    Raises:
        PretraceError: it cannot.
    """
    group = group or Group()
    parameters = count_parameters(settings, vocabulary_size)
    needed = carried + min_training_memory(parameters, settings, group.world_size)
    gpus = group.local_world_size if torch.cuda.is_available() else 0
    here = needed * group.local_world_size // group.world_size
    check_memory(here, f"{settings.scale.kind}: at least", settings, gpus)


def min_training_memory(parameters: int, settings: Settings, processes: int) -> int:
    """Return the bytes of weights, gradients and moments in all processes; a sharded model has one copy of them."""
    copies = 1 if settings.scale.pretrain.sharded else processes
    return copies * parameters * WEIGHT_BYTES * (1 + STATE_COPIES)


def check_memory(needed: int, source: str, settings: Settings, gpus: int) -> str:
    """Compare the memory that a training needs with what there is; return both in words.

    Args:
        needed: bytes, of all processes on this machine.
        source: where the figure is from, as the beginning of the line.
        gpus: number of GPUs it trains on; 0: the CPU.

    Raises:
        PretraceError: there is less.
    """
    available = gpus * gpu_memory_bytes() if gpus else memory_bytes()
    need = f"{source} {readable_bytes(needed)} to pre-train"
    if needed > available:
        owner = f"{gpus} GPUs have" if gpus > 1 else "the GPU has" if gpus else "this machine has"
        raise PretraceError(f"memory: {need}, and {owner} {readable_bytes(available)}; {advise_smaller(settings)}")
    return f"{need}, of {readable_bytes(available)}"


def advise_smaller(settings: Settings) -> str:
    """Return which settings to lower to need less memory."""
    keys = ["processes"] * (settings.scale.processes != 1) + ["pretrain.micro_batch", "model.context", "model.width"]
    return f"lower {', '.join(keys)} or model.layers in scales/{settings.scale_name}.yaml"
