"""What a stage leaves for MLflow: one folder a hand-over, with `record.json` and copies of what shall be shown.

While a stage runs, `running/<record>.json` says so. A stage that is killed outright leaves no record, and is known by
that: its process is gone, and the file is still there.
"""

from __future__ import annotations

import json
import shutil
import sys
import time
import uuid
from pathlib import Path
from typing import Any

from pretrace.common.errors import mask_secrets
from pretrace.common.files import atomic_folder, sha256_of_file, write_text
from pretrace.settings import Settings
from pretrace.tracking.best_models import best_models, copy_models, experiment_metrics
from pretrace.tracking.config import is_off, waiting_room
from pretrace.tracking.describe_run import describe, record_id, settings_key
from pretrace.tracking.lineage import Pipeline, snapshot
from pretrace.tracking.run import Run
from pretrace.tracking.uploader import start_sender

ARTIFACTS, MODELS, RUNNING = "artifacts", "models", "running"
BENCHMARK = Path("reports/benchmark.json")


def announce(run: Run) -> None:
    """Leave word that a run has begun. Nothing is sent for it: whoever sends next will show it, too."""
    if not is_off():
        write_text(_running(run), _as_json(describe(run, "RUNNING")))


def hand_over(run: Run, status: str) -> None:
    """Leave what MLflow should know about a run, and see to it that it is sent.

    `status` is MLflow's: RUNNING, FINISHED, FAILED or KILLED. A record left while the run is going is brought up to
    date by the next one of the same run.
    """
    if is_off():
        return
    folder, record = waiting_room(), describe(run, status)
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
    if _shown(settings, result).exists():
        return
    run = Run("report", settings, time.time(), ends_experiment=True)
    run.log_experiment_metrics(experiment_metrics(benchmark))
    table = BENCHMARK.with_suffix(".md")
    run.describe_experiment(table.read_text(encoding="utf-8") if table.exists() else "")
    record = {**describe(run, "FINISHED"), "restored": True, "models": best_models(benchmark)}
    record["pipeline"] = snapshot(settings.scale_name)
    pipeline = Pipeline(record["pipeline"])
    if not pipeline.stages.keys() & pipeline.locked.keys() & {"report"}:
        return
    with atomic_folder(_name()) as place:
        copy_models(record["models"], place / MODELS)
        (place / "record.json").write_text(_as_json(record), encoding="utf-8")
    write_text(_shown(settings, result), "")


def _name() -> Path:
    """Of a new record: they are sent in the order of their names."""
    return waiting_room() / f"{time.time_ns()}-{uuid.uuid4().hex[:8]}"


def _shown(settings: Settings, result: str) -> Path:
    """An empty file that says of a result that MLflow gets it, from whichever experiment with these settings."""
    return waiting_room() / "shown" / f"{settings_key(settings)}-{result[:16]}"


def _running(run: Run) -> Path:
    return waiting_room() / RUNNING / f"{record_id(run)}.json"


def _as_json(record: dict[str, Any]) -> str:
    return mask_secrets(json.dumps(record, allow_nan=False, default=str))


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
