"""How many sequences a process holds in memory at once, where the settings leave it open (`micro_batch: null`).

All of its share of a batch, if that is estimated to take at most half of what memory there is after weights, gradients
and moments; else as many as do. On a GPU the largest is tried before training and halved until it fits. What was chosen
is kept with the checkpoints, so a run that goes on adds up in the same order as before.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from pretrace.common.hardware import gpu_memory_bytes, memory_bytes
from pretrace.settings import LSTMSettings, ModelSettings

SHARE = 0.5
"""Of the memory, for what a micro-batch takes."""
STATE_BYTES = 16
"""A parameter, its gradient and two moments."""


def bytes_a_sequence(model: ModelSettings | LSTMSettings, context: int, vocabulary_size: int) -> int:
    """What is held for the backward pass of one sequence, at most.

    After Korthikanti et al. 2022 (arXiv:2205.05198, section 4.1): 34 x width + 5 x heads x context bytes a token and
    layer in half precision, here for float32; and the output's probabilities in float32 with a copy.
    """
    heads = getattr(model, "heads", 0)
    a_layer = 2 * (34 * model.width + 5 * heads * context)
    return context * (model.layers * a_layer + 8 * vocabulary_size)


def estimated_micro_batch(share: int, sequence_bytes: int, parameters: int, memory: int) -> int:
    """Sequences, at most `share`, that are estimated to fit into so many bytes of memory beside the training state."""
    free = SHARE * (memory - STATE_BYTES * parameters)
    return max(1, min(share, int(free / sequence_bytes)))


def fitting_micro_batch(
    share: int, sequence_bytes: int, model: nn.Module, memory: int, trial: Callable[[int], None] | None = None
) -> int:
    """How many of the `share` sequences of a process are held at once: tried where there is a trial, else estimated.

    Args:
        memory: bytes for this process.
        trial: passes so many sequences forward and back on a GPU.
    """
    if trial:
        return largest_that_runs(share, trial)
    return estimated_micro_batch(share, sequence_bytes, sum(p.numel() for p in model.parameters()), memory)


def memory_of_device(name: str, processes_here: int) -> int:
    """Bytes of memory for one of the processes that share this machine; a GPU has one process."""
    return gpu_memory_bytes() if name == "cuda" else memory_bytes() // processes_here


def largest_that_runs(first: int, trial: Callable[[int], None]) -> int:
    """`first`, or half of it, and so on, until the trial with so many sequences does not run out of GPU memory."""
    while True:
        try:
            trial(first)
        except torch.OutOfMemoryError:
            if first == 1:
                raise
            first //= 2
        else:
            return first
        finally:
            torch.cuda.empty_cache()
