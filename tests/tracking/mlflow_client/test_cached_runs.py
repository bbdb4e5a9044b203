"""A stage that DVC did not run shows where its result came from."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pretrace import tracking
from pretrace.common.files import write_json
from pretrace.tracking import status
from tests.helpers.mlflow_records import PARENT, all_runs, client, count_queued, queue_run, runs

pytestmark = pytest.mark.slow

LOCK = """schema: '2.0'
stages:
  clean:
    cmd: python stages/clean.py
    outs:
    - path: data/clean
      md5: {clean}.dir
  report:
    cmd: python stages/report.py
    outs:
    - path: reports/benchmark.json
      md5: {report}
"""
PIPELINE = """stages:
  clean:
    cmd: python stages/clean.py
    deps: [stages/clean.py]
    params: [seeds]
    outs: [data/clean]
  report:
    cmd: python stages/report.py
    deps: [stages/report.py, data/clean]
    outs: [reports/benchmark.json]
"""
BENCHMARK = {"scale": "laptop", "seeds": [1], "scores": {"source": {"full": 0.5}}, "averages": {"full": 0.5}}
BENCHMARK |= {"winners": {}, "rows": [], "comparisons": [], "overall": []}


@pytest.fixture
def pipeline(tracked: Path, project: Path) -> Path:
    """A pipeline of two stages that has run. Returns the folder of the queue."""
    (project / "stages").mkdir()
    for stage in ("clean", "report"):
        (project / "stages" / f"{stage}.py").write_text(stage)
    (project / "dvc.yaml").write_text(PIPELINE)
    (project / "dvc.lock").write_text(LOCK.format(clean="1" * 32, report="2" * 32))
    write_json(project / "reports/benchmark.json", BENCHMARK)
    return tracked


def report() -> None:
    queue_run("report", ends_experiment=True)
    assert tracking.upload_queued() == ""


def test_cached_run_links_to_the_producing_run(pipeline: Path, monkeypatch: Any) -> None:
    queue_run("clean", metrics={"words": 10.0}, cost={"seconds": 5}, params={"kept": 1})
    report()
    monkeypatch.setenv("DVC_EXP_NAME", "second")
    report()
    report()  # once more: nothing is published twice
    by_name = {run.info.run_name: run for run in all_runs()}
    cached, origin = by_name["clean (cached)"], by_name["clean"]
    assert cached.data.tags["mlflow.parentRunId"] == by_name["second"].info.run_id
    assert cached.data.tags["pretrace.cached_from"] == origin.info.run_id
    assert cached.data.tags["pretrace.cached_from_experiment"] == PARENT
    assert f"/runs/{origin.info.run_id})" in cached.data.tags["mlflow.note.content"]
    assert cached.data.metrics == {"words": 10.0}, "what it cost was not paid again"
    assert cached.data.params["kept"] == "1"
    assert cached.info.status == by_name["second"].info.status == "FINISHED"
    assert [run.info.run_name for run in all_runs()].count("clean (cached)") == 1


def test_cached_run_is_not_created_for_a_stage_that_ran(pipeline: Path) -> None:
    queue_run("clean")
    report()
    assert set(runs()) == {PARENT, "clean", "report"}


def test_cached_run_is_found_by_its_code(pipeline: Path, project: Path, monkeypatch: Any) -> None:
    """Taken back, the first one counts again, and not the one that ran last."""
    queue_run("clean")
    report()
    before = runs()["clean"].info.run_id
    (project / "stages/clean.py").write_text("other")
    monkeypatch.setenv("DVC_EXP_NAME", "other")
    queue_run("clean", metrics={"words": 2.0}, started=1_700_000_100.0)
    report()
    (project / "stages/clean.py").write_text("clean")
    monkeypatch.setenv("DVC_EXP_NAME", "back")
    report()
    (cached,) = [run for run in all_runs() if run.info.run_name == "clean (cached)"]
    assert cached.data.tags["pretrace.cached_from"] == before


def test_cached_run_from_elsewhere_is_unknown(pipeline: Path) -> None:
    report()
    tags = runs()["clean (cached)"].data.tags
    assert tags["pretrace.cached_from"] == "unknown"
    assert "does not know" in tags["mlflow.note.content"]


def test_inputs_are_logged_with_their_hash(pipeline: Path) -> None:
    report()
    (read,) = client().get_run(runs()["report"].info.run_id).inputs.dataset_inputs
    assert (read.dataset.name, read.dataset.digest) == ("data/clean", "1" * 32 + ".dir")
    assert runs()["clean (cached)"].data.tags["dvc.stage"] == "clean"


def test_restored_workspace_is_published_once(pipeline: Path) -> None:
    """As after `dvc repro` in a fresh clone with the data pulled."""
    status.publish_restored()
    status.publish_restored()
    assert count_queued(pipeline) == 1
    assert status.resend() == (True, "MLflow: all runs are uploaded; `make ui` shows them")
    by_name = runs()
    assert set(by_name) == {PARENT, "clean (cached)", "report (cached)"}
    assert by_name[PARENT].info.status == "FINISHED"
    assert by_name[PARENT].data.metrics == {"source/full": 0.5, "mean/full": 0.5}


def test_restored_workspace_is_not_published_after_a_report(pipeline: Path) -> None:
    report()
    status.publish_restored()
    assert count_queued(pipeline) == 0


@pytest.mark.parametrize("broken", ["reports/benchmark.json", "dvc.lock", "params.yaml", "dvc.yaml"])
def test_workspace_without_results_is_not_published(pipeline: Path, project: Path, broken: str, capsys: Any) -> None:
    shutil.copy(project / "stages/clean.py", project / broken)
    status.publish_restored()
    assert count_queued(pipeline) == 0
    assert "Traceback" not in capsys.readouterr().err
