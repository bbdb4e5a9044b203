"""From the reports of the stages to one table of scores: its rows, and which differences are beyond the noise.

Which files are read follows from the tasks and variants of the settings, never from what the folder holds: DVC leaves
the results of a removed task in place.
"""

from __future__ import annotations

import math
import statistics
from pathlib import Path
from typing import TypeVar

import numpy as np

from pretrace.common.errors import PretraceError
from pretrace.report.comparisons import Difference, difference, mean_difference
from pretrace.report.predictions import TaskPredictions, read_predictions
from pretrace.schemas.baselines import BaselinesReport
from pretrace.schemas.benchmark import Benchmark, BenchmarkRow, Comparison, OverallComparison
from pretrace.schemas.finetuning import FinetuneReport
from pretrace.schemas.frozen import FrozenReport
from pretrace.schemas.record import read_record
from pretrace.schemas.tasks import TaskReport
from pretrace.schemas.zero_shot import ZeroShotReport, ZeroShotScore
from pretrace.settings import FROZEN, MAIN_MODEL, ZERO_SHOT, ZERO_SHOT_PMI, Settings

REFERENCE = "full"
BASELINES = {
    "majority": "majority",
    "tfidf": "TF-IDF",
    ZERO_SHOT: "LM, zero-shot",
    ZERO_SHOT_PMI: "LM, zero-shot PMI",
    FROZEN: "frozen LM + LR",
}
"""Columns that are not fine-tuned models, in the table's order, with their headings."""
Report = TypeVar("Report")
ByColumn = dict[str, list[tuple[str, Difference]]]
"""For each column (task, `full` minus the column) of the tasks that both have a score on."""


def build_benchmark(settings: Settings, folder: Path, data: Path) -> Benchmark:
    """Collect the scores under `folder` (usually `reports/`) and compare them by the predictions under `data`.

    Raises:
        PretraceError: a result is missing or has another form.
    """
    rows: list[BenchmarkRow] = []
    winners: dict[str, str | None] = {}
    differences: ByColumn = {}
    zero_shot = read_zero_shot_report(folder).tasks
    for task in settings.tasks:
        own = [_variant_row(folder, task, variant) for variant in settings.variants]
        own += _baseline_rows(folder, task)
        own += _zero_shot_rows(zero_shot.get(task, {}), own[0])
        own += _frozen_rows(folder, own[0])
        rows += own
        winners[task] = None
        if scored := [row for row in own if row.score is not None]:
            predictions = read_predictions(task, list(settings.variants), data)
            by_column, winners[task] = _compare(scored, predictions)
            for column, one in by_column.items():
                differences.setdefault(column, []).append((task, one))
    return Benchmark(
        scale=settings.scale_name,
        seeds=settings.seeds,
        scores={
            task: {row.variant: row.score for row in rows if row.task == task and row.score is not None}
            for task in settings.tasks
        },
        averages=_averages(rows),
        winners=winners,
        rows=rows,
        comparisons=_comparisons(differences),
        overall=_overall(differences),
    )


def _compare(rows: list[BenchmarkRow], task: TaskPredictions) -> tuple[dict[str, Difference], str | None]:
    """`full` minus each other column, and the winner: the best column, if it is beyond the noise above all others."""
    metric = rows[0].metric

    def between(one: str, other: str) -> Difference:
        a, b = task.columns[one], task.columns[other]
        # The language model without fine-tuning may have predicted some of the rows only.
        rows_N = np.intersect1d(a.rows_N, b.rows_N)
        one_SN, other_RN = (c.predictions_SN[:, np.searchsorted(c.rows_N, rows_N)] for c in (a, b))
        return difference(metric, task.labels_N[rows_N], one_SN, other_RN)

    columns = [row.variant for row in rows if row.variant in task.columns]
    by_column = {name: between(REFERENCE, name) for name in columns if REFERENCE in columns and name != REFERENCE}
    best = max(rows, key=_score).variant
    margins = [by_column[n] if best == REFERENCE else between(best, n) for n in columns if n != best]
    won = bool(margins) and all(margin.beyond and margin.value > 0 for margin in margins)
    return by_column, best if won else None


def _comparisons(differences: ByColumn) -> list[Comparison]:
    return [
        Comparison(task=task, variant=REFERENCE, against=name, difference=one.value, noise=one.noise, beyond=one.beyond)
        for name, pairs in differences.items()
        for task, one in pairs
    ]


