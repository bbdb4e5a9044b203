"""Cells of the table and their stages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pretrace.cli import main
from pretrace.common.errors import PretraceError
from pretrace.review import find_cell, trace_score
from tests.helpers import made_up_project as made

pytestmark = pytest.mark.slow

TABLE = Path("reports/benchmark.json")
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
        "lm_zero_shot": "zeroshot",
        "lm_zero_shot_pmi": "zeroshot",
        "frozen": "frozen@rte",
    }
    made.write(clone / TABLE, made.benchmark(*(made.row("rte", column) for column in columns)))
    for column, stage in columns.items():
        assert find_cell(TABLE, f"rte/{column}").stage == stage
    assert find_cell(TABLE, "rte/tfidf").predictions == "data/baselines/rte.parquet"
    with pytest.raises(PretraceError, match="has no stage zeroshot; run `dvc repro zeroshot`"):
        trace_score(TABLE, "rte/lm_zero_shot")


def test_scores_are_read_from_the_report_of_the_stage(clone: Path) -> None:
    made.write(clone / TABLE, made.benchmark(*(made.row("rte", name) for name in ("tfidf", "lm_zero_shot", "frozen"))))
    scores = {"tfidf": {"score": 0.6, "stderr": 0.01}}
    made.write(clone / "reports/baselines/rte.json", {"unavailable": None, "baselines": scores})
    by_column = {"lm_zero_shot": {"transformer": ZERO_SHOT}}
    made.write(clone / "reports/zeroshot.json", {"tasks": {"rte": by_column}, "language_tests": {}})
    made.write(clone / "reports/frozen/rte.json", {"unavailable": None, "scores": {"transformer": scores["tfidf"]}})
    assert find_cell(TABLE, "rte/frozen").scores_in(clone) == [0.6, 0.6]
    both = {"transformer": scores["tfidf"], "transformer-seed-43": {**scores["tfidf"], "score": 0.7}}
    made.write(clone / "reports/frozen/rte.json", {"unavailable": None, "scores": both})
    assert find_cell(TABLE, "rte/frozen").scores_in(clone) == [0.65, 0.6, 0.7]
    assert find_cell(TABLE, "rte/frozen").predictions == "data/frozen/rte.parquet"
    assert find_cell(TABLE, "rte/tfidf").scores_in(clone) == [0.6, 0.6]
    assert find_cell(TABLE, "rte/lm_zero_shot").scores_in(clone) == [0.55, 0.55]
    assert find_cell(TABLE, "rte/lm_zero_shot").predictions == "data/zeroshot"


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
