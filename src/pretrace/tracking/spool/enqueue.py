"""Queues records for MLflow: one folder each, with `record.json` and copies of the files to upload.

While a stage runs, `running/<record>.json` exists. A stage that is killed outright queues no record; it is recognized
by that file, whose process is gone.
"""

from __future__ import annotations

import json
import shutil
import time
import uuid
from pathlib import Path
from typing import Any

from pretrace.common.files import atomic_folder, sha256_of_file, write_text
from pretrace.common.mask import mask_secrets
from pretrace.schemas.benchmark import Benchmark
from pretrace.schemas.record import as_json
from pretrace.settings import Settings
from pretrace.tracking.best_models import best_models, copy_models, experiment_metrics
from pretrace.tracking.config import is_off, spool_folder
from pretrace.tracking.lineage import Pipeline, snapshot
from pretrace.tracking.run import Run
from pretrace.tracking.spool.describe_run import describe, record_id, settings_key
from pretrace.tracking.spool.state import PUBLISHED, RUNNING, warn_once
from pretrace.tracking.spool.uploader import start_uploader

ARTIFACTS, MODELS = "artifacts", "models"
BENCHMARK = Path("reports/benchmark.json")


def enqueue_start(run: Run) -> None:
    """Record that a run has started. It is uploaded with the next record of any run."""
    if not is_off():
        write_text(_running_file(run), _as_json(describe(run, "RUNNING")))


def enqueue(run: Run, status: str) -> None:
    """Queue the record of a run, and make sure that an uploader works on it.

    `status` is MLflow's: RUNNING, FINISHED, FAILED or KILLED. A record of a running stage is superseded by the next
    record of the same run.
    """
    if is_off():
        return
    folder, record = spool_folder(), describe(run, status)
    with atomic_folder(_new_folder()) as place:
        if status == "FINISHED":
            _copy(run.artifacts, place / ARTIFACTS)
            copy_models(run.models, place / MODELS)
            record["models"] = as_json(run.models)
        if status != "RUNNING":
            record["pipeline"] = snapshot(run.settings.scale_name, list(run.settings.systems)).as_json()
        (place / "record.json").write_text(_as_json(record), encoding="utf-8")
    if status != "RUNNING":
        _running_file(run).unlink(missing_ok=True)
    if run.ends_experiment and status == "FINISHED" and BENCHMARK.exists():
        write_text(_published_file(run.settings, sha256_of_file(BENCHMARK)), "")
    warn_once(folder)
    start_uploader(folder)


def enqueue_restored(settings: Settings, result: str, benchmark: Benchmark) -> None:
    """Queue the workspace's results as an experiment whose stages were all cached, unless a run has published them.

    Args:
        settings: of the workspace.
        result: hash of the benchmark.json.
        benchmark: content of the benchmark.json.
    """
    if _published_file(settings, result).exists():
        return
    run = Run("report", settings, time.time(), ends_experiment=True)
    run.log_experiment_metrics(experiment_metrics(benchmark))
    table = BENCHMARK.with_suffix(".md")
    run.describe_experiment(table.read_text(encoding="utf-8") if table.exists() else "")
    run.log_models(best_models(benchmark))
    record = {**describe(run, "FINISHED"), "restored": True, "models": as_json(run.models)}
    pipeline_snapshot = snapshot(settings.scale_name, list(settings.systems))
    record["pipeline"] = pipeline_snapshot.as_json()
    pipeline = Pipeline(pipeline_snapshot)
    if not pipeline.stages.keys() & pipeline.locked.keys() & {"report"}:
        return
    with atomic_folder(_new_folder()) as place:
        copy_models(run.models, place / MODELS)
        (place / "record.json").write_text(_as_json(record), encoding="utf-8")
    write_text(_published_file(settings, result), "")


def _new_folder() -> Path:
    """Return the folder of a new record. Records are uploaded in the order of their names, which are digits first.

    A clock before 1970 would give a minus sign; the time since the system's start keeps the order.
    """
    now = time.time_ns()
    return spool_folder() / f"{now if now > 0 else time.monotonic_ns():019}-{uuid.uuid4().hex[:8]}"


def _published_file(settings: Settings, result: str) -> Path:
    """Return the empty file that marks a result as published, by whichever experiment with these settings."""
    return spool_folder() / PUBLISHED / f"{settings_key(settings)}-{result[:16]}"


def _running_file(run: Run) -> Path:
    return spool_folder() / RUNNING / f"{record_id(run)}.json"


def _as_json(record: dict[str, Any]) -> str:
    return json.dumps(_masked(json.loads(json.dumps(record, allow_nan=False, default=str))))


def _masked(value: Any) -> Any:
    """Return a JSON value without secrets in its texts and keys; as one text, a mask could take a quote with it."""
    if isinstance(value, dict):
        return {mask_secrets(key): _masked(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_masked(inner) for inner in value]
    return mask_secrets(value) if isinstance(value, str) else value


def _copy(paths: list[Path], out: Path) -> None:
    for path in paths:
        if path.is_dir():
            shutil.copytree(path, out / path.name)
        elif path.exists():
            out.mkdir(exist_ok=True)
            shutil.copy(path, out / path.name)
