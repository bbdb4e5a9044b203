"""Tasks whose dev scores are not like their test scores: then what was chosen on dev may not be the best on test."""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable

from pretrace.schemas.finetuning import FinetuneReport

STANDARD_ERRORS = 3.0
"""Standard errors between dev and test from which on there is a warning (ours): by chance, one column in 370."""


def dev_test_warnings(reports: Iterable[FinetuneReport]) -> list[str]:
    """Return a sentence for each task with a column whose dev and test scores differ beyond the noise of both."""
    columns: dict[str, list[str]] = {}
    for report in reports:
        if report.unavailable is None and differs(report):
            dev, test = (100 * statistics.fmean(scores) for scores in (report.dev_scores, report.scores))
            columns.setdefault(report.task, []).append(f"{report.variant} {dev:.1f} on dev and {test:.1f} on test")
    return [
        f"Warning: {task}: {', '.join(texts)}, which differ by more than {STANDARD_ERRORS:g} standard errors: the dev "
        "rows, which choose the epoch, are not like the test rows."
        for task, texts in columns.items()
    ]


def differs(report: FinetuneReport) -> bool:
    """Return True if the means of the dev and of the test scores differ by more than `STANDARD_ERRORS`.

    The error has three parts: of the test rows (`stderr`), of the dev rows (the same per row), and of the runs.
    """
    pairs = list(zip(report.dev_scores, report.scores, strict=False))
    if not pairs or not report.stderr or not report.n_dev:
        return False
    gaps = [dev - test for dev, test in pairs]
    rows = report.stderr**2 * (1 + report.n_eval / report.n_dev)
    runs = statistics.variance(gaps) / len(gaps) if len(gaps) > 1 else 0.0
    return abs(statistics.fmean(gaps)) > STANDARD_ERRORS * math.sqrt(rows + runs)
