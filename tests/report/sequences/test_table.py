"""The table of learners, in the benchmark, as Markdown and for the page."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pretrace.common.errors import PretraceError
from pretrace.report.sequences.learned import in_benchmark
from pretrace.report.sequences.table import sequence_table, sequences_markdown
from pretrace.schemas.record import write_record
from pretrace.schemas.sequences.learned import LearnReport, WrittenScore
from pretrace.schemas.sequences.rows import SequenceExample, SequenceTaskReport


def learned(task: str, learner: str, **more: Any) -> LearnReport:
    score = WrittenScore(score=0.25, scores=[0.2, 0.3], stderr=0.01, interval=0.02, signature="nrefs:1|version:2.6.0")
    values: dict[str, Any] = {
        **{"task": task, "learner": learner, "system": "pair", "kind": "encoder_decoder", "pretrained": False},
        **{"metric": "bleu", "metrics": {"bleu": score}, "greedy": score, "seeds": [1, 2], "n_train": 1200},
        **{"n_dev": 5, "n_test": 9, "left_out": 0, "cut": {}, "parameters": 31_000, "vocabulary_size": 300},
        **{"steps": 10, "epochs": 2.5, "tokens": 99},
    }
    return LearnReport(**values | more)


@pytest.fixture
def settings() -> Any:
    return SimpleNamespace(sequences={"sort": None, "turn": None}, learners={"pair": None, "alone": None})


@pytest.fixture
def reports(tmp_path: Path) -> Path:
    for task in ("sort", "turn"):
        write_record(tmp_path / f"sequences/{task}-pair.json", learned(task, "pair"))
        without = {"metrics": {}, "greedy": None, "unavailable": "too few"} if task == "turn" else {}
        write_record(tmp_path / f"sequences/{task}-alone.json", learned(task, "alone", **without))
    example = SequenceExample(source="c a b", target="a b c")
    rows = SequenceTaskReport(metrics=["bleu"], rows={"test": 9}, examples=[example], warnings=["2 are alike"])
    write_record(tmp_path / "sequences/rows.json", {"sort": rows, "left": rows})
    return tmp_path


def test_learners_are_in_the_benchmark(settings: Any, reports: Path) -> None:
    keys = in_benchmark(settings, reports)
    assert keys["sequence_scores"] == {"sort": {"pair": 0.25, "alone": 0.25}, "turn": {"pair": 0.25}}
    assert [(one.task, one.learner) for one in keys["sequences"]] == [
        ("sort", "pair"),
        ("sort", "alone"),
        ("turn", "pair"),
        ("turn", "alone"),
    ]
    table = sequence_table(settings, SimpleNamespace(**keys), reports)  # type: ignore[arg-type]
    assert table is not None
    assert [line.scores for line in table.lines] == [["25.0 ± 2.0"]] * 3 + [["n/a"]]
    assert list(table.examples) == ["sort"]
    assert table.warnings == ["sort: 2 are alike"]
    text = sequences_markdown(table)
    assert "| sort | pair | random | 25.0 ± 2.0 | 25.0 ± 2.0 | 1,200 | 31,000 |" in text
    assert "bleu: nrefs:1|version:2.6.0" in text


def test_benchmark_without_learners_has_no_such_keys(tmp_path: Path) -> None:
    settings: Any = SimpleNamespace(sequences={}, learners={"pair": None})
    assert in_benchmark(settings, tmp_path) == {}
    assert sequences_markdown(None) == ""


def test_missing_report_is_named(settings: Any, reports: Path) -> None:
    (reports / "sequences/turn-pair.json").unlink()
    with pytest.raises(PretraceError, match=r"turn-pair.json: no such file; run `dvc repro learn@turn-pair`"):
        in_benchmark(settings, reports)
