"""Scores on clean rows are those of the rows alone; the difference is on the same documents and fine-tunings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pretrace.common.files import read_json
from pretrace.report import write_page, write_report
from pretrace.report.predictions import Predictions, TaskPredictions
from pretrace.report.statistics.task_scores import TaskScores
from pretrace.schemas.benchmark import Benchmark, CleanScore
from pretrace.settings import load_settings
from tests.helpers import made_up_results as made_up

FOUND = [f"follows {row}" for row in range(0, made_up.ROWS, 4)]


def report(reports: Path, **found: Any) -> Benchmark:
    made_up.write(reports / "clean.json", read_json(reports / "clean.json") | found)
    return write_report(load_settings(), reports, reports.parent / "data")


def found_rows(rows: list[str], words: int = 4) -> dict[str, Any]:
    return {"found_rows": {"follows": {"words": words, "rows": rows}, "removed": {"words": 9, "rows": ["x:1"]}}}


def test_scores_are_those_of_the_rows(reports: Path) -> None:
    benchmark = report(reports, **found_rows(FOUND))
    assert [(one.task, one.variant) for one in benchmark.contamination] == [
        ("follows", column) for column in ("full", "scratch", "majority", "tfidf")
    ]
    clean_N = np.arange(made_up.ROWS) % 4 > 0
    majority, tfidf = made_up.BASELINES["follows"]
    right_of = {"majority": [made_up.right_on(majority, 8)], "tfidf": [made_up.right_on(tfidf, 9)]}
    for variant in ("full", "scratch"):
        shares = enumerate(made_up.SCORES["follows", variant])
        right_of[variant] = [made_up.right_on(share, seed) for seed, share in shares]
    for one in benchmark.contamination:
        right = right_of[one.variant]
        assert (one.rows, one.clean_rows, one.words, one.too_short) == (1000, 750, 4, 0)
        assert one.score == pytest.approx(np.mean(right), abs=1e-6)
        assert one.clean_score == pytest.approx(np.mean([own[clean_N] for own in right]), abs=1e-6)
        assert one.difference == pytest.approx(one.clean_score - one.score, abs=2e-6)
        assert one.noise < one.clean_interval


def test_nothing_is_written_unless_it_was_asked_for(reports: Path) -> None:
    plain = report(reports)
    assert "contamination" not in plain.as_json()
    assert "Contamination" not in (reports / "benchmark.md").read_text()
    report(reports, **found_rows(FOUND))
    asked = read_json(reports / "benchmark.json")
    assert asked.pop("contamination")
    assert asked == plain.as_json()


def test_table_and_page_show_both_scores(reports: Path) -> None:
    benchmark = report(reports, **found_rows(FOUND, words=9000))
    full = benchmark.contamination[0]
    text = (reports / "benchmark.md").read_text()
    row = next(
        line for line in text[text.index("## Contamination") :].splitlines() if line.startswith("| follows | full")
    )
    scores = [
        f"{100 * v:.1f} ± {100 * h:.1f}"
        for v, h in ((full.score, full.interval), (full.clean_score, full.clean_interval))
    ]
    difference = f"{100 * full.difference:+.1f} ± {100 * full.noise:.1f}"
    assert row == f"| follows | full | 9000 | 1,000 | {scores[0]} | 750 | {scores[1]} | {difference} |"
    assert full.too_short == 1000
    page = re.sub(r"<[^>]+>", " ", write_page(load_settings(), reports, reports.parent / "data").read_text())
    for part in (*scores, difference, "TF-IDF"):
        assert part in page[page.index("Contamination") :]


def test_table_says_which_runs_do_not_count(reports: Path) -> None:
    report(reports, **found_rows(FOUND))
    assert "does not count" not in (reports / "benchmark.md").read_text()
    limited = found_rows(FOUND)
    limited["found_rows"]["follows"] |= {"most_documents": 10, "junk": 3}
    assert report(reports, **limited).contamination[0].most_documents == 10
    said = "A run that more than 10 training documents have does not count."
    assert said in (reports / "benchmark.md").read_text()
    assert said in write_page(load_settings(), reports, reports.parent / "data").read_text()


def test_all_rows_or_none_may_be_clean(reports: Path) -> None:
    everything = report(reports, **found_rows([])).contamination[0]
    assert (everything.clean_rows, everything.difference, everything.noise) == (1000, 0.0, 0.0)
    nothing = report(reports, **found_rows([f"follows {row}" for row in range(1000)])).contamination[0]
    assert (nothing.clean_rows, nothing.clean_score, nothing.difference) == (0, None, None)
    assert "| n/a |" in (reports / "benchmark.md").read_text()
    assert isinstance(nothing, CleanScore)


def scores_of(predictions_SN: np.ndarray, labels_N: np.ndarray) -> TaskScores:
    count = len(labels_N)
    seeds: list[int | None] = [*range(len(predictions_SN))] if len(predictions_SN) > 1 else [None]
    column = Predictions(np.arange(count), predictions_SN, seeds)
    task = TaskPredictions(labels_N, [["a"]] * count, [f"row {n}" for n in range(count)], {"own": column})
    return TaskScores("accuracy", task, np.arange(count), {}, False)


def test_difference_has_the_variance_of_two_separate_groups_of_rows() -> None:
    """clean - all is the share of dirty rows times clean - dirty, and these are of different rows."""
    random, count, dirty = np.random.default_rng(0), 2000, 500
    right = random.random(count) < np.where(np.arange(count) < dirty, 0.8, 0.6)
    scores = scores_of(right[None].astype(int), np.ones(count, int))
    clean, difference = scores.on_rows("own", np.arange(dirty, count))
    p, q = right[:dirty].mean(), right[dirty:].mean()
    assert clean.value == q
    assert difference.value == pytest.approx(dirty / count * (q - p))
    expected = (dirty / count) ** 2 * (p * (1 - p) / dirty + q * (1 - q) / (count - dirty))
    # All rows are one group in the score of all, so that their variance has the difference of the two in it.
    assert difference.difference().variance == pytest.approx(expected, rel=0.1)


def test_seeds_that_move_both_scores_alike_cancel_out() -> None:
    labels_N = np.ones(400, int)
    even = np.tile(np.arange(400) % 2 == 0, (3, 1))  # half of either group
    predictions_SN = np.array([even[0], np.arange(400) % 4 > 0, np.arange(400) % 4 == 0]).astype(int)
    scores = scores_of(predictions_SN, labels_N)
    assert scores.mean("own").difference().variance > 0.01  # the seeds differ
    _, difference = scores.on_rows("own", np.arange(200))
    assert difference.value == 0
    assert difference.parts[0][0] == pytest.approx(0, abs=1e-12)
