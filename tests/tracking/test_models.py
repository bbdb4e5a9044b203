"""The best model of each task is in MLflow's registry, once, and answers as the report counted it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tracked import client, leave, runs

from pretrace import tracking
from pretrace.files import read_json, write_json
from pretrace.model import build_model
from pretrace.model.heads import TaskModel
from pretrace.model.tensors import save_tensors
from pretrace.model.weights import description
from pretrace.predict import answers
from pretrace.settings import Columns, load_settings
from pretrace.vocabulary import load_vocabulary, train_vocabulary

WORDS = [
    "the",
    "cat",
    "sat",
    "on",
    "a",
    "mat",
    "and",
    "then",
    "it",
    "was",
    "not",
    "there",
    "any",
    "more",
    "so",
    "we",
    "went",
    "home",
    "to",
    "bed",
]
KINDS = {"source": "classification", "follows": "entailment", "cloze": "multiple_choice", "nearness": "regression"}
LABELS = {"source": ["cats", "dogs", "mats"], "follows": ["two", "one"]}
ROWS = [" ".join(WORDS[n : n + 2 + n % 4]) for n in range(12)]
LOCK = """schema: '2.0'
stages:
  tasks@{task}:
    cmd: x
    outs: [{{path: data/tasks/{task}, md5: {md5}}}]
"""
PIPELINE = """stages:
  tasks:
    matrix: {{task: "${{tasks}}"}}
    cmd: python tasks.py ${{item.task}}
    outs: ["data/tasks/${{item.task}}"]
  finetune:
    matrix: {{task: "${{tasks}}", variant: "${{variants}}"}}
    cmd: {command} ${{item.task}} ${{item.variant}}
    deps: ["data/tasks/${{item.task}}"]
