"""Scores before and after a change, and whether the difference is larger than the noise.

By what git has alone: the noise of a difference has four parts, each with its own degrees of freedom (Welch and
Satterthwaite): the spread over seeds (or pre-trainings) on both sides, and the sampling error of the test documents on
both sides. Where both sides predicted the same rows, the documents' part counts twice: the verdict is cautious (ours).
The gate compares such rows in pairs where it can (paired_rows.py).
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.report.statistics.comparisons import Difference, Part, mean_difference
from pretrace.schemas.benchmark import BenchmarkRow
from pretrace.schemas.record import parse_record

SAME, WITHIN, HIGHER, LOWER = "same", "within the noise", "higher", "lower"
ADDED, REMOVED, LOST, OTHER = "added", "removed", "no score any more", "another metric"
BENCHMARK = "reports/benchmark.json"
ROUNDING = 1e-9
"""Far below the last of a score's six digits."""


@dataclass(frozen=True)
class Change:
    """One score of the table, before and after."""

    task: str
    column: str
    before: BenchmarkRow | None
    """None where there is no such row."""
    after: BenchmarkRow | None
    difference: Difference | None
    """After minus before, of the means over seeds; None unless both have a score in one metric."""

    @property
    def verdict(self) -> str:
        """One of the words above; empty where there was no score and is none."""
        one, other = scores_of(self.before), scores_of(self.after)
        if self.difference is not None:
            if one == other:
                return SAME
            return (HIGHER if self.difference.value > 0 else LOWER) if self.difference.beyond else WITHIN
        if self.before is None or self.after is None:
            return ADDED if self.before is None else REMOVED
        if one and not other:
            return LOST
        return OTHER if one else ADDED if other else ""


def score_changes(before: Any, after: Any) -> list[Change]:
    """Return every score of both, in the order of `after`, and the removed ones last.

    Args:
        before: the JSON of `benchmark.json` before; None for a first run.
        after: the JSON of `benchmark.json` after.

    Raises:
        PretraceError: one of them has another form.
    """
    one, other = {} if before is None else rows_of(before), rows_of(after)
    return [
        Change(task, column, a := one.get((task, column)), b := other.get((task, column)), _difference(a, b))
        for task, column in dict.fromkeys([*other, *one])
    ]


def mean_changes(changes: Iterable[Change]) -> dict[str, tuple[int, Difference]]:
    """Return {column: (tasks, difference of the mean over them)}, where a column has two tasks or more in common."""
    by_column: dict[str, list[Difference]] = {}
    for change in changes:
        if change.difference is not None:
            by_column.setdefault(change.column, []).append(change.difference)
    return {name: (len(own), mean_difference(own)) for name, own in by_column.items() if len(own) > 1}


def scores_of(row: BenchmarkRow | None) -> list[float]:
    """Return a row's score for each seed; none without a row or a score."""
    return row.scores_by_seed if row else []


def rows_of(benchmark: Any) -> dict[tuple[str, str], BenchmarkRow]:
    """Return the rows of a `benchmark.json` by task and column; keys that other versions have are ignored.

    Raises:
        PretraceError: it has another form.
    """
    rows = benchmark.get("rows") if isinstance(benchmark, dict) else None
    if rows is None:
        raise PretraceError(f"{BENCHMARK}: has no rows of scores as the stage `report` writes them; run `dvc repro`")
    parsed = parse_record(rows, list[BenchmarkRow], BENCHMARK, "rows", unknown="ignore")
    return {(row.task, row.variant): row for row in parsed}


def _pretrainings(row: BenchmarkRow) -> list[float]:
    """Return a row's score for each pre-training where there are several."""
    starts: dict[int, list[float]] = {}
    for start, score in zip(row.pretrain_seeds, row.scores_by_seed, strict=False):
        starts.setdefault(start, []).append(score)
    return [statistics.fmean(own) for own in starts.values()] if len(starts) > 1 else []


def _difference(before: BenchmarkRow | None, after: BenchmarkRow | None) -> Difference | None:
    one, other = scores_of(before), scores_of(after)
    if not one or not other or before is None or after is None or before.metric != after.metric:
        return None
    units = [(_pretrainings(row), row.scores_by_seed) for row in (before, after)]
    few = tuple((statistics.variance(own) / len(own), float(len(own) - 1)) for own, _ in units if own)
    seeds = [own for starts, own in units if not starts and len(own) > 1]
    parts: list[Part] = [(statistics.variance(own) / len(own), len(own) - 1) for own in seeds]
    parts += [((row.stderr or 0.0) ** 2, max(1, row.n_eval - 1)) for row in (before, after)]
    parts += [(row.extra_variance, math.inf) for row in (before, after)]
    # A part below the rounding of the scores would only underflow when squared.
    counted = tuple(part for part in parts if part[0] > ROUNDING**2)
    return Difference(statistics.fmean(other) - statistics.fmean(one), counted, few)
