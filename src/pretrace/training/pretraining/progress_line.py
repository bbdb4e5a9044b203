"""The progress line of a training, and the memory that it shows."""

from __future__ import annotations

import math
import os
import resource
from pathlib import Path

import torch


def format_progress(
    loss: float, bits_per_byte: float | None, tokens_per_second: float, mfu: float, memory: float
) -> str:
    """Return the figures of a training as shown after the step count.

    Args:
        loss: in nats/token.
        bits_per_byte: None if the model predicts no next tokens: its loss is then no perplexity either.
        mfu: model FLOPs utilization, from 0 to 1.
        memory: in bytes.
    """
    of_text = ""
    if bits_per_byte is not None:
        of_text = f"perplexity {math.exp(min(loss, 99.0)):.1f}, {bits_per_byte:.3f} bits/byte, "
    return f"loss {loss:.3f}, {of_text}{tokens_per_second:,.0f} tokens/s, MFU {100 * mfu:.0f} %, {memory / 1e9:.1f} GB"


def memory_in_use(device: str) -> int:
    """Return the bytes that this process holds: of the GPU if it uses one, else of RAM."""
    if device == "cuda":
        return torch.cuda.memory_reserved()
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
