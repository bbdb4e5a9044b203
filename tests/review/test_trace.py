"""`pretrace trace`: where a score came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from pretrace.review import trace
from tests.helpers import made_up_project as made

pytestmark = pytest.mark.slow

TABLE = Path("reports/benchmark.json")


def told(cell: str = "rte/full") -> dict[str, list[str]]:
    """{heading: lines}."""
    found: dict[str, list[str]] = {}
    for heading, text in trace(TABLE, cell):
        found.setdefault(heading or list(found)[-1], []).append(text)
    return found


def test_a_clone_without_data_knows_where_a_score_came_from(clone: Path) -> None:
    files = made.run(clone, "git", "rev-parse", "HEAD~1").strip()
    found = told()
    assert found["score"] == ["71.00, accuracy times 100, of 1000 test rows (seeds: 70.00, 72.00, 71.00; "
                              "sampling error 1.0)"]  # fmt: skip
    assert found["table"][0].endswith(", as dvc.lock has it")
    assert found["stage"] == ["finetune@rte-full"]
    assert found["commit"] == [f"{files}, with changes that were not committed"]
    assert found["parameters"] == ["lr 0.001, pretrain.steps 10"]
    assert found["changed"] == [f"no parameter, against commit {files[:8]}"]
    assert found["code"][0].endswith("are as dvc.lock has them")
    assert found["stages"] == [f"finetune@rte-full  (2.5 s, at {files[:8]}+)", "tasks@rte  (time not recorded)"]
    assert len(found["data"]) == 1 and found["data"][0].endswith(".dir  made by tasks@rte")
    assert found["answers"][0].startswith("data/predictions/rte-full.parquet  ")
    assert found["raw inputs"] == ['tasks.rte: {"kind": "entailment"}']
    assert found["MLflow"] == ["the run with tags.`pretrace.record` = 'abc'"]
    assert found["machine"] == ["A processor; Python 3.12.1"]
    assert found["libraries"] == [f"torch 2.13.0, numpy 2.4.6 (as pinned by commit {files[:8]})"]
    assert found["took"] == ["2.5 s; 2 MFLOPs"]


def test_what_was_changed_is_said(clone: Path) -> None:
    for file in ("params.yaml", "dvc.lock"):
        text = (clone / file).read_text()
        (clone / file).write_text(text.replace("lr: 0.001", "lr: 0.01"))
    made.write(clone / "stages/tasks.py", "print()\n")
    made.write(clone / TABLE, (clone / TABLE).read_text() + "\n")
    found = told()
    (changed,) = found["changed"]
    assert changed.startswith("lr: 0.01, commit ") and changed.endswith(" has 0.001")
    assert found["code"] == ["tasks@rte: stages/tasks.py differs"]
    assert "dvc.lock has" in found["table"][0] and "as dvc.lock has it" not in found["table"][0]


def test_without_costs_the_last_commit_is_compared_with(clone: Path) -> None:
    (clone / "reports/cost.json").unlink()
    found = told()
    assert found["commit"] == ["not recorded in reports/cost.json"]
    assert found["changed"][0].endswith("(HEAD: its own is not known here)")
    assert found["took"] == ["time not recorded; 2 MFLOPs"]
