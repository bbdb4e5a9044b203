"""MLflow gets what stages leave for it, once, under one parent; when it does not answer, nothing is lost or delayed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from pretrace import tracking
from pretrace.common.files import locked
from pretrace.common.processes import this_process
from pretrace.pipeline.stage import Run
from pretrace.settings import load_settings
from pretrace.tracking.config import queued_records, spool_folder
from pretrace.tracking.status import status
from tests.helpers.mlflow_records import count_queued, points, queue_run, runs

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:9"
PATIENCE = 120


def test_tracking_off_writes_nothing(project: Path) -> None:
    queue_run("clean")
    assert not (project / ".pretrace").exists()


def test_stage_run_is_a_child_of_the_experiment(tracked: Path) -> None:
    queue_run("clean", metrics={"words": 10})
    queue_run("pretrain", cost={"device": "cuda", "tokens_per_second": 5.0}, params={"lr": 0.1})
    queue_run("bpe", status="FAILED")
    assert tracking.upload_queued() == ""
    assert count_queued(tracked) == 0
    by_name = runs()
    parent = by_name["workspace-01234567"]
    for name in ("clean", "pretrain", "bpe"):
        assert by_name[name].data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert by_name[name].data.tags["dvc.stage"] == name
        assert by_name[name].data.tags["dvc.baseline_rev"] == "0123456789abcdef"
    assert by_name["clean"].data.metrics == {"words": 10}
    assert by_name["pretrain"].data.metrics == {"cost/tokens_per_second": 5}
    assert by_name["pretrain"].data.tags["device"] == "cuda"
    assert by_name["pretrain"].data.params == {"scale": "laptop", "systems": "gpt1", "lr": "0.1"}
    assert by_name["bpe"].info.status == parent.info.status == "FAILED"
    assert parent.data.params["tasks.follows.kind"] == "entailment"
    assert parent.data.params["scale_name"] == "laptop"


def test_report_logs_scores_on_the_parent_and_ends_it(tracked: Path, project: Path) -> None:
    (project / "figures").mkdir()
    (project / "figures" / "a.svg").write_text("<svg/>")
    queue_run("clean")
    tracking.upload_queued()
    assert runs()["workspace-01234567"].info.status == "RUNNING"
    run = Run("report", load_settings(), 1_700_000_000.0, ends_experiment=True)
    run.log_experiment_metrics({"source/full": 0.5})
    run.log_artifact("figures")
    tracking.enqueue(run, "FINISHED")
    tracking.upload_queued()
    parent = runs()["workspace-01234567"]
    assert parent.info.status == "FINISHED"
    assert parent.data.metrics == {"source/full": 0.5}
    assert (project / ".pretrace/artifacts" / parent.info.run_id / "artifacts/figures/a.svg").read_text() == "<svg/>"


def test_parent_run_is_one_per_experiment_and_settings(tracked: Path, project: Path, monkeypatch: Any) -> None:
    queue_run("clean")
    monkeypatch.setenv("DVC_EXP_NAME", "it's-one")
    queue_run("bpe")
    params = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(params.replace("lr: null", "lr: 0.5").replace("lr:\n", "lr: 0.5\n"))
    monkeypatch.setenv("DVC_EXP_NAME", "two")
    queue_run("shard")
    assert tracking.upload_queued() == ""
    by_name = runs()
    parents = {by_name[name].data.tags["mlflow.parentRunId"] for name in ("clean", "bpe", "shard")}
    assert parents == {by_name[name].info.run_id for name in ("workspace-01234567", "it's-one", "two")}
    assert by_name["two"].data.params["lr"] == "0.5"


def test_curve_uploaded_twice_has_each_point_once(tracked: Path, project: Path) -> None:
    curve = project / "curve.jsonl"
    rows = [{"step": step, "loss": 1 / step, "lr": None} for step in range(1, 1501)]
    curve.write_text("\n".join(map(json.dumps, rows[:700])) + '\n{"step": 701, "lo')
    run = queue_run("pretrain", "RUNNING", curves=[curve])
    tracking.upload_queued()
    assert runs()["pretrain"].info.status == "RUNNING"
    assert len(points(runs()["pretrain"], "loss")) == 700
    curve.write_text("\n".join(map(json.dumps, rows)) + "\n")
    for _ in range(2):
        tracking.enqueue(run, "FINISHED")
    tracking.upload_queued()
    assert runs()["pretrain"].info.status == "FINISHED"
    assert points(runs()["pretrain"], "loss") == [(step, 1 / step) for step in range(1, 1501)]


def test_curve_is_split_by_seed(tracked: Path, project: Path) -> None:
    curve = project / "curve.jsonl"
    curve.write_text('{"seed": 0, "step": 1, "loss": 2.0}\n{"seed": 1, "step": 1, "loss": 3.0}\n')
    queue_run("finetune@source-full", curves=[curve])
    record = json.loads(next(tracked.glob("*/record.json")).read_text())
    assert record["points"] == [["loss/seed0", 2.0, 1], ["loss/seed1", 3.0, 1]]


def test_curve_is_split_by_pre_training_where_there_are_several(tracked: Path, project: Path) -> None:
    curve = project / "curve.jsonl"
    rows = [{"seed": 1, "pretrain_seed": start, "step": 6, "loss": 2.0} for start in (42, 43)]
    curve.write_text("".join(json.dumps(row) + "\n" for row in rows))
    queue_run("finetune@source-full", curves=[curve])
    record = json.loads(next(tracked.glob("*/record.json")).read_text())
    assert record["points"] == [["loss/pretrain42-seed1", 2.0, 6], ["loss/pretrain43-seed1", 2.0, 6]]


def test_metrics_that_are_not_finite_are_omitted(tracked: Path) -> None:
    queue_run("clean", metrics={"a": float("nan"), "b": float("inf"), "c": 1})
    record = json.loads(next(tracked.glob("*/record.json")).read_text())
    assert record["metrics"] == {"c": 1.0}


def test_unreachable_server_is_reported_once_and_retried(tracked: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOWHERE)
    queue_run("clean")
    assert NOWHERE in tracking.upload_queued()
    assert count_queued(tracked) == 1
    queue_run("bpe")
    assert capsys.readouterr().err.count("MLflow is unreachable") == 1
    assert NOWHERE in tracking.upload_queued()
    queue_run("shard")
    assert capsys.readouterr().err == ""
    assert "3 runs are queued" in tracking.wait_until_uploaded()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert "all runs are uploaded" in tracking.wait_until_uploaded()
    assert set(runs()) == {"workspace-01234567", "clean", "bpe", "shard"}


def test_clock_before_1970_loses_no_record(tracked: Path, monkeypatch: Any) -> None:
    """As on a machine without a battery, before it has asked for the time."""
    monkeypatch.setattr(time, "time", lambda: -1e9)
    monkeypatch.setattr(time, "time_ns", lambda: -(10**18))
    for name in ("clean", "bpe"):
        queue_run(name, started=-1e9 - 60)
    queued = queued_records(spool_folder())
    assert [json.loads((path / "record.json").read_text())["name"] for path in queued] == ["clean", "bpe"]
    assert dict(status())["since"].startswith("19")
    assert tracking.upload_queued() == "" and count_queued(tracked) == 0
    assert {"clean", "bpe"} <= runs().keys()


def test_damaged_record_does_not_block_others(tracked: Path) -> None:
    queue_run("clean")
    broken = tracked / "0-broken"
    broken.mkdir()
    (broken / "record.json").write_text('{"id": ')
    queue_run("bpe")
    assert "0-broken" in tracking.upload_queued()
    assert count_queued(tracked) == 1
    assert {"clean", "bpe"} <= set(runs())


def test_records_of_other_versions_do_not_block_others(tracked: Path) -> None:
    """One that only has more is uploaded; one that lacks a key stays in the queue, or is of a stage that runs."""
    queue_run("clean")
    newer = next(tracked.glob("[0-9]*/record.json"))
    record = json.loads(newer.read_text())
    newer.write_text(json.dumps({**record, "of a later version": 1}))
    older = {"id": "another", "process": this_process()}
    for path in (tracked / "0-older" / "record.json", tracked / "running" / "another.json"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(older))
    said = tracking.upload_queued()
    assert "0-older/record.json: name: missing" in said
    assert count_queued(tracked) == 1
    assert set(runs()) == {"workspace-01234567", "clean"}


def test_new_database_is_shared_by_concurrent_uploaders(queue: Path, monkeypatch: Any) -> None:
    """MLflow's own first opening, done twice at once, breaks the database for good."""
    monkeypatch.setattr("pretrace.tracking.spool.describe_run.dvc_process", lambda: None)  # nobody to stay for
    for name in ("clean", "bpe", "shard"):
        queue_run(name)
    environment = {**os.environ, "PYTHONPATH": ""}
    commands = ["upload", "open", "wait"]
    uploaders = [subprocess.Popen([sys.executable, "-m", "pretrace.tracking", c], env=environment) for c in commands]
    assert [uploader.wait(PATIENCE) for uploader in uploaders] == [0, 0, 0]
    tracking.upload_queued()
    assert set(runs()) == {"workspace-01234567", "clean", "bpe", "shard"}


def test_uploader_without_the_lock_leaves_the_queue(tracked: Path) -> None:
    queue_run("clean")
    with locked(tracked / "lock"):
        assert tracking.upload_queued() == ""
    assert count_queued(tracked) == 1


def test_copy_of_the_repository_uses_the_original_queue(tracked: Path, project: Path, monkeypatch: Any) -> None:
    copy = project / ".dvc" / "tmp" / "exps" / "tmp1"
    copy.mkdir(parents=True)
    run = Run("clean", load_settings(), 1_700_000_000.0)
    monkeypatch.chdir(copy)
    tracking.enqueue(run, "FINISHED")
    assert count_queued(tracked) == 1
    assert tracking.tracking_uri() == f"sqlite:///{project.resolve()}/.pretrace/mlflow.db"


def test_uploader_starts_in_the_background(queue: Path, monkeypatch: Any) -> None:
    monkeypatch.undo()  # the real uploader, in the background
    environment = {"PRETRACE_TRACKING": "on", "DVC_ROOT": str(queue.parents[1])}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(queue.parents[1])
    queue_run("clean")
    assert "all runs are uploaded" in tracking.wait_until_uploaded(PATIENCE)
    assert "clean" in runs()
