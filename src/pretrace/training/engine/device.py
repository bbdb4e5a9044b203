"""The device, threads and precision of a process that computes, and what keeps its bytes the same."""

from __future__ import annotations

import contextlib
import ctypes
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from pretrace.common.errors import PretraceError
from pretrace.model.build import MODELS

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Parameters of glibc's `mallopt`."""


@dataclass(frozen=True)
class Device:
    """A device to compute on, and the precision of matrix products there."""

    name: str
    """`cpu` or `cuda`."""
    dtype: torch.dtype
    """Of matrix products; weights, sums, norms and the optimizer are always float32."""
    reason: str
    """Why this precision, for the log."""

    def autocast(self) -> contextlib.AbstractContextManager[Any]:
        """Return a context in which matrix products run in `dtype`."""
        return torch.autocast(self.name, self.dtype, enabled=self.dtype != torch.float32)


def choose_device(precision: str, threads: int) -> Device:
    """Set threads and rounding for this process, and return its device and precision.

    Args:
        precision: `auto`, `float32`, `tf32` or `bfloat16`. `auto` never takes TF32: a GPU that has it has bfloat16.
        threads: CPU threads; the order of sums, and so the last bits of every number, depends on it.
    """
    torch.set_num_threads(threads)
    # Attention weights underflow all the time; on CPUs a subnormal number costs a hundred times a normal one.
    torch.set_flush_denormal(True)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    # A guard against bugs that costs 6 % on a CPU.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    keep_freed_memory()
    name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda":  # by the older of PyTorch's two ways, as torch.compile asks for it in that one
        torch.set_float32_matmul_precision("high" if precision == "tf32" else "highest")
    return Device(name, *_choose_dtype(name, precision))


def _choose_dtype(name: str, precision: str) -> tuple[torch.dtype, str]:
    """Return the precision of matrix products, and why."""
    if precision == "auto":
        fast = torch.cuda.is_bf16_supported(including_emulation=False) if name == "cuda" else cpu_has_bfloat16()
        dtype = torch.bfloat16 if fast else torch.float32
        return dtype, f"auto: this {name} has {'' if fast else 'no '}bfloat16 matrix products in hardware"
    if precision == "tf32":
        has_it = name == "cuda" and torch.cuda.get_device_capability() >= (8, 0)
        return torch.float32, f"as set: TF32, {'which this GPU has' if has_it else f'which this {name} lacks'}"
    return getattr(torch, precision), "as set"


def check_kernels(kind: str, device: Device) -> None:
    """Check that this processor can run a model of `kind` in the precision asked for.

    Raises:
        PretraceError: it cannot.
    """
    runs = MODELS[kind].bfloat16_on_any_cpu or cpu_has_bfloat16()
    if device.name == "cpu" and device.dtype == torch.bfloat16 and not runs:
        raise PretraceError(
            "precision: got bfloat16, in which this processor has no LSTM; take auto or float32 in the scale's file"
        )


def cpu_has_bfloat16() -> bool:
    """Return whether the processor multiplies bfloat16 matrices in hardware (AVX-512 BF16 or AMX). Linux only."""
    try:
        flags = Path("/proc/cpuinfo").read_text()
    except OSError:
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


def keep_freed_memory() -> None:
    """Ask the C library to keep freed memory for the next step, not to give it back and fetch zeroed pages again."""
    with contextlib.suppress(OSError, AttributeError):
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_THRESHOLD, 1 << 30)
        libc.mallopt(M_TRIM_THRESHOLD, (1 << 31) - 1)
