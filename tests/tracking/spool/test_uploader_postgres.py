"""A server over HTTP with PostgreSQL behind it, both real, by MLFLOW_TRACKING_URI alone."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pretrace import tracking
from tests.helpers.finetuned_models import ROWS, models
from tests.helpers.mlflow_records import PARENT, client, count_queued, points, queue_run, runs
from tests.helpers.new_rows import predicted

PATIENCE = 180
PLACES = ":".join([*map(str, sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), os.environ["PATH"]])
DATABASE = shutil.which("postgres", path=PLACES)
AS_ITS_USER = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
"""PostgreSQL refuses to run as root; Debian's package makes a user for it."""
needs_postgres = pytest.mark.skipif(DATABASE is None, reason="needs PostgreSQL (apt-get install postgresql)")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(command: list[str], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process, with all that it starts, which is gone afterwards."""
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdout=stream, stderr=stream, env={**os.environ, **environment}, start_new_session=True
        )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(20)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(what: Any, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError):
            what()
            return
        time.sleep(0.2)
    raise AssertionError(f"did not come up: {log.read_text(errors='replace')[-2000:]}")


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """The address of an empty PostgreSQL."""
    assert DATABASE is not None
    folder, port = Path(tempfile.mkdtemp(prefix="pretrace-postgres-")), free_port()
    if AS_ITS_USER:
        shutil.chown(folder, "postgres", "postgres")
    files, log = folder / "files", tmp_path / "postgres.log"
    try:
        initdb = [str(Path(DATABASE).resolve().with_name("initdb")), "-D", str(files), "-U", "keeper"]
        done = subprocess.run([*AS_ITS_USER, *initdb, "-A", "trust", "-N"], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        options = ["-D", str(files), "-p", str(port), "-k", str(folder), "-h", "127.0.0.1", "-F"]
        with running([*AS_ITS_USER, DATABASE, *options], log) as process:
            wait_for(lambda: socket.create_connection(("127.0.0.1", port)).close(), process, log)
            yield f"postgresql+psycopg2://keeper@127.0.0.1:{port}/postgres"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def server(database: str, tmp_path: Path) -> Iterator[str]:
    """The address of an MLflow server with that database."""
    port, log = free_port(), tmp_path / "server.log"
    address = f"http://127.0.0.1:{port}"
    stores = ["--backend-store-uri", database, "--artifacts-destination", str(tmp_path / "stored")]
    options = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1", *stores]
    quiet = {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"}
    with running([sys.executable, "-m", "mlflow", "server", *options], log, **quiet) as process:
        wait_for(lambda: urllib.request.urlopen(f"{address}/health").close(), process, log)
        yield address


@needs_postgres
@pytest.mark.slow
def test_server_with_postgres(finetuned: Path, server: str, tmp_path: Path, monkeypatch: Any) -> None:
    import mlflow
    import pandas as pd

    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "60")
    curve = finetuned / "curve.jsonl"
    curve.write_text("".join(f'{{"step": {step}, "loss": {1 / step}}}\n' for step in range(1, 1201)))
    queue_run("finetune@source-full", curves=[curve], metrics={"score": 0.6}, monitor=None)
    queue_run("bpe", "FAILED", error="no words")
    queue_run("report", ends_experiment=True, models=models(0.6, 0.5, ("source",)), artifacts=[curve])
    folder = finetuned / ".pretrace" / "tracking"
    copies = [shutil.copytree(one, one.with_name(f"{one.name}-again")) for one in sorted(folder.glob("[0-9]*"))]
    assert len(copies) == 3
    assert tracking.upload_queued() == ""
    assert count_queued(folder) == 0 and not (finetuned / ".pretrace/mlflow.db").read_bytes().count(b"finetune@source")
    by_name = runs()
    assert by_name["bpe"].info.status == "FAILED" and by_name[PARENT].info.status == "FINISHED"
    trained = by_name["finetune@source-full"]
    assert points(trained, "loss") == [(step, 1 / step) for step in range(1, 1201)]
    assert [one.dataset.name for one in client().get_run(trained.info.run_id).inputs.dataset_inputs] == [
        "data/tasks/source"
    ]
    assert [one.path for one in client().list_artifacts(by_name[PARENT].info.run_id)] == ["curve.jsonl"]
    assert list((tmp_path / "stored").rglob("model.safetensors")), "the server stores artifacts"
    (version,) = client().search_model_versions("name = 'pretrace-source'")
    assert version.run_id == trained.info.run_id
    mlflow.set_tracking_uri(server)
    try:
        model = mlflow.pyfunc.load_model("models:/pretrace-source@champion")
    finally:
        mlflow.set_tracking_uri(None)
    expected = predicted("source-full", [{"text": row} for row in ROWS], tmp_path)
    assert list(model.predict(pd.DataFrame({"text": ROWS}))) == expected
