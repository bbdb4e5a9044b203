"""The warning where dev scores are not like test scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pretrace.report import benchmark_markdown, build_benchmark, write_report
from pretrace.report.statistics.dev_and_test import dev_test_warnings, differs
from pretrace.schemas.finetuning import FinetuneReport
from pretrace.schemas.record import parse_record
from pretrace.settings import load_settings
from tests.helpers import made_up_results as made_up


def report(dev: list[float], test: list[float], **changes: Any) -> FinetuneReport:
    values = made_up.result("source", "full", dev_scores=dev, scores=test, **changes)
    return parse_record(values, FinetuneReport, "a report")


def test_dev_far_above_test_is_named() -> None:
    """As on SciTail with dev rows whose hypotheses are in train: 86 on dev, 53 on test."""
    far = report([0.86, 0.85, 0.87], [0.53, 0.54, 0.52])
    near = report([0.86, 0.85, 0.87], [0.85, 0.84, 0.86]).model_copy(update={"variant": "scratch"})
    (text,) = dev_test_warnings([far, near])
    assert text == (
        "Warning: source: full 86.0 on dev and 53.0 on test, which differ by more than 3 standard errors: the dev "
        "rows, which choose the epoch, are not like the test rows."
    )
    assert dev_test_warnings([near]) == []


@pytest.mark.parametrize("changes", [{"stderr": None}, {"n_dev": 0}, {"unavailable": "too few rows"}])
def test_nothing_is_said_without_what_is_needed(changes: dict[str, Any]) -> None:
    assert dev_test_warnings([report([0.9] * 3, [0.1] * 3, **changes)]) == []
    assert dev_test_warnings([report([], [0.1] * 3)]) == []  # of an older version


def test_equal_rows_are_rarely_warned_of_and_a_large_gap_always() -> None:
    """Simulated accuracies of three seeds on 400 dev and 1,200 test rows; the rows are the same for all seeds."""
    generator, false, seen = np.random.default_rng(0), 0, 0
    for _ in range(400):
        for gap in (0.0, 0.2):
            dev_p, test_p = np.clip(generator.normal((0.7 + gap, 0.7), 0.0), 0, 1)
            dev = np.mean(generator.random(400) < dev_p) + generator.normal(0, 0.01, 3)
            test = np.mean(generator.random(1200) < test_p) + generator.normal(0, 0.01, 3)
            one = report(dev.tolist(), test.tolist(), n_dev=400, n_eval=1200, stderr=(0.21 / 1200) ** 0.5)
            false += differs(one) and not gap
            seen += differs(one) and bool(gap)
    assert false <= 6  # 0.3 % of 400 are one
    assert seen == 400


def test_warning_is_under_the_table_and_on_the_page(reports: Any) -> None:
    changed = made_up.result("source", "full", dev_scores=[0.9, 0.9, 0.9])
    made_up.write(reports / "finetune" / "source-full.json", changed)
    benchmark = write_report(load_settings(), reports)
    assert benchmark.notes == build_benchmark(load_settings(), reports, reports.parent / "data").notes
    assert "\n- Warning: source: full 90.0 on dev and 50.0 on test, which differ" in benchmark_markdown(benchmark)
