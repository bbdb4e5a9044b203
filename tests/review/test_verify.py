"""`pretrace trace --verify`: computing a score again."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from pretrace.cli import main
from pretrace.common.errors import PretraceError
from pretrace.review import verify_score
from tests.helpers import made_up_project as made

pytestmark = pytest.mark.slow

TABLE = Path("reports/benchmark.json")


def state(folder: Path) -> dict[str, tuple[int, bytes]]:
    """All files but those of git and DVC themselves, with their times."""
    files = [path for path in folder.rglob("*") if path.is_file() and not {".git", ".dvc"} & set(path.parts)]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_verify_runs_the_stage_and_touches_nothing(project: Path, capsys: Any) -> None:
    before = state(project)
    assert main(["trace", str(TABLE), "rte/full", "--verify"]) == 0
    output = capsys.readouterr().out
    assert "again         finetune@rte-full ran in a copy of this folder" in output
    assert "score         71.0000, 70.0000, 72.0000, 71.0000 in the table, and the same again" in output
    assert "verdict       SAME: the scores of rte/full and the hash of data/predictions/rte-full.parquet" in output
    assert state(project) == before


def test_verify_reports_another_result(project: Path, capsys: Any, monkeypatch: Any) -> None:
    monkeypatch.setenv("UNDECLARED", "0.005")
    assert main(["trace", "rte/full", "--verify"]) == 1
    output = capsys.readouterr().out
    assert "71.0000, 70.0000, 72.0000, 71.0000 in the table, now 71.0000, 70.5000, 72.0000, 71.0000" in output
    assert "DIFFERENT: the scores and the predictions of rte/full;" in output


ZERO_SHOT = """  zeroshot:
    matrix: {system: "${systems}"}
    cmd: python -c "import shutil; shutil.copytree('texts', 'data/zeroshot/gpt1')"
    deps: [texts]
    outs: ["data/zeroshot/${item.system}"]
"""


def test_verify_of_zero_shot_has_the_files_of_the_language_tests(project: Path) -> None:
    """Which git does not know, and no stage makes."""
    made.write(project / "texts/test.txt", "some words\n")
    made.write(project / ".gitignore", (project / ".gitignore").read_text() + "/texts/\n")
    made.write(project / "dvc.yaml", (project / "dvc.yaml").read_text() + ZERO_SHOT)
    tests = "language_tests: {own: {protocol: last_word, file: texts/test.txt}}\n"
    made.write(project / "params.yaml", (project / "params.yaml").read_text() + tests)
    made.write(project / TABLE, made.benchmark(made.row("rte", "lm_zero_shot", scores=[0.5])))
    score = {"heuristic": "choice", "metric": "accuracy", "score": 0.5, "stderr": 0.01, "chance": 0.5, "n": 100}
    score |= {"cut": 0, "threshold": None, "n_dev": 0, "updates": []}
    by_column = {"lm_zero_shot": {"transformer": score}}
    made.write(project / "reports/zeroshot/gpt1.json", {"tasks": {"rte": by_column}, "language_tests": {}})
    made.commit(project, "zero-shot")
    made.repro(project, "zeroshot@gpt1")
    same, lines = verify_score(TABLE, "rte/lm_zero_shot")
    assert same, lines


def test_verify_refuses_changed_code(project: Path) -> None:
    (project / "stages/finetune.py").write_text("print()\n")
    with pytest.raises(PretraceError, match=r"made with other files.*finetune@rte-full: stages/finetune.py differs"):
        verify_score(TABLE, "rte/full")


def test_verify_without_the_data_is_one_line(clone: Path) -> None:
    with pytest.raises(PretraceError, match="reads is neither in the cache nor on a remote"):
        verify_score(TABLE, "rte/full")


@pytest.mark.nightly
def test_verify_fetches_from_a_remote(project: Path, tmp_path: Path) -> None:
    made.run(project, "dvc", "remote", "add", "--default", "--local", "store", str(tmp_path / "store"))
    made.run(project, "dvc", "push", "--quiet")
    shutil.rmtree(project / ".dvc/cache")
    shutil.rmtree(project / "data")
    assert verify_score(TABLE, "rte/full")[0] is True
    assert not (project / "data").exists()
