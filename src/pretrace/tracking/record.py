"""What a stage leaves for MLflow: one folder a hand-over, with `record.json` and copies of what shall be shown."""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretrace.files import atomic_folder, sha256_of_file, sha256_of_json
from pretrace.origin import git_revision
from pretrace.tracking.curves import finite, points
from pretrace.tracking.place import is_off, waiting_room
from pretrace.tracking.sender import start_sender

if TYPE_CHECKING:
    from pretrace.settings import Settings
    from pretrace.stage import Run


def hand_over(run: Run, status: str) -> None:
    """Leave what MLflow should know about a run, and see to it that it is sent.

    `status` is MLflow's: RUNNING, FINISHED, FAILED or KILLED. A record left while the run is going is brought up to
    date by the next one of the same run.
    """
    if is_off():
        return
    folder = waiting_room()
    with atomic_folder(folder / f"{time.time_ns()}-{uuid.uuid4().hex[:8]}") as record:
        artifacts = record / "artifacts"
        for path in run.artifacts if status == "FINISHED" else []:
            if path.is_dir():
                shutil.copytree(path, artifacts / path.name)
            elif path.exists():
                artifacts.mkdir(exist_ok=True)
                shutil.copy(path, artifacts / path.name)
        text = json.dumps(_describe(run, status), allow_nan=False, default=str)
        (record / "record.json").write_text(text, encoding="utf-8")
    told = folder / "unsent.txt"
    if told.exists():
        print(f"pretrace: {told.read_text().strip()}", file=sys.stderr)
        told.rename(folder / "told.txt")
    start_sender(folder)


def record_id(run: Run) -> str:
    """The value of the tag `pretrace.record` by which MLflow finds the run of a stage."""
    return sha256_of_json([run.name, _experiment()[1], os.getpid(), run.started])[:32]


def _describe(run: Run, status: str) -> dict[str, Any]:
    """What MLflow should know about a run, as JSON."""
    settings = _flat(run.settings)
    baseline, experiment = _experiment()
    lock = Path("dvc.lock")
    numbers = {key: value for key, value in run.cost.items() if isinstance(value, int | float)}
    return {
        "id": record_id(run),
        "name": run.name,
        "status": status,
        "started_ms": int(run.started * 1000),
        "ended_ms": int(time.time() * 1000),
        "experiment": {
            "name": experiment,
            "settings": settings,
            "key": sha256_of_json([experiment, baseline, settings])[:32],
        },
        "tags": {
            "dvc.exp_name": experiment,
            "dvc.baseline_rev": baseline,
            "dvc.stage": run.name,
            "dvc.lock": sha256_of_file(lock) if lock.exists() else "none",
            "device": str(run.cost.get("device", "cpu")),
        },
        "params": {"scale": run.settings.scale_name, **run.params},
        "metrics": {**finite(run.metrics), **finite({f"cost/{key}": value for key, value in numbers.items()})},
        "points": list(points(run.curves)),
        "parent_metrics": finite(run.parent_metrics),
        "ends_experiment": run.ends_experiment,
    }


def _experiment() -> tuple[str, str]:
    """The commit that the experiment started from, and its name: DVC's own, or that of the workspace."""
    baseline = os.environ.get("DVC_EXP_BASELINE_REV") or git_revision()
    return baseline, os.environ.get("DVC_EXP_NAME") or f"workspace-{baseline[:8]}"


def _flat(settings: Settings) -> dict[str, Any]:
    """Settings as {"scale.model.layers": 4, ...}; what is null or empty is left out."""
    flat: dict[str, Any] = {}

    def walk(value: Any, *keys: str) -> None:
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(inner, *keys, key)
        elif value not in (None, []):
            flat[".".join(keys)] = value

    walk(settings.in_use(exclude_defaults=True))
    return flat
