"""Tasks as prompts on the page: the table and the figure, from reports that are there."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pretrace.common.files import write_json
from pretrace.report import write_page, write_report
from pretrace.report.few_shot import FewShotTable, few_shot_table, read_few_shot
from pretrace.report.figures.few_shot import few_shot_figure
from pretrace.settings import load_settings
from tests.helpers.plain_yaml import read_yaml, write_yaml


def shot(shots: int, score: float) -> dict[str, Any]:
    known = {"shots": shots, "examples": float(shots), "scores": [score], "score": score, "stderr": 0.01}
    return {**known, "dev_score": score, "cut": 0}


def report(system: str, *tasks: str) -> dict[str, Any]:
    task = {
        "prompt": "classification",
        "kind": "classification",
        "metric": "accuracy",
        "chance": 0.5,
        "calibrated": False,
        "n": 500,
        "n_dev": 200,
        "shots": [shot(0, 0.5), shot(1, 0.55), shot(4, 0.6)],
        "chosen": 4,
        "beside": {"full": {"scores": [0.8], "score": 0.8, "stderr": 0.02}},
    }
    twice = {"sequences": 9, "length": 9, "first_loss": 3.0, "second_loss": 2.0, "gain": 1.0, "stderr": 0.1}
    test = {"step": 1, "documents": 0, "by_position": [], "repeated": twice | {"second_accuracy": 0.5}}
    made_with = {"commit": "none", "machine": "m", "python": "3", "scale": "laptop", "seconds": 1.0}
    known = {"system": system, "model": "transformer", "context": 128, "seeds": [1], "balanced": False}
    return {**made_with, **known, "tasks": dict.fromkeys(tasks, task), "in_context": [test]}


def test_reports_are_those_of_the_experiment(project: Path) -> None:
    settings = load_settings()
    assert read_few_shot(settings, project / "reports") == {}
    assert few_shot_table({}) is None
    assert few_shot_figure({}) is None
    write_json(project / "reports/fewshot/gpt1.json", report("gpt1", "source", "gone"))
    write_json(project / "reports/fewshot/other.json", report("other", "source"))
    reports = read_few_shot(settings, project / "reports")
    assert {system: list(one.tasks) for system, one in reports.items()} == {"gpt1": ["source"]}
    table = few_shot_table(reports)
    assert table is not None
    assert table.columns == ["zero-shot", "one-shot", "few-shot", "full"]
    assert table.rows[0].cells == ["50.0 ± 2.0", "55.0 ± 2.0", "K = 4: 60.0 ± 2.0", "80.0 ± 3.9"]


@pytest.mark.slow
def test_figure_and_table_are_on_the_page(reports: Path) -> None:
    write_json(reports / "fewshot/gpt1.json", report("gpt1", "source", "follows"))
    settings = load_settings()
    svg = few_shot_figure(read_few_shot(settings, reports))
    assert svg == few_shot_figure(read_few_shot(settings, reports))
    assert svg is not None
    for text in ("source, accuracy x 100", "gpt1", "chance", "fine-tuned (full)", "examples in the prompt"):
        assert svg.count(f">{text}<") == 1
    write_report(settings, reports)
    assert (reports / "figures" / "fewshot.svg").exists()
    html = write_page(settings, reports).read_text()
    text = " ".join(re.sub(r"<[^>]+>", " ", html[html.index('id="fewshot"') :]).split())
    assert "source gpt1 accuracy 500 50.0 50.0 ± 2.0 55.0 ± 2.0 K = 4: 60.0 ± 2.0 80.0 ± 3.9" in text
    assert not {"Written answers", "Clean rows"} & set(re.findall(r"<h3>(.*?)</h3>", html))


@pytest.mark.slow
def test_clean_scores_and_written_answers_are_on_the_page(reports: Path, project: Path) -> None:
    with_sums(project)
    write_json(reports / "fewshot/gpt1.json", with_more(report("gpt1", "source")))
    settings = load_settings()
    write_report(settings, reports)
    html = write_page(settings, reports).read_text()
    text = " ".join(re.sub(r"<[^>]+>", " ", html[html.index('id="fewshot"') :]).split())
    assert "task system examples bleu chrf sums gpt1 0 50.0 70.0 sums gpt1 1 55.0 70.0" in text
    assert "bleu: nrefs:1" in text
    assert "source gpt1 8 12 3 48.0 (-2.0) 53.0 (-2.0) K = 4: n/a" in text
    assert "No row was found of sums." in text


def with_more(settings_report: dict[str, Any]) -> dict[str, Any]:
    """The report of two tasks, one whose rows are in the training text, and one whose answers were written."""
    source, sums = settings_report["tasks"]["source"], dict(settings_report["tasks"]["source"])
    rows = [{**row, "clean_score": row["score"] - 0.02} for row in source["shots"][:2]]
    found = {"words": 8, "found": 12, "too_short": 3}
    source = {**source, "shots": [*rows, source["shots"][2]], "contamination": found}
    metrics = [{**row, "metrics": {"bleu": row["score"], "chrf": 0.7}} for row in source["shots"]]
    sums |= {"kind": "sequence", "metric": "bleu", "beside": {}, "shots": metrics, "signatures": {"bleu": "nrefs:1"}}
    sums["contamination"] = {**found, "found": 0}
    return {**settings_report, "tasks": {"source": source, "sums": sums}}


def with_sums(project: Path) -> None:
    sums = {"made": "two_digit_addition", "metrics": ["bleu", "chrf"]}
    write_yaml(project / "params.yaml", {**read_yaml(project / "params.yaml"), "sequences": {"sums": sums}})


def table_of(project: Path) -> FewShotTable:
    with_sums(project)
    write_json(project / "reports/fewshot/gpt1.json", with_more(report("gpt1", "source")))
    table = few_shot_table(read_few_shot(load_settings(), project / "reports"))
    assert table is not None
    return table


def test_clean_scores_are_beside_those_of_all_rows(project: Path) -> None:
    table = table_of(project)
    assert [(row.task, row.seen.found, row.cells) for row in table.clean] == [
        ("source", 12, ["48.0 (-2.0)", "53.0 (-2.0)", "K = 4: n/a"])
    ]
    assert table.none_found == ["sums"]


def test_written_answers_have_all_their_scores(project: Path) -> None:
    table = table_of(project)
    assert [row.task for row in table.rows] == ["source", "sums"]
    assert table.metrics == ["bleu", "chrf"]
    assert [(row.task, row.shots, row.cells) for row in table.written] == [
        ("sums", 0, ["50.0", "70.0"]),
        ("sums", 1, ["55.0", "70.0"]),
        ("sums", 4, ["60.0", "70.0"]),
    ]
    assert table.signatures == ["bleu: nrefs:1"]
