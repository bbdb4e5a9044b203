"""One reading of a training, as the progress line shows it."""

from __future__ import annotations

import math
import os
import resource
from pathlib import Path

import torch


def status(loss: float, bits: float, tokens_per_second: float, mfu: float, memory: float) -> str:
    """One reading of a training: nats a token, bits a byte, share of the peak (0 to 1), bytes of memory."""
    perplexity = math.exp(min(loss, 99.0))
    return (
        f"loss {loss:.3f}, perplexity {perplexity:.1f}, {bits:.3f} bits a byte, {tokens_per_second:,.0f} tokens/s, "
        f"MFU {100 * mfu:.0f} %, {memory / 1e9:.1f} GB"
    )


def memory_in_use(device: str) -> int:
    """Bytes that this process holds, on the GPU if it uses one."""
    if device == "cuda":
        return torch.cuda.memory_reserved()
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
