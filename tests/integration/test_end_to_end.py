"""`dvc repro` from a fresh clone to the table, on one small package's documentation."""

from __future__ import annotations

import csv
import json
import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.helpers import tiny_project as tiny
from tests.helpers.planted_secrets import ENVIRONMENT, leaks

pytestmark = pytest.mark.slow
ROW = {"task", "kind", "variant", "metric", "score", "scores", "stderr", "n_train", "n_eval"}
OPTIONAL = {"system", "unavailable", "mean", "interval", "pretrain_seeds", "extra_variance"}
ONE_FIT = ("majority", "tfidf", "ngram", "lsa", "lm_zero_shot", "lm_zero_shot_pmi", "frozen")
WITHOUT_SYSTEM = ("majority", "tfidf", "ngram", "lsa")
PRETRAIN = {"val_loss", "val_perplexity", "val_bits_per_byte", "parameters", "tokens", "flops"}
CLOCK = re.compile(r"second|time|(?<!up)(?<!candi)date|host|device|mfu|memory|run_id", re.I)
CELL = "finetune@follows-full"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone in which the pipeline has run once, and was committed: all six probes, pre-trained."""
    folder = tiny.make_project(tmp_path_factory.mktemp("one") / "project", variants={"full": {"pretrained": True}})
    tiny.commit(folder, "tiny")
    (folder.parent / "said").write_text(tiny.dvc(folder, "repro", **ENVIRONMENT))
    tiny.commit(folder, "ran")
    return folder


def test_reports_are_complete(project: Path) -> None:
    reports = project / "reports"
    benchmark = read(reports / "benchmark.json")
    assert {row["task"] for row in benchmark["rows"]} == set(tiny.PROBES)
    for row in benchmark["rows"]:
        assert set(row) - OPTIONAL == ROW
        assert (row["score"] is None) == ("unavailable" in row) == ("mean" not in row)
        assert row["score"] is None or -1 <= row["score"] <= 1
        assert row.get("system") == (None if row["variant"] in WITHOUT_SYSTEM else "gpt1")
        seeds = 1 if row["variant"] in ONE_FIT else 2
        assert len(row["scores"]) == (0 if row["score"] is None else seeds)
    assert read(reports / "pretrain.json").keys() >= PRETRAIN
    assert all(read(reports / f"{name}.json") == read(reports / name / "gpt1.json") for name in ("pretrain", "bpe"))
    assert read(reports / "clean.json")["splits"].keys() == {"train", "validation", "probes"}
    assert read(reports / "bpe.json")["size"] == 500
    assert {path.name for path in (reports / "finetune").iterdir()} == {f"{task}-full.json" for task in tiny.PROBES}
    assert {path.name for path in (reports / "figures").iterdir()} == {"scores.svg", "curves.svg", "corpus.svg"}


def test_secrets_of_the_environment_are_left_nowhere(project: Path) -> None:
    assert leaks(project, (project.parent / "said").read_text()) == []


@pytest.mark.nightly
def test_scores_of_every_kind_are_reproduced(project: Path) -> None:
    """And the gate is open; nothing of it leaves a trace in the folder."""
    command = (sys.executable, "-m", "pretrace.cli")
    assert "gate: open" in tiny.must(project, *command, "gate", "HEAD", PYTHONPATH="src")
    for cell in ("follows/full", "follows/tfidf", "cloze/lm_zero_shot_pmi", "cloze/frozen"):
        said = tiny.must(project, *command, "trace", cell, "--verify", PYTHONPATH="src")
        assert f"SAME: the scores of {cell}" in said, said
    assert tiny.must(project, "git", "status", "--short") == ""


def test_probes_of_one_package_are_all_but_source(project: Path) -> None:
    rows = [row for row in read(project / "reports" / "benchmark.json")["rows"] if row["variant"] == "full"]
    assert {row["task"] for row in rows if "unavailable" in row} == {"source"}
    assert "needs two sources" in (project / "reports" / "benchmark.md").read_text()


def test_language_model_is_scored_without_fine_tuning(project: Path) -> None:
    found = read(project / "reports" / "zeroshot" / "gpt1.json")["tasks"]
    used = {name: [row["transformer"]["heuristic"] for row in rows.values()] for name, rows in found.items()}
    assert used == tiny.ZERO_SHOT
    for name, by_column in found.items():
        answers = pd.read_parquet(project / "data" / "zeroshot" / "gpt1" / f"{name}.parquet")
        assert list(answers) == ["row", "pretrain_seed", *by_column]
        for row in by_column.values():
            assert row["transformer"]["updates"] == [{"step": 20, "score": row["transformer"]["score"]}]
            assert len(answers) == row["transformer"]["n"] <= 32


def test_cost_is_recorded_for_every_stage(project: Path) -> None:
    cost = read(project / "reports" / "cost.json")
    assert set(cost) == set(locked(project))
    assert all(entry["seconds"] > 0 and entry["peak_memory_bytes"] > 1e6 for entry in cost.values())
    assert cost["pretrain@gpt1"].keys() >= {"tokens_per_second", "mfu", "device"}


def test_scores_csv_has_every_score(project: Path) -> None:
    with (project / "data" / "benchmark.csv").open() as stream:
        found = [(row["task"], row["variant"], float(row["score"])) for row in csv.DictReader(stream)]
    rows = read(project / "reports" / "benchmark.json")["rows"]
    assert found == [(row["task"], row["variant"], score) for row in rows for score in row["scores"]]


def test_locked_outputs_do_not_depend_on_the_clock(project: Path) -> None:
    lock = locked(project)
    outs = {out["path"] for stage in lock.values() for out in stage["outs"]}
    assert not outs & {"reports/cost.json", "reports/index.html", "reports/model-card.md", "README.md"}
    for path in (out for out in outs if out.endswith(".json")):
        keys = set(every_key(read(project / path)))
        assert not {key for key in keys if CLOCK.search(key)}, path


def test_page_opens_without_a_network(project: Path) -> None:
    page = (project / "reports" / "index.html").read_text()
    loads = References()
    loads.feed(page)
    assert "<svg" in page
    assert not [where for where in loads.found if not where.startswith(("#", "data:"))]
    assert not re.search(r"@import|url\((?!#|[\"']?(#|data:))", page)


def test_second_repro_runs_nothing(project: Path) -> None:
    said = tiny.dvc(project, "repro")
    assert "Running stage" not in said
    assert "up to date" in said
    assert not tiny.must(project, "git", "status", "--porcelain")


@pytest.mark.parametrize("task", ["acceptability", "nearness", "cloze"])
def test_predict_agrees_with_the_stage(project: Path, task: str) -> None:
    folder = project / "models" / "finetuned" / f"{task}-full"
    config = read(folder / "config.json")
    made = pd.read_parquet(project / "data" / "predictions" / f"{task}-full.parquet")
    expected = made[made["seed"] == config["seed"]]["prediction"].tolist()
    lines = [json.dumps(row_of(config["kind"], parts)) for parts in rows_of(project / "data" / "tasks" / task)]
    (project / "data" / "rows.jsonl").write_text("\n".join(lines))
    answers = tiny.must(project, sys.executable, "-m", "pretrace.cli", "predict", f"{task}-full", "data/rows.jsonl")
    found = answers.split("\n")[:-1]
    if config["kind"] == "regression":
        assert [float(answer) for answer in found] == pytest.approx(expected, abs=1e-4)
    else:
        assert found == [config["labels"][int(n)] if config["labels"] else str(int(n)) for n in expected]


def test_second_clone_gives_the_same_bytes(project: Path, finished: Path) -> None:
    one, two = locked(project), locked(finished)
    for stage in ("collect", "clean", "bpe@gpt1", "shard@gpt1", "pretrain@gpt1", CELL):
        assert one[stage]["outs"] == two[stage]["outs"], stage


def test_exported_model_replaces_pre_training(project: Path) -> None:
    before = read(project / "reports" / "pretrain.json")
    export = ("export", "--to", "huggingface", "--out", "data/exported")
    tiny.must(project, sys.executable, "-m", "pretrace.cli", *export)
    seeds = {path: path.stat().st_mtime_ns for path in project.glob(".pretrace/seeds/*/*/result.json")}
    said = tiny.dvc(project, "exp", "run", "-S", "pretrain.init_from=data/exported")
    # The same model: each fine-tuning is found finished, and is reported as one without a seed of pre-training.
    cells = {cell for task in tiny.PROBES for cell in (f"finetune@{task}-full", f"frozen@{task}-gpt1")}
    assert set(tiny.ran(said)) == {"bpe@gpt1", "pretrain@gpt1", "zeroshot@gpt1", "cells", "report"} | cells
    assert seeds == {path: path.stat().st_mtime_ns for path in project.glob(".pretrace/seeds/*/*/result.json")}
    assert read(project / "reports" / "finetune" / "follows-full.json")["pretrain_seeds"] == []
    after = read(project / "reports" / "pretrain.json")
    assert {key: after[key] for key in ("val_loss", "parameters", "steps")} == {
        **{key: before[key] for key in ("val_loss", "parameters")},
        "steps": 0,
    }
    tiny.must(project, "git", "checkout", "--quiet", ".")
    tiny.dvc(project, "checkout")


def read(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def locked(folder: Path) -> dict[str, Any]:
    return tiny.load(folder / "dvc.lock")["stages"]


def rows_of(folder: Path) -> list[list[str]]:
    return [list(parts) for parts in pd.read_parquet(folder / "test.parquet").parts]


def row_of(kind: str, parts: list[str]) -> dict[str, Any]:
    if kind == "classification":
        return {"text": parts[0]}
    if kind == "multiple_choice":
        return {"first": parts[0], "choices": parts[1:]}
    return {"first": parts[0], "second": parts[1]}


def every_key(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [*value, *(key for inner in value.values() for key in every_key(inner))]
    return [key for inner in value for key in every_key(inner)] if isinstance(value, list) else []


class References(HTMLParser):
    """Everything that a page loads or links to."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "xlink:href", "srcset", "data")]


def test_make_repro_ends_with_the_table_in_the_readme(project: Path) -> None:
    """`make repro` runs this after `dvc repro`: the README is no output of a stage."""
    table = (project / "reports" / "benchmark.md").read_text().strip()
    said = tiny.must(project, sys.executable, "-m", "pretrace.report")
    assert table in said
    assert table in (project / "README.md").read_text()
    tiny.must(project, "git", "checkout", "--", "README.md", "reports")
