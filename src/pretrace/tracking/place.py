"""Where records wait, and where they go."""

from __future__ import annotations

import os
from pathlib import Path

from pretrace.files import scratch_folder


def is_off() -> bool:
    """Whether the user wants no tracking."""
    return os.environ.get("PRETRACE_TRACKING", "").lower() in ("off", "0", "false", "no")


def tracking_uri() -> str:
    """Where runs go. Never MLflow's own default, which lies in DVC's temporary copies and goes with them."""
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{scratch_folder() / 'mlflow.db'}"


def waiting_room() -> Path:
    """Where records lie until they are sent."""
    return scratch_folder() / "tracking"


def pending(folder: Path) -> list[Path]:
    """Whole records, oldest first: their names begin with the time."""
    return sorted(path.parent for path in folder.glob("[0-9]*/record.json"))
