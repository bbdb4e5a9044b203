"""`pretrace trace`: where a score came from, and whether it comes out again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pretrace.cli import main
from pretrace.errors import PretraceError
from pretrace.trace import find_cell, trace, verify
from tests.helpers import made_up_project as made

TABLE = Path("reports/benchmark.json")


def told(cell: str = "rte/full") -> dict[str, list[str]]:
    """{heading: lines}."""
    found: dict[str, list[str]] = {}
    for heading, text in trace(TABLE, cell):
        found.setdefault(heading or list(found)[-1], []).append(text)
    return found


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All files but those of git and DVC themselves, with their times."""
    files = [path for path in folder.rglob("*") if path.is_file() and not {".git", ".dvc"} & set(path.parts)]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


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


def test_each_column_has_its_stage(clone: Path) -> None:
    columns = {"full": "finetune@rte-full", "tfidf": "tasks@rte", "majority": "tasks@rte", "lm_zero_shot": "zeroshot"}
    made.write(clone / TABLE, made.benchmark(*(made.row("rte", column) for column in columns)))
    for column, stage in columns.items():
        assert find_cell(TABLE, f"rte/{column}").stage == stage
    assert told("rte/tfidf")["answers"][0].startswith("data/tasks/rte  ")
    with pytest.raises(PretraceError, match="has no stage zeroshot; run `dvc repro zeroshot`"):
        trace(TABLE, "rte/lm_zero_shot")


def test_what_a_stage_reports_of_each_column_is_found(clone: Path) -> None:
    made.write(clone / TABLE, made.benchmark(made.row("rte", "tfidf"), made.row("rte", "lm_zero_shot")))
    made.write(clone / "reports/tasks/rte.json", {"baselines": {"tfidf": {"score": 0.6, "stderr": 0.01}}})
    made.write(clone / "reports/zeroshot.json", {"tasks": {"rte": {"transformer": {"score": 0.55}}}})
    assert find_cell(TABLE, "rte/tfidf").scores_in(clone) == [0.6, 0.6]
    assert find_cell(TABLE, "rte/lm_zero_shot").scores_in(clone) == [0.55, 0.55]
    assert find_cell(TABLE, "rte/lm_zero_shot").predictions == "data/zeroshot"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rte/other"], "reports/benchmark.json: no score rte/other; it has rte/full"),
        (["cola/full"], "reports/benchmark.json: no score cola/full; it has rte/full"),
        (["nothing.json", "rte/full"], "nothing.json: no such file; run the stage that writes it (`dvc repro`)"),
        (["params.yaml", "rte/full"], "params.yaml: not a whole JSON file"),
    ],
)
def test_what_is_not_there_is_one_line(clone: Path, capsys: Any, arguments: list[str], said: str) -> None:
    assert main(["trace", *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith(f"pretrace: trace: {said}") and error.count("\n") == 1


def test_verify_runs_it_again_and_touches_nothing(project: Path, capsys: Any) -> None:
    before = state(project)
    assert main(["trace", str(TABLE), "rte/full", "--verify"]) == 0
    said = capsys.readouterr().out
    assert "again         finetune@rte-full ran in a copy of this folder" in said
    assert "score         71.0000, 70.0000, 72.0000, 71.0000 in the table, and again the same" in said
    assert "verdict       SAME: the scores of rte/full and the hash of data/predictions/rte-full.parquet" in said
    assert state(project) == before


def test_verify_says_when_something_else_comes_out(project: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("UNDECLARED", "0.005")
    assert main(["trace", "rte/full", "--verify"]) == 1
    said = capsys.readouterr().out
    assert "71.0000, 70.0000, 72.0000, 71.0000 in the table, now 71.0000, 70.5000, 72.0000, 71.0000" in said
    assert "DIFFERENT: the scores and the answers of rte/full;" in said


def test_verify_refuses_what_would_be_another_comparison(project: Path) -> None:
    (project / "stages/finetune.py").write_text("print()\n")
    with pytest.raises(PretraceError, match=r"made with other files.*finetune@rte-full: stages/finetune.py differs"):
        verify(TABLE, "rte/full")


def test_verify_without_the_data_is_one_line(clone: Path) -> None:
    with pytest.raises(PretraceError, match="reads is neither in the cache nor on a remote"):
        verify(TABLE, "rte/full")


@pytest.mark.nightly
def test_verify_fetches_from_a_remote(project: Path, tmp_path: Path) -> None:
    made.run(project, "dvc", "remote", "add", "--default", "--local", "store", str(tmp_path / "store"))
    made.run(project, "dvc", "push", "--quiet")
    shutil.rmtree(project / ".dvc/cache")
    shutil.rmtree(project / "data")
    assert verify(TABLE, "rte/full")[0] is True
    assert not (project / "data").exists()
