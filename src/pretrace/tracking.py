"""MLflow: every stage that runs is a run there. It watches, and never decides."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pretrace.stage import Run


def hand_over(run: Run, status: str, started: float) -> None:
    """Leave a finished stage to MLflow."""
