"""Figure 2, right: normalized as in the paper, the same bytes for the same numbers."""

from __future__ import annotations

from typing import Any

import pytest

from pretrace.report.figures.figure2 import best_published, has_curve, normalized, zero_shot_figure
from pretrace.schemas.record import parse_record
from pretrace.schemas.zero_shot import ZeroShotReport
from pretrace.settings import Task


def row(scores: list[float], chance: float) -> dict[str, Any]:
    points = [{"step": 2**index, "score": score} for index, score in enumerate(scores)]
    known = {"heuristic": "choice", "metric": "accuracy", "score": scores[-1], "stderr": 0.02, "chance": chance}
    return {**known, "n": 500, "cut": 0, "threshold": None, "n_dev": 0, "updates": points}


def report(tasks: dict[str, Any]) -> ZeroShotReport:
    tasks = {name: {"lm_zero_shot": models} for name, models in tasks.items()}
    return parse_record({"tasks": tasks, "language_tests": {}}, ZeroShotReport, "zeroshot.json")


TASKS = {
    "cola": {"transformer": row([0.0, 0.05, 0.1], 0.0)},
    "cloze": {"transformer": row([0.25, 0.3, 0.5], 0.25)},
}
REPORT = report(TASKS)
LSTM = report({"cola": {"lstm": row([0.0, 0.02], 0.0)}})


def test_normalized_score_is_0_for_chance_and_1_for_the_best() -> None:
    assert normalized(0.25, 0.25, None) == 0
    assert normalized(1.0, 0.25, None) == 1
    assert normalized(0.35, 0.0, 0.35) == 1
    assert normalized(0.2, 0.25, None) == pytest.approx(-1 / 15)


def test_only_a_ready_task_has_a_published_score() -> None:
    files = {"kind": "classification", "train": "a.csv", "test": "b.csv"}
    tasks = {"mine": Task(**files, ready="sst2"), "cola": Task(**files), "race": Task(**files, ready="race")}
    assert best_published(tasks) == {"mine": 0.932}


@pytest.mark.slow
def test_figure_shows_each_task_and_model() -> None:
    systems = {"gpt1": REPORT, "lstm": LSTM}
    svg = zero_shot_figure(systems, {"cola": 0.35})
    assert svg == zero_shot_figure({"gpt1": report(TASKS), "lstm": LSTM}, {"cola": 0.35})
    for text in ("cola  (1: best published)", "cloze  (1: perfect)", "gpt1", "lstm", "steps"):
        assert svg.count(f">{text}<") == 1
    assert "stroke-dasharray" in svg
    assert svg != zero_shot_figure(systems, {})
    assert ">gpt1<" not in zero_shot_figure({"gpt1": REPORT}, {})


@pytest.mark.slow
def test_weights_from_elsewhere_are_not_plotted() -> None:
    given = {**TASKS["cloze"]["transformer"], "updates": [{"step": 0, "score": 0.5}]}
    untrained = report({"cloze": {"transformer": given}})
    assert "<svg" in zero_shot_figure({"gpt1": untrained}, {})
    assert not has_curve(untrained)
    assert has_curve(REPORT)
    assert "<svg" in zero_shot_figure({"gpt1": report({})}, {})
