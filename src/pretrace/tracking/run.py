"""A run of a stage: what produced it, and what it logs for MLflow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pretrace.schemas.tracking import BestModel
from pretrace.settings import Settings
from pretrace.tracking.system_metrics import SystemMetricsMonitor


@dataclass
class Run:
    """A run of a stage, the argument of the stage's `main`."""

    name: str
    """The stage as DVC names it: "clean", or "finetune@source-full" for a cell of a matrix."""
    settings: Settings
    started: float
    """Start of the process, in seconds since the epoch."""
    cell: tuple[str, ...] = ()
    """Names of the cell of a matrix: a task, or a task and a variant; all are in the settings."""
    cost: dict[str, Any] = field(default_factory=dict)
    """Figures that depend on the clock or the machine (tokens_per_second, mfu, device), for reports/cost.json."""
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    curves: list[Path] = field(default_factory=list)
    artifacts: list[Path] = field(default_factory=list)
    models: list[BestModel] = field(default_factory=list)
    parent_metrics: dict[str, float] = field(default_factory=dict)
    parent_note: str = ""
    error: str = ""
    """Reason of a failure, in one line."""
    monitor: SystemMetricsMonitor | None = field(default=None, repr=False)
    ends_experiment: bool = False
    """Set by the report stage: after it, the experiment's parent run is finished."""
    published: float = field(default=0.0, repr=False)
    """Time of the last progress published, in seconds of the monotonic clock."""

    @property
    def is_rank_zero(self) -> bool:
        """True if this process writes files and publishes; false for the other ranks that `torchrun` starts."""
        return "MASTER_ADDR" not in os.environ or os.environ.get("RANK", "0") == "0"

    def log_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Log the numbers among `metrics` in MLflow. The stage's own metric file stays the source of truth."""
        self.metrics.update(_numbers(metrics))

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Log parameters of this run beyond the settings."""
        self.params.update(params)

    def log_curve(self, path: Path | str) -> None:
        """Log a curve: JSONL, or a JSON list, of rows like `{"step": 10, "loss": 5.1}`. Read when the stage ends."""
        self.curves.append(Path(path))

    def log_artifact(self, path: Path | str) -> None:
        """Log a file or folder that the stage wrote."""
        self.artifacts.append(Path(path))

    def log_experiment_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Log numbers on the parent run, where whole experiments are compared."""
        self.parent_metrics.update(_numbers(metrics))

    def describe_experiment(self, markdown: str) -> None:
        """Set the description of the parent run."""
        self.parent_note = markdown

    def log_models(self, models: list[BestModel]) -> None:
        """Register fine-tuned models, as `pretrace.tracking.best_models` returns them, in MLflow."""
        self.models += models


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {key: value for key, value in metrics.items() if isinstance(value, int | float) and type(value) is not bool}
