"""One run of a stage: what it was made with, what it says of itself, and how that is shown in MLflow."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pretrace import tracking
from pretrace.errors import masked
from pretrace.settings import Settings
from pretrace.tracking import SystemWatch

PUBLISH_EVERY_SECONDS = 60.0


@dataclass
class Run:
    """One run of a stage, given to the stage's `main`."""

    name: str
    """The stage as DVC names it: "clean", or "finetune@source-full" for a cell of a matrix."""
    settings: Settings
    started: float
    """When the process started, in seconds since the epoch."""
    cost: dict[str, Any] = field(default_factory=dict)
    """What depends on the clock or the machine (tokens_per_second, mfu, device): goes to reports/cost.json."""
    metrics: dict[str, float] = field(default_factory=dict)
    params: dict[str, Any] = field(default_factory=dict)
    curves: list[Path] = field(default_factory=list)
    artifacts: list[Path] = field(default_factory=list)
    models: list[dict[str, Any]] = field(default_factory=list)
    parent_metrics: dict[str, float] = field(default_factory=dict)
    parent_note: str = ""
    error: str = ""
    """Why it failed, in a line."""
    watch: SystemWatch | None = field(default=None, repr=False)
    ends_experiment: bool = False
    """Set by the report stage: after it, the experiment's parent run is finished."""
    published: float = field(default=0.0, repr=False)
    """When `publish` last acted, in seconds since the epoch; less often is enough for a person who watches."""

    @property
    def first(self) -> bool:
        """Whether this process writes files and is shown: not if `torchrun` has started it beside another one."""
        return "MASTER_ADDR" not in os.environ or os.environ.get("RANK", "0") == "0"

    def log_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Show the numbers among `metrics` in MLflow. The stage's own metric file stays the source of truth."""
        self.metrics.update(_numbers(metrics))

    def log_params(self, params: Mapping[str, Any]) -> None:
        """Show what this run was made with, beyond the settings."""
        self.params.update(params)

    def log_curve(self, path: Path | str) -> None:
        """Show a curve: JSONL, or a JSON list, of rows like `{"step": 10, "loss": 5.1}`. Read when the stage ends."""
        self.curves.append(Path(path))

    def log_artifact(self, path: Path | str) -> None:
        """Show a file or folder that the stage wrote."""
        self.artifacts.append(Path(path))

    def log_experiment_metrics(self, metrics: Mapping[str, Any]) -> None:
        """Show numbers on the parent run, where whole experiments are compared."""
        self.parent_metrics.update(_numbers(metrics))

    def describe_experiment(self, markdown: str) -> None:
        """Show a text on the parent run."""
        self.parent_note = markdown

    def log_models(self, models: list[dict[str, Any]]) -> None:
        """Put fine-tuned models into MLflow's registry: what `pretrace.tracking.best_models` gives."""
        self.models += models

    def publish(self) -> None:
        """Show in MLflow how far a long stage is: its curves up to now. Call it often; it acts once a minute."""
        if self.first and time.time() - self.published > PUBLISH_EVERY_SECONDS:
            self.published = time.time()
            show(self, "RUNNING")


def begin_to_show(run: Run) -> None:
    """Begin to show the run in MLflow, and to look at the machine for it."""
    if not tracking.is_off():
        run.watch = tracking.SystemWatch().start()
        _quietly(run, lambda: tracking.announce(run))


def show(run: Run, status: str) -> None:
    """Hand the run to MLflow; `status` is MLflow's."""
    if run.watch and status != "RUNNING":
        run.watch.stop()
    _quietly(run, lambda: tracking.hand_over(run, status))


def _quietly(run: Run, action: Callable[[], None]) -> None:
    """MLflow watches and never decides: whatever goes wrong there is one line, no failure."""
    try:
        action()
    except Exception as error:
        say(run.name, masked(f"not shown in MLflow: {type(error).__name__}: {error}"))


def say(stage: str, text: str) -> str:
    """A line for a person, on standard error; returns it."""
    line = " ".join(text.split())
    print(f"pretrace: {stage}: {line}", file=sys.stderr, flush=True)
    return line


def _numbers(metrics: Mapping[str, Any]) -> dict[str, float]:
    return {key: value for key, value in metrics.items() if isinstance(value, int | float) and type(value) is not bool}
