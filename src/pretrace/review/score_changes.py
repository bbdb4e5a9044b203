"""Scores before and after a change, and whether the difference is larger than the noise.

The answers of another commit are not at hand (they are data, not in git), so rows cannot be compared in pairs as the
table of one commit does. The noise of a difference has four parts, each with its own degrees of freedom (Welch and
Satterthwaite): the spread over seeds on both sides, and the sampling error of the test rows on both sides. Where both
sides answered the same rows, that counts the rows' part twice over: the verdict is careful, not bold (ours).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.report.comparisons import Difference, mean_difference

SAME, WITHIN, HIGHER, LOWER = "same", "within the noise", "higher", "lower"
ADDED, REMOVED, LOST, OTHER = "added", "removed", "no score any more", "another metric"
BENCHMARK = "reports/benchmark.json"
ROUNDING = 1e-9
"""Far below the last digit of a score, of which there are six."""


@dataclass(frozen=True)
class Change:
    """One score of the table, before and after."""

    task: str
    column: str
    before: dict[str, Any] | None
    """The row of `benchmark.json`; None where it is not there."""
    after: dict[str, Any] | None
    difference: Difference | None
    """After minus before, of the means over seeds; None where there are not two scores of one metric."""

    @property
    def verdict(self) -> str:
        """One of the words above; empty where there was no score and is none."""
        if self.difference is not None:
            if seeds_of(self.before) == seeds_of(self.after):
                return SAME
            return (HIGHER if self.difference.value > 0 else LOWER) if self.difference.beyond else WITHIN
        if self.before is None or self.after is None:
            return ADDED if self.before is None else REMOVED
        if seeds_of(self.before) and not seeds_of(self.after):
            return LOST
        return OTHER if seeds_of(self.before) else ADDED if seeds_of(self.after) else ""


def score_changes(before: dict[str, Any] | None, after: dict[str, Any]) -> list[Change]:
    """Every score of both, in the order of `after`, with what was removed at the end.

    Args:
        before: what `benchmark.json` had; None for a first run.
        after: what it has.

    Raises:
        PretraceError: one of them has no rows of the form that the report writes.
    """
    one, other = rows_of({"rows": []} if before is None else before), rows_of(after)
    return [
        Change(task, column, a := one.get((task, column)), b := other.get((task, column)), _difference(a, b))
        for task, column in dict.fromkeys([*other, *one])
    ]


def on_the_mean(changes: Iterable[Change]) -> dict[str, tuple[int, Difference]]:
    """{column: (tasks, difference of the mean over them)}, where a column has two tasks or more in common."""
    by_column: dict[str, list[Difference]] = {}
    for change in changes:
        if change.difference is not None:
            by_column.setdefault(change.column, []).append(change.difference)
    return {name: (len(found), mean_difference(found)) for name, found in by_column.items() if len(found) > 1}


def seeds_of(row: dict[str, Any] | None) -> list[float]:
    """A row's score with each seed; none where the task was unavailable."""
    if row is None or row.get("score") is None:
        return []
    scores = row.get("scores") or [row["score"]]
    return [float(score) for score in scores]


def _difference(before: dict[str, Any] | None, after: dict[str, Any] | None) -> Difference | None:
    one, other = seeds_of(before), seeds_of(after)
    if not one or not other or before is None or after is None or before.get("metric") != after.get("metric"):
        return None
    parts = [(statistics.variance(s) / len(s), len(s) - 1) for s in (one, other) if len(s) > 1]
    parts += [(float(row.get("stderr") or 0) ** 2, max(1, int(row.get("n_eval") or 2) - 1)) for row in (before, after)]
    # What is below the rounding of the scores would only underflow when squared.
    counted = tuple(part for part in parts if part[0] > ROUNDING**2)
    return Difference(statistics.fmean(other) - statistics.fmean(one), counted)


def rows_of(benchmark: Any) -> dict[tuple[str, str], dict[str, Any]]:
    rows = benchmark.get("rows") if isinstance(benchmark, dict) else None
    if not isinstance(rows, list) or not all(map(_is_row, rows)):
        raise PretraceError(f"{BENCHMARK}: has no rows of scores as the stage `report` writes them; run `dvc repro`")
    return {(row["task"], row["variant"]): row for row in rows}


def _is_row(row: Any) -> bool:
    if not isinstance(row, dict) or not all(isinstance(row.get(key), str) for key in ("task", "variant")):
        return False
    scores = row.get("scores")
    numbers = [row.get("score"), row.get("stderr"), row.get("n_eval"), *(scores if isinstance(scores, list) else [])]
    return isinstance(scores, list | None) and all(value is None or _finite(value) for value in numbers)


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
