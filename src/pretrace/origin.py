"""What made a result, besides its inputs: the commit, whether files differed from it, the machine, the Python."""

from __future__ import annotations

import platform
import subprocess
from pathlib import Path

DECIDING = ("src", "stages", "scales", "params.yaml", "dvc.yaml", "requirements.txt")
"""What a result depends on, of what is in git."""


def origin() -> dict[str, str | bool]:
    """For the cost of a stage: `commit`, `changed` (files that decide differ from the commit), `machine`, `python`."""
    return {
        "commit": git_revision(),
        "changed": bool(_git("status", "--porcelain", "--untracked-files=no", "--", *DECIDING)),
        "machine": processor(),
        "python": platform.python_version(),
    }


def git_revision() -> str:
    """The commit that is checked out, of 40 digits; "none" where there is no git."""
    return _git("rev-parse", "HEAD") or "none"


def processor() -> str:
    """The processor's name, without the machine's own."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()