"""


@pytest.fixture
def finetuned(tracked: Path, project: Path) -> Path:
    """What a run leaves behind: models with random weights, their vocabulary, and test rows."""
    (project / "counts.tsv").write_text("".join(f"{word}\t{50 - n}\n" for n, word in enumerate(WORDS)))
    train_vocabulary(project / "counts.tsv", project / "models/vocabulary", 64)
    size = load_vocabulary(project / "models/vocabulary").size
    sizes = {"layers": 1, "width": 16, "heads": 2, "feed_forward": 32, "context": 24, "initial_std": 0.5}
    scale = load_settings().scale
    scale = scale.model_copy(update={"model": scale.model.model_copy(update=sizes)})
    for name, kind in KINDS.items():
        for seed, variant in enumerate(("full", "scratch")):
            folder = project / f"models/finetuned/{name}-{variant}"
            folder.mkdir(parents=True)
            outputs = len(LABELS.get(name, [0]))
            model = build_model("transformer", scale, size, seed)
            note = {"kind": kind, "labels": LABELS.get(name), "model": description(model), "label_scale": {}}
            note |= {"recipe": {"outputs": outputs, "settings": {"precision": "float32"}}}
            note |= {"columns": Columns(first=["story", "more"], question="asked").model_dump()}
            save_tensors(folder / "model.safetensors", TaskModel(model, kind, outputs, 3, 5))
            write_json(folder / "config.json", note)
        parts = {"classification": 1, "multiple_choice": 4}.get(kind, 2)
        (project / f"data/tasks/{name}").mkdir(parents=True)
        rows = [[ROWS[(n + part) % len(ROWS)] for part in range(parts)] for n in range(len(ROWS))]
        pq.write_table(pa.table({"parts": rows}), project / f"data/tasks/{name}/test.parquet")
    write_pipeline(project, "0" * 32, "python finetune.py")
    return project


def write_pipeline(project: Path, rows: str, command: str) -> None:
    (project / "dvc.yaml").write_text(PIPELINE.format(command=command))
    (project / "dvc.lock").write_text(LOCK.format(task="source", md5=rows))


def report(full: float = 0.6, scratch: float = 0.5, tasks: tuple[str, ...] = ("source",)) -> None:
    """An experiment with these scores, sent twice, as after a sender that was killed."""
    rows = [
        {"task": task, "variant": variant, "kind": KINDS[task], "metric": "accuracy", "score": score}
        for task in tasks
        for variant, score in (("full", full), ("scratch", scratch), ("majority", 0.99))
    ]
    models = tracking.best_models({"rows": rows})
    leave("report", ends_experiment=True, models=models)
    (record,) = Path(".pretrace/tracking").glob("[0-9]*")
    shutil.copytree(record, record.with_name(record.name + "-again"))
    assert tracking.send_pending() == ""


def aliases(name: str = "pretrace-source") -> dict[str, str]:
    return {alias: str(version) for alias, version in client().get_registered_model(name).aliases.items()}


def test_the_best_column_of_each_task_is_chosen(finetuned: Path) -> None:
    rows = [
        {"task": "source", "variant": name, "kind": "classification", "metric": "accuracy"}
        for name in ("full", "scratch", "tfidf")
    ]
    for row, score in zip(rows, (0.5, 0.6, 0.9), strict=True):
        row["score"] = score
    lost = {"task": "same", "variant": "full", "kind": "similarity", "metric": "accuracy", "score": None}
    (best,) = tracking.best_models({"rows": [*rows, lost]})
    assert (best["task"], best["variant"], best["score"]) == ("source", "scratch", 0.6)
    assert best["examples"] == [[row] for row in ROWS[:3]]


def test_a_model_is_one_version_however_often_it_is_sent(finetuned: Path) -> None:
    leave("finetune@source-full", metrics={"score": 0.6})
    report()
    (version,) = client().search_model_versions("name = 'pretrace-source'")
    assert version.run_id == runs()["finetune@source-full"].info.run_id, "beside the run that trained it"
    assert version.tags["score"] == "0.6" and version.tags["variant"] == "full"
    assert version.tags["commit"] == "0123456789abcdef"
    assert aliases() == {"champion": "1", "full": "1"}
    folder = finetuned / ".pretrace/artifacts/models" / version.model_id / "artifacts"
    names = {path.name for path in folder.rglob("*") if path.is_file()}
    assert {"MLmodel", "input_example.json", "model.safetensors", "served.py"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".pickle"))]
    pinned = (folder / "requirements.txt").read_text()
    assert "torch==" in pinned and "spacy==" in pinned


def test_the_champion_is_the_best_on_the_same_rows(finetuned: Path) -> None:
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


def test_a_model_answers_the_test_rows_as_before(finetuned: Path, monkeypatch: Any) -> None:
    """Of every kind, with columns of the task's own names; from a process in another folder, too."""
    import mlflow
    import pandas as pd

    from pretrace.predict import as_row

    report(tasks=tuple(KINDS))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", tracking.tracking_uri())
    for name, kind in KINDS.items():
        note = read_json(finetuned / f"models/finetuned/{name}-full/config.json")
        parts = pq.read_table(finetuned / f"data/tasks/{name}/test.parquet")["parts"].to_pylist()
        rows = [as_row(row, kind, note["columns"]) for row in parts]
        expected = answers(f"{name}-full", [json.dumps(row) for row in rows], "rows")
        model = mlflow.pyfunc.load_model(f"models:/pretrace-{name}@champion")
        found = list(model.predict(pd.DataFrame(rows)))
        assert found == expected, name
        assert len(set(found)) > 1, "all answers are the same, so the order is not tested"
        assert model.metadata.signature.inputs.input_names() == list(rows[0])


def test_mlflow_serves_it_from_the_command_line(finetuned: Path, tmp_path: Path) -> None:
    """Without the folder that it was made in, and with the code that it has with it."""
    report()
    (finetuned / "rows.json").write_text(json.dumps({"dataframe_records": [{"text": row} for row in ROWS]}))
    expected = answers("source-full", ROWS, "rows")
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
