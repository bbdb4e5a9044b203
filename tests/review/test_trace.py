"""`pretrace trace`: the provenance of a score."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pretrace.common.errors import PretraceError
from pretrace.review import trace_score, verify_score
from tests.helpers import made_up_project as made
from tests.helpers.refusing_git import refuse

pytestmark = pytest.mark.slow

TABLE = Path("reports/benchmark.json")


def trace_lines(cell: str = "rte/full") -> dict[str, list[str]]:
    """{heading: lines}."""
    lines: dict[str, list[str]] = {}
    for heading, text in trace_score(TABLE, cell):
        lines.setdefault(heading or list(lines)[-1], []).append(text)
    return lines


def test_trace_works_in_a_clone_without_data(clone: Path) -> None:
    files = made.run(clone, "git", "rev-parse", "HEAD~1").strip()
    lines = trace_lines()
    assert lines["score"] == ["71.00, accuracy times 100, of 1000 test rows (seeds: 70.00, 72.00, 71.00; "
                              "sampling error 1.0)"]  # fmt: skip
    assert lines["table"][0].endswith(", as in dvc.lock")
    assert lines["stage"] == ["finetune@rte-full"]
    assert lines["commit"] == [f"{files}, with changes that were not committed"]
    assert lines["parameters"] == ["lr 0.001, pretrain.steps 10"]
    assert lines["changed"] == [f"no parameter, against commit {files[:8]}"]
    assert lines["code"][0].endswith("are as in dvc.lock")
    assert lines["stages"] == [f"finetune@rte-full  (2.5 s, at {files[:8]}+)", "tasks@rte  (time not recorded)"]
    assert len(lines["data"]) == 1 and lines["data"][0].endswith(".dir  made by tasks@rte")
    assert lines["predictions"][0].startswith("data/predictions/rte-full.parquet  ")
    assert lines["raw inputs"] == ['tasks.rte: {"kind": "entailment"}']
    assert lines["MLflow"] == ["the run with tags.`pretrace.record` = 'abc'"]
    assert lines["machine"] == ["A processor; Python 3.12.1"]
    assert lines["libraries"] == [f"torch 2.13.0, numpy 2.4.6 (as pinned by commit {files[:8]})"]
    assert lines["took"] == ["2.5 s; 2 MFLOPs"]


def test_trace_names_weights_from_elsewhere(clone: Path) -> None:
    lock = (clone / "dvc.lock").read_text()
    (clone / "dvc.lock").write_text(
        lock.replace("lr: 0.001", "lr: 0.001\n        pretrain.continue_from: /data/gpt", 1)
    )
    assert 'pretrain.continue_from: "/data/gpt"' in trace_lines()["raw inputs"]


def test_trace_groups_scores_by_pre_training(clone: Path) -> None:
    benchmark = json.loads((clone / TABLE).read_text())
    (row,) = (row for row in benchmark["rows"] if (row["task"], row["variant"]) == ("rte", "full"))
    row |= {"scores": [0.7, 0.72, 0.71, 0.6], "pretrain_seeds": [42, 42, 43, 43]}
    made.write(clone / TABLE, benchmark)
    (line,) = trace_lines()["score"]
    assert "(seeds: from pre-training 42 70.00, 72.00; from pre-training 43 71.00, 60.00; sampling" in line


def test_trace_names_changed_files_and_parameters(clone: Path) -> None:
    for file in ("params.yaml", "dvc.lock"):
        text = (clone / file).read_text()
        (clone / file).write_text(text.replace("lr: 0.001", "lr: 0.01"))
    made.write(clone / "stages/tasks.py", "print()\n")
    made.write(clone / TABLE, (clone / TABLE).read_text() + "\n")
    lines = trace_lines()
    (changed,) = lines["changed"]
    assert changed.startswith("lr: 0.01, commit ") and changed.endswith(" has 0.001")
    assert lines["code"] == ["tasks@rte: stages/tasks.py differs"]
    assert "dvc.lock has" in lines["table"][0] and "as in dvc.lock" not in lines["table"][0]


def test_trace_without_costs_compares_with_the_last_commit(clone: Path) -> None:
    (clone / "reports/cost.json").unlink()
    lines = trace_lines()
    assert lines["commit"] == ["not recorded in reports/cost.json"]
    assert lines["changed"][0].endswith("(HEAD: the commit of the stage is not known here)")
    assert lines["took"] == ["time not recorded; 2 MFLOPs"]


def test_trace_says_unknown_where_git_refuses(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse(monkeypatch)
    lines = trace_lines()
    refusal = "detected dubious ownership in repository at"
    assert lines["changed"][0].startswith("unknown (git rev-parse: ") and refusal in lines["changed"][0]
    assert "not compared with dvc.lock (git check-ignore: " in lines["code"][0] and refusal in lines["code"][0]
    with pytest.raises(PretraceError, match=refusal):
        verify_score(TABLE, "rte/full")


def test_trace_does_not_take_a_word_for_a_commit(clone: Path) -> None:
    """A branch may have the name that stands where no commit was known."""
    made.run(clone, "git", "branch", "unknown", "HEAD~1")
    cost = json.loads((clone / "reports/cost.json").read_text())
    cost["finetune@rte-full"] |= {"commit": "unknown"}
    made.write(clone / "reports/cost.json", cost)
    assert trace_lines()["changed"][0].endswith("(HEAD: the commit of the stage is not known here)")
