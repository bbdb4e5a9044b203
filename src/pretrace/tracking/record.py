"""What a stage leaves for MLflow: one folder a hand-over, with `record.json` and copies of what shall be shown.

While a stage runs, `running/<record>.json` says so. A stage that is killed outright leaves no record, and is known by
that: its process is gone, and the file is still there.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
import uuid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pretrace.files import atomic_folder, sha256_of_file, sha256_of_json, write_text
from pretrace.origin import git_revision
from pretrace.tracking.alive import dvc_process, this_process
from pretrace.tracking.curves import finite, points
from pretrace.tracking.lineage import Pipeline, snapshot
from pretrace.tracking.models import best_models, copy_models, experiment_metrics
from pretrace.tracking.place import is_off, masked, waiting_room
from pretrace.tracking.sender import start_sender

if TYPE_CHECKING:
    from pretrace.settings import Settings
    from pretrace.stage import Run

ARTIFACTS, MODELS, RUNNING = "artifacts", "models", "running"
BENCHMARK = Path("reports/benchmark.json")


def announce(run: Run) -> None:
    """Leave word that a run has begun. Nothing is sent for it: whoever sends next will show it, too."""
    if not is_off():
        write_text(_running(run), _as_json(_describe(run, "RUNNING")))


def hand_over(run: Run, status: str) -> None:
    """Leave what MLflow should know about a run, and see to it that it is sent.

    `status` is MLflow's: RUNNING, FINISHED, FAILED or KILLED. A record left while the run is going is brought up to
    date by the next one of the same run.
    """
    if is_off():
        return
    folder, record = waiting_room(), _describe(run, status)
    with atomic_folder(_name()) as place:
        if status == "FINISHED":
            _copy(run.artifacts, place / ARTIFACTS)
            copy_models(run.models, place / MODELS)
            record["models"] = run.models
        if status != "RUNNING":
            record["pipeline"] = snapshot(run.settings.scale_name)
        (place / "record.json").write_text(_as_json(record), encoding="utf-8")
    if status != "RUNNING":
        _running(run).unlink(missing_ok=True)
    if run.ends_experiment and status == "FINISHED" and BENCHMARK.exists():
        write_text(_shown(run.settings, sha256_of_file(BENCHMARK)), "")
    _tell(folder)
    start_sender(folder)


def leave_restored(settings: Settings, result: str, benchmark: dict[str, Any]) -> None:
    """Leave the results of the workspace, unless some run has shown them: an experiment whose stages were all cached.

    Args:
        result: the hash of the benchmark.json; `benchmark`: what is in it.
    """
    from pretrace.stage import Run

    if _shown(settings, result).exists():
        return
    run = Run("report", settings, time.time(), ends_experiment=True)
    run.log_experiment_metrics(experiment_metrics(benchmark))
    table = BENCHMARK.with_suffix(".md")
    run.describe_experiment(table.read_text(encoding="utf-8") if table.exists() else "")
    record = {**_describe(run, "FINISHED"), "restored": True, "models": best_models(benchmark)}
    record["pipeline"] = snapshot(settings.scale_name)
    if "report" not in Pipeline(record["pipeline"]).locked:
        return
    with atomic_folder(_name()) as place:
        copy_models(record["models"], place / MODELS)
        (place / "record.json").write_text(_as_json(record), encoding="utf-8")
    write_text(_shown(settings, result), "")


def _name() -> Path:
    """Of a new record: they are sent in the order of their names."""
    return waiting_room() / f"{time.time_ns()}-{uuid.uuid4().hex[:8]}"


def _shown(settings: Settings, result: str) -> Path:
    """An empty file that says of an experiment's result that MLflow gets it."""
    return waiting_room() / "shown" / f"{experiment_key(settings)}-{result[:16]}"


def record_id(run: Run) -> str:
    """The value of the tag `pretrace.record` by which MLflow finds the run of a stage."""
    return sha256_of_json([run.name, _experiment()[1], os.getpid(), run.started])[:32]


def experiment_key(settings: Settings) -> str:
    """The value of the tag `pretrace.experiment` of a parent: one for each (experiment, commit, settings)."""
    baseline, experiment = _experiment()
    return sha256_of_json([experiment, baseline, _flat(settings)])[:32]


def _running(run: Run) -> Path:
    return waiting_room() / RUNNING / f"{record_id(run)}.json"


def _as_json(record: dict[str, Any]) -> str:
    return masked(json.dumps(record, allow_nan=False, default=str))


def _copy(paths: list[Path], out: Path) -> None:
    for path in paths:
        if path.is_dir():
            shutil.copytree(path, out / path.name)
        elif path.exists():
            out.mkdir(exist_ok=True)
            shutil.copy(path, out / path.name)


def _tell(folder: Path) -> None:
    """Say once what a sender in the background could not."""
    told = folder / "unsent.txt"
    if told.exists():
        print(f"pretrace: {told.read_text().strip()}", file=sys.stderr)
        told.rename(folder / "told.txt")


def _describe(run: Run, status: str) -> dict[str, Any]:
    """What MLflow should know about a run, as JSON."""
    baseline, experiment = _experiment()
    lock = Path("dvc.lock")
    numbers = {key: value for key, value in run.cost.items() if isinstance(value, int | float)}
    return {
        "id": record_id(run),
        "name": run.name,
        "status": status,
        "error": run.error,
        "started_ms": int(run.started * 1000),
        "ended_ms": int(time.time() * 1000),
        "process": this_process(),
        "dvc": dvc_process(),
        "experiment": {"name": experiment, "settings": _flat(run.settings), "key": experiment_key(run.settings)},
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
        "system": run.watch.points() if run.watch else [],
        "parent_metrics": finite(run.parent_metrics),
        "parent_note": run.parent_note,
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
