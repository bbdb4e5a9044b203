"""Every run ends: a stage that fails or is killed says so, and so does its experiment."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pretrace import tracking
from pretrace.common.errors import PretraceError
from pretrace.pipeline.stage import Run, run_stage
from pretrace.settings import load_settings
from pretrace.tracking.spool.uploader import upload_while_dvc_runs
from tests.helpers.mlflow_records import PARENT, all_runs, count_queued, queue_run, runs

pytestmark = pytest.mark.slow

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def gone() -> list[int | str]:
    """A process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return [process.pid, 1, platform.node()]


@linux
def test_experiment_ends_with_dvc(tracked: Path, monkeypatch: Any) -> None:
    """Also when the report did not run, as its inputs came out the same."""
    queue_run("clean")
    tracking.upload_queued()
    assert runs()[PARENT].info.status == "RUNNING"
    monkeypatch.setattr("pretrace.tracking.spool.describe_run.dvc_process", gone)
    queue_run("bpe")
    assert "all runs are uploaded" in tracking.wait_until_uploaded()
    assert runs()[PARENT].info.status == "FINISHED"
    assert not list(tracked.glob("open/*"))


@pytest.mark.parametrize("status", ["FAILED", "KILLED"])
def test_failed_stage_ends_the_experiment_until_it_runs_again(tracked: Path, status: str) -> None:
    queue_run("clean", status, error="rows.csv: row 3: no label")
    tracking.upload_queued()
    by_name = runs()
    assert by_name["clean"].info.status == by_name[PARENT].info.status == status
    assert by_name["clean"].data.tags["mlflow.note.content"] == f"**{status}**: rows.csv: row 3: no label"
    queue_run("clean", started=1_700_000_100.0)
    queue_run("report", ends_experiment=True)
    tracking.upload_queued()
    assert sorted(run.info.status for run in all_runs()) == sorted([status, "FINISHED", "FINISHED", "FINISHED"])


def test_failed_stage_records_its_start_and_error(tracked: Path) -> None:
    def main(_: Run) -> None:
        assert len(list(tracked.glob("running/*.json"))) == 1
        raise PretraceError("rows.csv: row 3: no label")

    with pytest.raises(SystemExit):
        run_stage("clean", main)
    (record,) = tracked.glob("*/record.json")
    assert json.loads(record.read_text())["error"] == "rows.csv: row 3: no label"
    assert not list(tracked.glob("running/*"))


@linux
def test_killed_stage_is_recognized(tracked: Path) -> None:
    code = (
        "import os, signal; from pretrace import tracking; from pretrace.settings import load_settings;"
        "from pretrace.pipeline.stage import Run;"
        "tracking.enqueue_start(Run('pretrain', load_settings(), 1700000000.0));"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", code], check=False, env={**os.environ})
    assert len(list(tracked.glob("running/*.json"))) == 1
    assert "all runs are uploaded" in tracking.wait_until_uploaded()
    by_name = runs()
    assert by_name["pretrain"].info.status == by_name[PARENT].info.status == "KILLED"
    assert not list(tracked.glob("running/*"))


@linux
def test_running_stage_has_the_status_running(tracked: Path) -> None:
    running = Run("pretrain", load_settings(), 1_700_000_001.0)
    tracking.enqueue_start(running)
    assert tracking.upload_queued() == "", "nothing is uploaded for it alone"
    assert not list(tracked.glob("open/*"))
    queue_run("clean")
    tracking.upload_queued()
    assert runs()["pretrain"].info.status == "RUNNING"
    tracking.enqueue(running, "FINISHED")
    assert not list(tracked.glob("running/*"))
    tracking.upload_queued()
    assert runs()["pretrain"].info.status == "FINISHED"


@linux
def test_uploader_stays_while_dvc_runs(tracked: Path, monkeypatch: Any) -> None:
    """Records queued meanwhile are uploaded, and a second uploader returns at once."""
    from pretrace.tracking.spool import uploader

    queue_run("clean")
    turns = []

    def pause(_: float) -> None:
        turns.append(uploader.is_uploader_running(tracked))
        assert upload_while_dvc_runs(tracked) == ""
        if len(turns) == 1:
            queue_run("bpe")
        elif not count_queued(tracked):
            monkeypatch.setattr(uploader, "is_alive", lambda process: False)

    monkeypatch.setattr(uploader.time, "sleep", pause)
    assert upload_while_dvc_runs(tracked) == ""
    assert all(turns) and len(turns) >= 2
    assert {"clean", "bpe"} <= set(runs())
    assert not uploader.is_uploader_running(tracked)
