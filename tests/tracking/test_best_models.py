"""The best model of each task is in MLflow's registry, once, and answers as the report counted it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from pretrace import tracking
from pretrace.common.files import read_json
from tests.helpers.finetuned_models import ROWS, TASKS, benchmark, benchmark_row, models, write_pipeline
from tests.helpers.mlflow_records import PARENT, client, queue_run, runs
from tests.helpers.new_rows import predicted

pytestmark = pytest.mark.slow


def report(full: float = 0.6, scratch: float = 0.5, tasks: tuple[str, ...] = ("source",)) -> None:
    """Upload an experiment with these scores twice, as after an uploader that was killed."""
    queue_run("report", ends_experiment=True, models=models(full, scratch, tasks))
    record = max(Path(".pretrace/tracking").glob("[0-9]*"))
    shutil.copytree(record, record.with_name(record.name + "-again"))
    assert tracking.upload_queued() == ""


def aliases(name: str = "pretrace-source") -> dict[str, str]:
    return {alias: str(version) for alias, version in client().get_registered_model(name).aliases.items()}


def test_best_models_has_the_best_column_of_each_task(finetuned: Path) -> None:
    scores = {"full": 0.5, "scratch": 0.6, "tfidf": 0.9}
    rows = [benchmark_row("source", name, score) for name, score in scores.items()]
    (best,) = tracking.best_models(benchmark([*rows, benchmark_row("same", "full", None)]))
    assert (best.task, best.variant, best.system, best.score) == ("source", "scratch", "gpt1", 0.6)
    assert best.examples == [[row] for row in ROWS[:3]]


def test_each_model_has_the_vocabulary_of_its_system(finetuned: Path) -> None:
    shutil.copytree(finetuned / "models/vocabulary/gpt1", finetuned / "models/vocabulary/other")
    (finetuned / "models/vocabulary/unused").mkdir()
    rows = [benchmark_row("source", "full", 0.5), benchmark_row("cloze", "scratch", 0.6)]
    rows[1] = rows[1].model_copy(update={"system": "other"})
    best = tracking.best_models(benchmark(rows))
    assert [one.system for one in best] == ["gpt1", "other"]
    queue_run("report", ends_experiment=True, models=best)
    (record,) = (finetuned / ".pretrace/tracking").glob("[0-9]*")
    (vocabularies,) = record.rglob("vocabulary")
    assert sorted(path.name for path in vocabularies.iterdir()) == ["gpt1", "other"]
    assert tracking.upload_queued() == ""
    assert {len(client().search_model_versions(f"name = 'pretrace-{name}'")) for name in ("source", "cloze")} == {1}


def test_model_uploaded_twice_is_one_version(finetuned: Path) -> None:
    queue_run("finetune@source-full", metrics={"score": 0.6})
    report()
    (version,) = client().search_model_versions("name = 'pretrace-source'")
    assert version.run_id == runs()["finetune@source-full"].info.run_id, "beside the run that trained it"
    assert version.tags["score"] == "0.6" and version.tags["variant"] == "full"
    assert version.tags["commit"] == "0123456789abcdef"
    assert aliases() == {"champion": "1", "full": "1"}
    folder = finetuned / ".pretrace/artifacts/models" / version.source.rpartition("/")[2] / "artifacts"
    parent = client().get_run(runs()[PARENT].info.run_id)
    assert [one.model_id for one in parent.outputs.model_outputs] == [folder.parent.name]
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"MLmodel", "input_example.json", "model.safetensors", "mlflow_model.py"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle"))]
    pinned = (folder / "requirements.txt").read_text()
    assert "torch==" in pinned and "spacy==" in pinned


def test_champion_is_the_best_on_the_same_rows(finetuned: Path) -> None:
    report(full=0.6)
    write_pipeline(finetuned, "0" * 32, "python worse.py")
    report(full=0.55)
    assert aliases() == {"champion": "1", "full": "2"}
    write_pipeline(finetuned, "0" * 32, "python better.py")
    report(full=0.4, scratch=0.7)
    assert aliases() == {"champion": "3", "full": "2", "scratch": "3"}
    write_pipeline(finetuned, "1" * 32, "python better.py")  # other test rows: scores are not compared
    report(full=0.3, scratch=0.2)
    assert aliases() == {"champion": "4", "full": "4", "scratch": "3"}


def test_registered_model_predicts_the_same(finetuned: Path, tmp_path: Path, monkeypatch: Any) -> None:
    """Of every kind, with columns of the task's own names; from a process in another folder, too."""
    import mlflow
    import pandas as pd

    from pretrace.settings import Columns
    from pretrace.settings.kinds import KIND_FACTS

    report(tasks=tuple(TASKS))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.tracking_uri())
    for name, kind in TASKS.items():
        config = read_json(finetuned / f"models/finetuned/{name}-full/config.json")
        parts = pq.read_table(finetuned / f"data/tasks/{name}/test.parquet")["parts"].to_pylist()
        fields = KIND_FACTS[kind].fields(Columns(**config["columns"]))
        rows = [fields.as_row(row) for row in parts]
        expected = predicted(f"{name}-full", rows, tmp_path)
        model = mlflow.pyfunc.load_model(f"models:/pretrace-{name}@champion")
        predictions = list(model.predict(pd.DataFrame(rows)))
        assert predictions == expected, name
        assert len(set(predictions)) > 1, "all predictions are the same, so the order is not tested"
        assert model.metadata.signature.inputs.input_names() == list(rows[0])


def test_registered_model_is_served_by_mlflow(finetuned: Path, tmp_path: Path) -> None:
    """Without the folder that it was made in, and with the code that it has with it."""
    report()
    (finetuned / "rows.json").write_text(json.dumps({"dataframe_records": [{"text": row} for row in ROWS]}))
    expected = predicted("source-full", [{"text": row} for row in ROWS], tmp_path)
    command = ["models", "predict", "-m", "models:/pretrace-source@full", "-i", "rows.json", "-t", "json"]
    environment = {**os.environ, "MLFLOW_TRACKING_URI": tracking.tracking_uri(), "MLFLOW_DISABLE_TELEMETRY": "true"}
    shutil.rmtree(finetuned / "models")
    done = subprocess.run(
        [sys.executable, "-m", "mlflow", *command, "--env-manager", "local"],
        env=environment,
        capture_output=True,
        text=True,
        cwd=finetuned,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["predictions"] == expected
