"""MLflow gets what stages leave for it, once, under one parent; when it does not answer, nothing is lost or delayed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pretrace import tracking
from pretrace.common.files import locked
from pretrace.pipeline.stage import Run
from pretrace.settings import load_settings
from tests.helpers.mlflow_records import leave, points, runs, waiting

pytestmark = pytest.mark.slow

NOWHERE = "http://127.0.0.1:9"
PATIENCE = 120


def test_switched_off_nothing_is_written(project: Path) -> None:
    leave("clean")
    assert not (project / ".pretrace").exists()


def test_a_stage_is_a_child_of_the_experiments_run(tracked: Path) -> None:
    leave("clean", metrics={"words": 10})
    leave("pretrain", cost={"device": "cuda", "tokens_per_second": 5.0}, params={"lr": 0.1})
    leave("bpe", status="FAILED")
    assert tracking.upload_queued() == ""
    assert waiting(tracked) == 0
    found = runs()
    parent = found["workspace-01234567"]
    for name in ("clean", "pretrain", "bpe"):
        assert found[name].data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert found[name].data.tags["dvc.stage"] == name
        assert found[name].data.tags["dvc.baseline_rev"] == "0123456789abcdef"
    assert found["clean"].data.metrics == {"words": 10}
    assert found["pretrain"].data.metrics == {"cost/tokens_per_second": 5}
    assert found["pretrain"].data.tags["device"] == "cuda"
    assert found["pretrain"].data.params == {"scale": "laptop", "lr": "0.1"}
    assert found["bpe"].info.status == parent.info.status == "FAILED"
    assert parent.data.params["tasks.follows.kind"] == "entailment"
    assert parent.data.params["scale_name"] == "laptop"


def test_the_report_tells_the_parent_the_scores_and_ends_it(tracked: Path, project: Path) -> None:
    (project / "figures").mkdir()
    (project / "figures" / "a.svg").write_text("<svg/>")
    leave("clean")
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


def test_experiments_and_settings_have_parents_of_their_own(tracked: Path, project: Path, monkeypatch: Any) -> None:
    leave("clean")
    monkeypatch.setenv("DVC_EXP_NAME", "it's-one")
    leave("bpe")
    params = (project / "params.yaml").read_text()
    (project / "params.yaml").write_text(params.replace("lr: null", "lr: 0.5").replace("lr:\n", "lr: 0.5\n"))
    monkeypatch.setenv("DVC_EXP_NAME", "two")
    leave("shard")
    assert tracking.upload_queued() == ""
    found = runs()
    parents = {found[name].data.tags["mlflow.parentRunId"] for name in ("clean", "bpe", "shard")}
    assert parents == {found[name].info.run_id for name in ("workspace-01234567", "it's-one", "two")}
    assert found["two"].data.params["lr"] == "0.5"


def test_a_curve_arrives_whole_and_once_however_often_it_is_sent(tracked: Path, project: Path) -> None:
    curve = project / "curve.jsonl"
    rows = [{"step": step, "loss": 1 / step, "lr": None} for step in range(1, 1501)]
    curve.write_text("\n".join(map(json.dumps, rows[:700])) + '\n{"step": 701, "lo')
    run = leave("pretrain", "RUNNING", curves=[curve])
    tracking.upload_queued()
    assert runs()["pretrain"].info.status == "RUNNING"
    assert len(points(runs()["pretrain"], "loss")) == 700
    curve.write_text("\n".join(map(json.dumps, rows)) + "\n")
    for _ in range(2):
        tracking.enqueue(run, "FINISHED")
    tracking.upload_queued()
    assert runs()["pretrain"].info.status == "FINISHED"
    assert points(runs()["pretrain"], "loss") == [(step, 1 / step) for step in range(1, 1501)]


def test_seeds_have_curves_of_their_own(tracked: Path, project: Path) -> None:
    curve = project / "curve.jsonl"
    curve.write_text('{"seed": 0, "step": 1, "loss": 2.0}\n{"seed": 1, "step": 1, "loss": 3.0}\n')
    leave("finetune@source-full", curves=[curve])
    record = json.loads(next(tracked.glob("*/record.json")).read_text())
    assert record["points"] == [["loss/seed0", 2.0, 1], ["loss/seed1", 3.0, 1]]


def test_numbers_that_no_database_holds_are_left_out(tracked: Path) -> None:
    leave("clean", metrics={"a": float("nan"), "b": float("inf"), "c": 1})
    record = json.loads(next(tracked.glob("*/record.json")).read_text())
    assert record["metrics"] == {"c": 1.0}


def test_what_cannot_be_sent_waits_is_said_once_and_sent_later(tracked: Path, monkeypatch: Any, capsys: Any) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", NOWHERE)
    leave("clean")
    assert NOWHERE in tracking.upload_queued()
    assert waiting(tracked) == 1
    leave("bpe")
    assert capsys.readouterr().err.count("MLflow is unreachable") == 1
    assert NOWHERE in tracking.upload_queued()
    leave("shard")
    assert capsys.readouterr().err == ""
    assert "3 runs are queued" in tracking.wait_until_uploaded()
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    assert "all runs are uploaded" in tracking.wait_until_uploaded()
    assert set(runs()) == {"workspace-01234567", "clean", "bpe", "shard"}


def test_one_broken_record_does_not_hold_up_the_others(tracked: Path) -> None:
    leave("clean")
    broken = tracked / "0-broken"
    broken.mkdir()
    (broken / "record.json").write_text('{"id": ')
    leave("bpe")
    assert "0-broken" in tracking.upload_queued()
    assert waiting(tracked) == 1
    assert {"clean", "bpe"} <= set(runs())


def test_two_first_users_at_once_share_one_database(untouched: Path, monkeypatch: Any) -> None:
    """MLflow's own first opening, done twice at once, breaks the database for good."""
    monkeypatch.setattr("pretrace.tracking.spool.describe_run.dvc_process", lambda: None)  # nobody to stay for
    for name in ("clean", "bpe", "shard"):
        leave(name)
    environment = {**os.environ, "PYTHONPATH": ""}
    commands = ["upload", "open", "wait"]
    senders = [subprocess.Popen([sys.executable, "-m", "pretrace.tracking", c], env=environment) for c in commands]
    assert [sender.wait(PATIENCE) for sender in senders] == [0, 0, 0]
    tracking.upload_queued()
    assert set(runs()) == {"workspace-01234567", "clean", "bpe", "shard"}


def test_a_sender_leaves_the_work_to_the_one_that_has_the_lock(tracked: Path) -> None:
    leave("clean")
    with locked(tracked / "lock"):
        assert tracking.upload_queued() == ""
    assert waiting(tracked) == 1


def test_a_copy_of_the_repository_tracks_to_the_original(tracked: Path, project: Path, monkeypatch: Any) -> None:
    copy = project / ".dvc" / "tmp" / "exps" / "tmp1"
    copy.mkdir(parents=True)
    run = Run("clean", load_settings(), 1_700_000_000.0)
    monkeypatch.chdir(copy)
    tracking.enqueue(run, "FINISHED")
    assert waiting(tracked) == 1
    assert tracking.tracking_uri() == f"sqlite:///{project.resolve()}/.pretrace/mlflow.db"


def test_the_sender_runs_by_itself(untouched: Path, monkeypatch: Any) -> None:
    monkeypatch.undo()  # the real sender, in the background
    environment = {"PRETRACE_TRACKING": "on", "DVC_ROOT": str(untouched.parents[1])}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(untouched.parents[1])
    leave("clean")
    assert "all runs are uploaded" in tracking.wait_until_uploaded(PATIENCE)
    assert "clean" in runs()
