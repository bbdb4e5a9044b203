"""The size of a micro-batch, where the settings leave it open (`micro_batch: null`).

It is a process's whole share of a batch, if that is estimated to take at most half of the memory that weights,
gradients and moments leave; else as many sequences as do. On a GPU the largest is tried before training and halved
until it fits. The checkpoints keep the choice, so that a resumed run sums gradients in the same order as before.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from pretrace.common.hardware import gpu_memory_bytes, memory_bytes
from pretrace.settings import Sizes

MEMORY_SHARE = 0.5
"""Share of the free memory that a micro-batch may take."""
STATE_BYTES = 16
"""Bytes of a parameter with its gradient and two moments."""


def bytes_per_sequence(model: Sizes, context: int, vocabulary_size: int, predicted_share: float = 1.0) -> int:
    """Return the bytes that are held for the backward pass of one sequence, at most.

    After Korthikanti et al. 2022 (arXiv:2205.05198, section 4.1): 34 x width + 5 x heads x context bytes per token and
    layer in half precision, here for float32; and the probabilities of predicted tokens in float32 with a copy. Of a
    token of memory: its state, before the step and after it, and a key and a value with their copies.
    """
    heads, memory = getattr(model, "heads", 0), getattr(model, "memory", 0)
    per_layer = 2 * (34 * model.width + 5 * heads * context)
    per_token = model.layers * per_layer + round(8 * predicted_share * vocabulary_size)
    return (context - memory) * per_token + memory * model.layers * 6 * 4 * model.width


def estimate_micro_batch(share: int, sequence_bytes: int, parameters: int, memory: int) -> int:
    """Return how many sequences, at most `share`, should fit into `memory` bytes beside the training state."""
    free = MEMORY_SHARE * (memory - STATE_BYTES * parameters)
    return max(1, min(share, int(free / sequence_bytes)))


def choose_micro_batch(
    share: int, sequence_bytes: int, model: nn.Module, memory: int, try_batch: Callable[[int], object] | None = None
) -> int:
    """Return how many of a process's `share` sequences to hold at once: tried if possible, else estimated.

    Args:
        memory: bytes for this process.
        try_batch: passes so many sequences forward and backward on a GPU.
    """
    if try_batch:
        return largest_fitting(share, try_batch)
    return estimate_micro_batch(share, sequence_bytes, sum(p.numel() for p in model.parameters()), memory)


def memory_per_process(device: str, local_processes: int) -> int:
    """Return the bytes of memory for one of the processes that share this machine; a GPU has one process."""
    return gpu_memory_bytes() if device == "cuda" else memory_bytes() // local_processes


def largest_fitting(first: int, try_batch: Callable[[int], object]) -> int:
    """Halve `first` until `try_batch` with so many sequences does not run out of GPU memory; return that number."""
    while True:
        try:
            try_batch(first)
        except torch.OutOfMemoryError:
            if first == 1:
                raise
            first //= 2
        else:
            return first
        finally:
            torch.cuda.empty_cache()
