"""What made a result, besides its inputs: the commit, whether files differed from it, the machine, the Python."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

from pretrace.common.code import CODE_AND_SETTINGS

MATRIX_PRODUCTS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve")
"""Instruction sets by which PyTorch chooses how it multiplies matrices, as Linux names them."""


def provenance() -> dict[str, str | bool]:
    """For the cost of a stage: `commit`, `changed` (files that decide differ from the commit), `machine`, `python`."""
    return {
        "commit": git_revision(),
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no", "--", *CODE_AND_SETTINGS)),
        "machine": processor(),
        "python": platform.python_version(),
    }


def git_revision() -> str:
    """The commit that is checked out, of 40 digits; "none" where there is no git."""
    return _git("rev-parse", "HEAD") or "none"


def processor() -> str:
    """The kind of processor, without the machine's own name: "AMD EPYC, avx2 avx512f avx512_bf16".

    A virtual machine's name for it is often that of a whole family, of which one has bfloat16 products in hardware and
    another has not: training gives other bytes on them, so the instruction sets are said, too.
    """
    names = [value for key, value in _processor_lines() if key == "model name"]
    name = names[0] if names else platform.processor() or platform.machine()
    return f"{name}, {' '.join(found)}" if (found := _instruction_sets()) else name


def _instruction_sets() -> list[str]:
    """Those of `MATRIX_PRODUCTS` that it has. Linux only; elsewhere none are told."""
    has = {flag for key, value in _processor_lines() if key in ("flags", "Features") for flag in value.split()}
    return [name for name in MATRIX_PRODUCTS if name in has]


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
