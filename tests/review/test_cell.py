"""Cells of the table and their stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pretrace.cli import main
from pretrace.common.errors import PretraceError
from pretrace.review import find_cell, trace_score
from pretrace.review.cell import Cell
from pretrace.schemas.benchmark import BenchmarkRow
from tests.helpers import made_up_project as made

pytestmark = pytest.mark.slow

TABLE = Path("reports/benchmark.json")
COLUMNS = ("tfidf", "lm_zero_shot", "frozen", "frozen-bert")
ZERO_SHOT = {"heuristic": "choice", "metric": "accuracy", "score": 0.55, "stderr": 0.01, "chance": 0.5, "n": 100}
ZERO_SHOT |= {"cut": 0, "threshold": None, "n_dev": 0, "updates": [{"step": 10, "score": 0.55}]}


def trace_lines(cell: str = "rte/full") -> dict[str, list[str]]:
    """{heading: lines}."""
    lines: dict[str, list[str]] = {}
    for heading, text in trace_score(TABLE, cell):
        lines.setdefault(heading or list(lines)[-1], []).append(text)
    return lines


def test_each_column_has_its_stage(clone: Path) -> None:
    columns = {
        "full": "finetune@rte-full",
        "tfidf": "baselines@rte",
        "majority": "baselines@rte",
        "lm_zero_shot": "zeroshot@gpt1",
        "lm_zero_shot_pmi": "zeroshot@gpt1",
        "lm_zero_shot-gpt2": "zeroshot@gpt2",
        "frozen": "frozen@rte-gpt1",
        "frozen-bert": "frozen@rte-bert",
    }
    made.write(clone / TABLE, made.benchmark(*(made.row("rte", column) for column in columns)))
    for column, stage in columns.items():
        assert find_cell(TABLE, f"rte/{column}").stage == stage
    assert find_cell(TABLE, "rte/tfidf").predictions == "data/baselines/rte.parquet"
    with pytest.raises(PretraceError, match="has no stage zeroshot@gpt1; run `dvc repro zeroshot@gpt1`"):
        trace_score(TABLE, "rte/lm_zero_shot")


def test_scores_are_read_from_the_report_of_the_stage(clone: Path) -> None:
    made.write(clone / TABLE, made.benchmark(*(made.row("rte", name) for name in COLUMNS)))
    scores = {"tfidf": {"score": 0.6, "stderr": 0.01}}
    made.write(clone / "reports/baselines/rte.json", {"unavailable": None, "baselines": scores})
    by_column = {"lm_zero_shot": {"transformer": ZERO_SHOT}}
    made.write(clone / "reports/zeroshot/gpt1.json", {"tasks": {"rte": by_column}, "language_tests": {}})
    made.write(
        clone / "reports/frozen/rte-gpt1.json", {"unavailable": None, "scores": {"transformer": scores["tfidf"]}}
    )
    assert find_cell(TABLE, "rte/frozen").scores_in(clone) == [0.6, 0.6]
    bert = {"transformer": {"score": 0.8, "stderr": 0.01}}
    made.write(clone / "reports/frozen/rte-bert.json", {"unavailable": None, "scores": bert})
    both = {"transformer": scores["tfidf"], "transformer-seed-43": {**scores["tfidf"], "score": 0.7}}
    made.write(clone / "reports/frozen/rte-gpt1.json", {"unavailable": None, "scores": both})
    assert find_cell(TABLE, "rte/frozen").scores_in(clone) == [0.65, 0.6, 0.7]
    assert find_cell(TABLE, "rte/frozen").predictions == "data/frozen/rte-gpt1.parquet"
    assert find_cell(TABLE, "rte/tfidf").scores_in(clone) == [0.6, 0.6]
    assert find_cell(TABLE, "rte/lm_zero_shot").scores_in(clone) == [0.55, 0.55]
    further = find_cell(TABLE, "rte/frozen-bert")
    assert further.scores_in(clone) == [0.8, 0.8]
    assert further.predictions == "data/frozen/rte-bert.parquet"
    assert find_cell(TABLE, "rte/lm_zero_shot").predictions == "data/zeroshot/gpt1"


def two_systems() -> dict[str, dict[str, Any]]:
    """A dvc.lock with two systems and two tasks, of which one is fine-tuned with the first."""
    outs = {f"tasks@{task}": f"data/tasks/{task}" for task in ("rte", "cola")}
    deps = {"cells": ["data/encoded", "models/pretrained"], "finetune@rte-full": ["data/cells/rte-full.json"]}
    for system in ("gpt1", "bert"):
        outs |= {f"encode@{system}": f"data/encoded/{system}", f"pretrain@{system}": f"models/pretrained/{system}"}
        deps |= {f"encode@{system}": ["data/tasks"], f"pretrain@{system}": ["src/model"]}
    outs |= {"cells": "data/cells", "finetune@rte-full": "data/predictions/rte-full.parquet"}
    return {
        name: {
            "deps": [{"path": path, "md5": f"md5 of {path}"} for path in deps.get(name, [])],
            "outs": [{"path": out, "md5": f"md5 of {out}"}],
        }
        for name, out in outs.items()
    }


def test_fine_tuning_rests_on_its_own_system_and_task(tmp_path: Path) -> None:
    row = BenchmarkRow(**made.row("rte", "full"))
    cell = Cell(tmp_path / TABLE, tmp_path, row, two_systems(), "gpt1")
    others = {"pretrain@bert", "encode@bert"}
    assert others <= set(cell.chain()), "without the files of data/, the others may have been read, too"
    files = ("data/encoded/gpt1/rte/train.safetensors", "models/pretrained/gpt1/transformer/model.safetensors")
    record = {"system": "gpt1", "kind": "transformer", "settings": {}, "files": dict.fromkeys(files, "0" * 64)}
    made.write(tmp_path / "data/cells/rte-full.json", record)
    assert cell.chain() == ["finetune@rte-full", "cells", "encode@gpt1", "pretrain@gpt1", "tasks@rte"]
    assert cell.data("cells") == {
        "data/encoded/gpt1": "md5 of data/encoded/gpt1",
        "models/pretrained/gpt1": "md5 of models/pretrained/gpt1",
    }
    assert cell.data("encode@gpt1") == {"data/tasks/rte": "md5 of data/tasks/rte"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rte/other"], "reports/benchmark.json: no score rte/other; it has rte/full"),
        (["cola/full"], "reports/benchmark.json: no score cola/full; it has rte/full"),
        (["nothing.json", "rte/full"], "nothing.json: no such file; run the stage that writes it (`dvc repro`)"),
        (["params.yaml", "rte/full"], "params.yaml: not a whole JSON file"),
    ],
)
def test_missing_cell_is_one_line(clone: Path, capsys: Any, arguments: list[str], message: str) -> None:
    assert main(["trace", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"pretrace: trace: {message}") and error.count("\n") == 1
