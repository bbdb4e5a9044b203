"""Whether there is memory for what a training holds whatever else: weights, gradients, Adam's moments.

Looked at before anything is made of the sizes in the settings. A mistyped width is then one line; to find out by
filling the memory could end other programs of the machine, too.
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
"""What training holds of each weight beside itself: a gradient and Adam's two moments."""
BYTES = 4


def count_weights(kind: str, settings: Settings, vocabulary_size: int) -> int:
    """The numbers in a model of these sizes; nothing is allocated."""
    with torch.device("meta"):
        model = build_model(kind, settings.scale, vocabulary_size, 0)
    return sum(parameter.numel() for parameter in model.parameters())


def check_training_memory(kind: str, settings: Settings, vocabulary_size: int, group: Group | None = None) -> None:
    """Raises `PretraceError` where a training of `kind` cannot fit on this machine, whatever its batches.

    Args:
        group: the processes that train, each with a copy unless the model is sharded; None: this one alone.
    """
    group = group or Group()
    needed = least_memory(count_weights(kind, settings, vocabulary_size), settings, group.world_size)
    gpus = group.local_world_size if torch.cuda.is_available() else 0
    check_memory(needed * group.local_world_size // group.world_size, f"{kind}: at least", settings, gpus)


def least_memory(weights: int, settings: Settings, processes: int) -> int:
    """Bytes that pre-training takes whatever else: weights, gradients and moments. Sharded, there is one copy of them
    in all processes together."""
    copies = 1 if settings.scale.pretrain.sharded else processes
    return copies * weights * BYTES * (1 + STATE_COPIES)


def check_memory(needed: int, how: str, settings: Settings, gpus: int) -> str:
    """What of the memory a training needs, in words.

    Args:
        needed: bytes of all processes together.
        how: what the figure is from.
        gpus: on how many it trains; 0: on the CPU.

    Raises:
        PretraceError: there is less.
    """
    there = gpus * gpu_memory_bytes() if gpus else memory_bytes()
    what = f"{how} {readable_bytes(needed)} to pre-train"
    if needed > there:
        whose = f"{gpus} GPUs have" if gpus > 1 else "the GPU has" if gpus else "this machine has"
        raise PretraceError(f"memory: {what}, and {whose} {readable_bytes(there)}; {what_to_lower(settings)}")
    return f"{what}, of {readable_bytes(there)}"


def what_to_lower(settings: Settings) -> str:
    """The settings that memory depends on."""
    keys = ["processes"] * (settings.scale.processes > 1) + ["pretrain.micro_batch", "model.context", "model.width"]
    return f"lower {', '.join(keys)} or model.layers in scales/{settings.scale_name}.yaml"
