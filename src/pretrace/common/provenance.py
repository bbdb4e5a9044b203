"""Provenance of a result besides its inputs: commit, uncommitted changes, processor, version of Python."""

from __future__ import annotations

import platform
import sys
from pathlib import Path

from pretrace.common.code import CODE_AND_SETTINGS
from pretrace.common.git import GitError, git, has_repository

NO_COMMIT, UNKNOWN = "none", "unknown"
"""Instead of a commit: there is no repository or no commit yet; git refuses to say."""

MATRIX_INSTRUCTIONS = ("avx2", "avx512f", "avx512_bf16", "amx_bf16", "asimd", "bf16", "sve")
"""Instruction sets by which PyTorch chooses its matrix kernels, as Linux names them."""


def provenance() -> dict[str, str | bool]:
    """Return `commit`, `changed` (code or settings differ from it; missing if not known), `machine` and `python`.

    Where git refuses, what it said goes to stderr.
    """
    known: dict[str, str | bool] = {"commit": NO_COMMIT}
    try:
        known["commit"] = _commit()
        if known["commit"] != NO_COMMIT:
            changes = git(Path(), "status", "--porcelain", "--untracked-files=no", "--", *CODE_AND_SETTINGS)
            known["changed"] = bool(changes)
    except GitError as error:
        known["commit"] = UNKNOWN
        print(f"{error}; the commit is recorded as {UNKNOWN}", file=sys.stderr, flush=True)
    return {**known, "machine": processor(), "python": platform.python_version()}


def git_revision() -> str:
    """Return the hash of the commit that is checked out; else `NO_COMMIT` or `UNKNOWN`."""
    try:
        return _commit()
    except GitError:
        return UNKNOWN


def _commit() -> str:
    """Return the hash of the commit that is checked out, or `NO_COMMIT`.

    Raises:
        GitError: git does not say.
    """
    if not has_repository(Path()):
        return NO_COMMIT  # also where git is not installed
    return (git(Path(), "rev-parse", "--verify", "--quiet", "HEAD") or b"").decode().strip() or NO_COMMIT


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
