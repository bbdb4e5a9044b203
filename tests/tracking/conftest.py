"""A project with tracking on, whose tests upload by themselves."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pretrace.common.processes import this_process
from tests.helpers.finetuned_models import make_finetuned


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """MLflow's tables without our experiment: making them takes seconds."""
    from mlflow.tracking import MlflowClient

    path = tmp_path_factory.mktemp("mlflow") / "mlflow.db"
    MlflowClient(tracking_uri=f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def tracked(queue: Path, empty_database: Path) -> Path:
    """As `queue`, with a database."""
    queue.parent.mkdir()
    shutil.copy(empty_database, queue.parent)
    return queue


@pytest.fixture
def queue(project: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of the queue; no uploader starts by itself, and DVC seems to keep running."""
    monkeypatch.setenv("PRETRACE_TRACKING", "on")
    monkeypatch.setenv("DVC_ROOT", str(project))
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "0123456789abcdef")
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr("pretrace.tracking.spool.enqueue.start_uploader", lambda folder: None)
    monkeypatch.setattr("pretrace.tracking.spool.describe_run.dvc_process", this_process)
    return project / ".pretrace" / "tracking"


@pytest.fixture
def finetuned(tracked: Path, project: Path) -> Path:
    """A finished run: fine-tuned models, their vocabulary, and test rows. Gives the project."""
    make_finetuned(project)
    return project
