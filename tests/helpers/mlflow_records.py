"""Stages that leave records, and the runs that MLflow has of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pretrace import tracking
from pretrace.pipeline.stage import Run
from pretrace.settings import load_settings

PARENT = "workspace-01234567"


def queue_run(name: str, status: str = "FINISHED", **values: Any) -> Run:
    run = Run(name, load_settings(), **{"started": 1_700_000_000.0, **values})
    tracking.enqueue(run, status)
    return run


def count_queued(folder: Path) -> int:
    return len(list(folder.glob("[0-9]*/record.json")))


def client() -> Any:
    from mlflow.tracking import MlflowClient

    return MlflowClient(tracking_uri=tracking.tracking_uri())


def runs() -> dict[str, Any]:
    """Return MLflow's runs by name."""
    every_run = all_runs()
    assert len({run.info.run_name for run in every_run}) == len(every_run), "a run was made twice"
    return {run.info.run_name: run for run in every_run}


def all_runs() -> list[Any]:
    mlflow = client()
    return list(mlflow.search_runs([mlflow.get_experiment_by_name("pretrace").experiment_id]))


def points(run: Any, metric: str) -> list[tuple[int, float]]:
    return sorted((point.step, point.value) for point in client().get_metric_history(run.info.run_id, metric))