def _overall(differences: ByColumn) -> list[OverallComparison]:
    means = {name: mean_difference(one for _, one in pairs) for name, pairs in differences.items()}
    return [
        OverallComparison(
            variant=REFERENCE,
            against=name,
            tasks=len(differences[name]),
            difference=mean.value,
            noise=mean.noise,
            beyond=mean.beyond,
        )
        for name, mean in means.items()
    ]


def _averages(rows: list[BenchmarkRow]) -> dict[str, float]:
    """Mean score over the tasks of each column that has one on all of them, as in the paper's Table 5."""
    scores: dict[str, list[float]] = {}
    for row in rows:
        if row.score is not None:
            scores.setdefault(row.variant, []).append(row.score)
    tasks = max((len(own) for own in scores.values()), default=0)
    return {name: round(statistics.fmean(own), 6) for name, own in scores.items() if len(own) == tasks}


def _variant_row(folder: Path, task: str, variant: str) -> BenchmarkRow:
    cell = f"{task}-{variant}"
    report = _read_report(folder / "finetune" / f"{cell}.json", FinetuneReport, f"finetune@{cell}")
    scored = not report.unavailable
    row = BenchmarkRow(
        task=task,
        kind=report.kind,
        variant=variant,
        metric=report.metric,
        score=report.score if scored else None,
        scores=report.scores if scored else [],
        pretrain_seeds=report.pretrain_seeds,
        stderr=report.stderr if scored else None,
        n_train=report.n_train,
        n_eval=report.n_eval,
    )
    return row if scored else row.model_copy(update={"unavailable": report.unavailable})


def _baseline_rows(folder: Path, name: str) -> list[BenchmarkRow]:
    task = read_task_report(folder, name)
    report = _read_report(folder / "baselines" / f"{name}.json", BaselinesReport, f"baselines@{name}")
    baselines = {} if task.unavailable else report.baselines
    return [
        BenchmarkRow(
            task=name,
            kind=task.kind,
            variant=variant,
            metric=task.metric,
            score=baselines[variant].score,
            scores=[baselines[variant].score],
            stderr=baselines[variant].stderr,
            extra_variance=baselines[variant].extra_variance,
            n_train=task.n_train,
            n_eval=task.n_test,
        )
        for variant in BASELINES
        if variant in baselines
    ]


def _zero_shot_rows(by_column: dict[str, dict[str, ZeroShotScore]], like: BenchmarkRow) -> list[BenchmarkRow]:
    """Return the transformer without fine-tuning, by each rule that the task has."""
    rows = []
    for column, by_model in by_column.items():
        if like.score is not None and MAIN_MODEL in by_model:
            result = by_model[MAIN_MODEL]
            score = {"score": result.score, "scores": [result.score], "stderr": result.stderr, "n_eval": result.n}
            if result.extra_variance:
                score["extra_variance"] = result.extra_variance
            rows.append(like.model_copy(update={"variant": column, **score, "n_train": 0}))
    return rows


def _frozen_rows(folder: Path, like: BenchmarkRow) -> list[BenchmarkRow]:
    """Return the linear classifier on the states of the frozen transformer."""
    report = _read_report(folder / "frozen" / f"{like.task}.json", FrozenReport, f"frozen@{like.task}")
    if like.score is None or MAIN_MODEL not in report.scores:
        return []
    result = report.scores[MAIN_MODEL]
    score = {"score": result.score, "scores": [result.score], "stderr": result.stderr}
    return [like.model_copy(update={"variant": FROZEN, **score, "n_train": result.train_rows or like.n_train})]


def read_zero_shot_report(folder: Path) -> ZeroShotReport:
    """Read the report of the stage `zeroshot`.

    Raises:
        PretraceError: it is missing or has another form.
    """
    return _read_report(folder / "zeroshot.json", ZeroShotReport, "zeroshot")


def read_task_report(folder: Path, name: str) -> TaskReport:
    """Read the report of the stage `tasks` on a task.

    Raises:
        PretraceError: it is missing or has another form.
    """
    return _read_report(folder / "tasks" / f"{name}.json", TaskReport, f"tasks@{name}")


def _read_report(path: Path, kind: type[Report], stage: str) -> Report:
    if not path.exists():
        raise PretraceError(f"{path}: no such file; run `dvc repro {stage}`")
    return read_record(path, kind)


def _score(row: BenchmarkRow) -> float:
    return -math.inf if row.score is None else row.score
