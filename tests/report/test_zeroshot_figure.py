"""Figure 2, right: normalised as in the paper, the same bytes for the same numbers."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from pretrace.report.zeroshot_figure import best_published, has_updates, normalised, zero_shot_figure
from pretrace.settings import Task


def row(scores: list[float], chance: float) -> dict[str, Any]:
    points = [{"step": 2**place, "score": score} for place, score in enumerate(scores)]
    return {"chance": chance, "stderr": 0.02, "score": scores[-1], "updates": points}


REPORT = {
    "tasks": {
        "cola": {"transformer": row([0.0, 0.05, 0.1], 0.0), "lstm": row([0.0, 0.02], 0.0)},
        "cloze": {"transformer": row([0.25, 0.3, 0.5], 0.25)},
    },
    "language_tests": {},
}


def test_chance_is_zero_and_the_best_one() -> None:
    assert normalised(0.25, 0.25, None) == 0
    assert normalised(1.0, 0.25, None) == 1
    assert normalised(0.35, 0.0, 0.35) == 1
    assert normalised(0.2, 0.25, None) == pytest.approx(-1 / 15)


def test_only_a_ready_task_has_a_published_score() -> None:
    files = {"kind": "classification", "train": "a.csv", "test": "b.csv"}
    tasks = {"mine": Task(**files, ready="sst2"), "cola": Task(**files), "race": Task(**files, ready="race")}
    assert best_published(tasks) == {"mine": 0.932}


@pytest.mark.slow
def test_the_figure_shows_each_task_and_kind_of_model() -> None:
    svg = zero_shot_figure(REPORT, {"cola": 0.35})
    assert svg == zero_shot_figure(copy.deepcopy(REPORT), {"cola": 0.35})
    for text in ("cola  (1: best published)", "cloze  (1: perfect)", "transformer", "lstm", "updates"):
        assert f">{text}<" in svg
    assert "stroke-dasharray" in svg
    assert svg != zero_shot_figure(REPORT, {})
    alone = {"tasks": {"cloze": REPORT["tasks"]["cloze"]}, "language_tests": {}}
    assert ">lstm<" not in zero_shot_figure(alone, {})


@pytest.mark.slow
def test_weights_of_others_have_no_place_on_the_axis() -> None:
    given = copy.deepcopy(REPORT["tasks"]["cloze"])
    given["transformer"]["updates"] = [{"step": 0, "score": 0.5}]
    report = {"tasks": {"cloze": given}, "language_tests": {}}
    assert "<svg" in zero_shot_figure(report, {})
    assert not has_updates(report)
    assert has_updates(REPORT)
    assert "<svg" in zero_shot_figure({"tasks": {}, "language_tests": {}}, {})
