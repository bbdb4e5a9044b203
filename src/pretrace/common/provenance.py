"""Provenance of a result besides its inputs: commit, uncommitted changes, processor, version of Python."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

from pretrace.common.code import CODE_AND_SETTINGS

MATRIX_INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve")
"""Instruction sets by which PyTorch chooses its matrix kernels, as Linux names them."""


def provenance() -> dict[str, str | bool]:
    """Return `commit`, `changed` (code or settings differ from the commit), `machine` and `python`."""
    return {
        "commit": git_revision(),
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no", "--", *CODE_AND_SETTINGS)),
        "machine": processor(),
        "python": platform.python_version(),
    }


def git_revision() -> str:
    """Return the hash of the commit that is checked out; "none" without git."""
    return _git("rev-parse", "HEAD") or "none"


def processor() -> str:
    """Return the model of the processor and its instruction sets: "AMD EPYC, avx2 avx512f avx512_bf16".

    In a virtual machine the model is often that of a whole family, of which only some multiply bfloat16 in hardware.
    Training gives different bytes on those, so the instruction sets are named, too.
    """
    names = [value for key, value in _processor_lines() if key == "model name"]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {' '.join(sets)}" if (sets := _instruction_sets()) else name


def _instruction_sets() -> list[str]:
    """Return those of `MATRIX_INSTRUCTIONS` that the processor has. Linux only; elsewhere none."""
    has = {flag for key, value in _processor_lines() if key in ("flags", "Features") for flag in value.split()}
    return [name for name in MATRIX_INSTRUCTIONS if name in has]


def _processor_lines() -> list[tuple[str, str]]:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    return [(key.strip(), value.strip()) for key, _, value in (line.partition(":") for line in lines)]


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
