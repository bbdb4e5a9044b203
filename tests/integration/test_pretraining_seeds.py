"""Several pre-trainings through the whole pipeline: what is new is trained, and the table has all of it."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.helpers import tiny_project as tiny

pytestmark = pytest.mark.slow
MODELS = Path("models/pretrained/gpt1")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def scores_of(folder: Path) -> dict[str, dict[str, Any]]:
    return {row["variant"]: row for row in read(folder / "reports/benchmark.json")["rows"]}


def test_adding_a_seed_trains_only_what_is_new(finished: Path, tmp_path: Path) -> None:
    project = tiny.copied(finished, tmp_path / "project")
    weights, one = (project / MODELS / "transformer" / "model.safetensors").read_bytes(), scores_of(project)
    finished_before = {path: path.stat().st_mtime_ns for path in project.glob(".pretrace/seeds/*/*/result.json")}
    said = tiny.dvc(project, "exp", "run", "-S", "pretrain.seeds=[42,43]")

    assert "transformer: resuming from the checkpoint at step 20" in said
    assert "transformer-seed-43: resuming" not in said
    finished_now = {path: path.stat().st_mtime_ns for path in project.glob(".pretrace/seeds/*/*/result.json")}
    assert finished_before.items() <= finished_now.items()
    assert len(finished_now) == len(finished_before) + 2  # both seeds of `full`, from the new pre-training
    assert (project / MODELS / "transformer" / "model.safetensors").read_bytes() == weights
    assert (project / MODELS / "transformer-seed-43" / "model.safetensors").read_bytes() != weights
    report = read(project / "reports/pretrain.json")
    assert report["seeds"] == [42, 43]
    assert report["val_loss"] == report["val_losses"][0] != report["val_losses"][1]

    both = scores_of(project)
    assert both["full"]["pretrain_seeds"] == [42, 42, 43, 43]
    assert both["full"]["scores"][:2] == one["full"]["scores"]
    assert both["scratch"]["scores"] == one["scratch"]["scores"]
    assert both["frozen"]["pretrain_seeds"] == [42, 43]
    assert both["frozen"]["scores"][:1] == one["frozen"]["scores"]
    predictions = pd.read_parquet(project / "data/predictions/follows-full.parquet")
    assert predictions.groupby(["pretrain_seed", "seed"], sort=False).size().index.tolist() == [
        *((42, 1), (42, 2), (43, 1), (43, 2)),
    ]
    with (project / "data/benchmark.csv").open() as stream:
        lines = [row for row in csv.DictReader(stream) if row["variant"] == "full"]
    assert [(row["pretrain_seed"], row["seed"]) for row in lines] == [
        *(("42", "1"), ("42", "2"), ("43", "1"), ("43", "2")),
    ]
    page = (project / "reports/index.html").read_text()
    assert "the row is of the first of 2 pre-trainings" in page
    assert "transformer-seed-43, validation" in page

    # And it is taken out again: nothing is trained, and the first seed's results are as they were.
    tiny.dvc(project, "exp", "run", "-S", "pretrain.seeds=[42]")
    assert scores_of(project) == one
    assert not (project / MODELS / "transformer-seed-43").exists()
    assert finished_now == {path: path.stat().st_mtime_ns for path in project.glob(".pretrace/seeds/*/*/result.json")}
