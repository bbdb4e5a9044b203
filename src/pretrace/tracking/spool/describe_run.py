"""The record of a run that is uploaded to MLflow, as JSON."""

from __future__ import annotations

import os
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from pretrace.common.files import sha256_of_file, sha256_of_json
from pretrace.common.processes import dvc_process, this_process
from pretrace.common.provenance import git_revision
from pretrace.settings import Settings
from pretrace.tracking.curves import finite, points
from pretrace.tracking.run import Run


def record_id(run: Run) -> str:
    """Return the value of the tag `pretrace.record`, which identifies the run of a stage in MLflow."""
    return sha256_of_json([run.name, _experiment()[1], os.getpid(), run.started])[:32]


def settings_key(settings: Settings) -> str:
    """Return a hash of the settings."""
    return sha256_of_json(_flat(settings))[:32]


def describe(run: Run, status: str) -> dict[str, Any]:
    """Return the record of a run, as JSON; its fields are those of `pretrace.schemas.tracking.RunRecord`."""
    (baseline, experiment), settings = _experiment(), _flat(run.settings)
    lock = Path("dvc.lock")
    numbers = {key: value for key, value in run.cost.items() if isinstance(value, int | float)}
    return {
        "id": record_id(run),
        "name": run.name,
        "status": status,
        "error": run.error,
        "started_ms": _milliseconds(run.started),
        "ended_ms": _milliseconds(time.time()),
        "process": this_process(),
        "dvc": dvc_process(),
        "experiment": {"name": experiment, "settings": settings, "key": _experiment_key(settings)},
        "tags": {
            "dvc.exp_name": experiment,
            "dvc.baseline_rev": baseline,
            "dvc.stage": run.name,
            "dvc.lock": sha256_of_file(lock) if lock.exists() else "none",
            "device": str(run.cost.get("device", "cpu")),
        },
        "params": {"scale": run.settings.scale_name, "systems": ", ".join(run.settings.systems), **run.params},
        "metrics": {**finite(run.metrics), **finite({f"cost/{key}": value for key, value in numbers.items()})},
        "points": list(points(run.curves)),
        "system": run.monitor.points() if run.monitor else [],
        "parent_metrics": finite(run.parent_metrics),
        "parent_note": run.parent_note,
        "ends_experiment": run.ends_experiment,
    }


def _milliseconds(seconds: float) -> int:
    """Return a time for MLflow, which knows none before 1970, as a clock without a battery may show."""
    return max(0, int(seconds * 1000))


def _experiment_key(settings: dict[str, Any]) -> str:
    """Return the tag `pretrace.experiment` of the parent run: one for each (experiment, commit, settings)."""
    baseline, experiment = _experiment()
    return sha256_of_json([experiment, baseline, settings])[:32]


def _experiment() -> tuple[str, str]:
    """Return the commit that the experiment started from, and its name: DVC's, or one for the workspace."""
    baseline = os.environ.get("DVC_EXP_BASELINE_REV") or _revision(Path.cwd())
    return baseline, os.environ.get("DVC_EXP_NAME") or f"workspace-{baseline[:8]}"


@lru_cache
def _revision(_folder: Path) -> str:
    """Return the commit in a folder. Cached: a run stays the same run when somebody commits meanwhile."""
    return git_revision()


def _flat(settings: Settings) -> dict[str, Any]:
    """Return settings as {"scale.model.layers": 4, ...}, without null and empty ones."""
    flat: dict[str, Any] = {}

    def walk(value: Any, *keys: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, *keys, key)
        elif value not in (None, []):
            flat[".".join(keys)] = value

    walk(settings.in_use(exclude_defaults=True))
    return flat
