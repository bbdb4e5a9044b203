"""From the reports of the stages to one table of scores: its rows with their intervals, and the comparisons.

Which files are read follows from the tasks and variants of the settings, never from what the folder holds: DVC leaves
the results of a removed task in place.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pretrace.common.errors import PretraceError
from pretrace.report.constants import constant_note
from pretrace.report.contamination import clean_scores
from pretrace.report.predictions import read_predictions
from pretrace.report.sequences.learned import in_benchmark
from pretrace.report.statistics.comparisons import Difference
from pretrace.report.statistics.dev_and_test import dev_test_warnings
from pretrace.report.statistics.estimates import mean
from pretrace.report.statistics.task_scores import DocumentNumbers, TaskScores
from pretrace.report.statistics.verdicts import compare, find_winners
from pretrace.schemas.baselines import BaselineScore, BaselinesReport, FrozenReport
from pretrace.schemas.benchmark import Benchmark, BenchmarkRow
from pretrace.schemas.finetuning import FinetuneReport
from pretrace.schemas.record import read_record
from pretrace.schemas.tasks import TaskReport
from pretrace.schemas.zero_shot import ZeroShotReport, ZeroShotScore
from pretrace.settings import FROZEN, ZERO_SHOT, ZERO_SHOT_PMI, Settings, split_column
from pretrace.tasks.give_aways.find import sentences
from pretrace.tasks.rows.kinds import KINDS

BASELINES = {
    "majority": "majority",
    "tfidf": "TF-IDF",
    "ngram": "n-gram",
    "lsa": "LSA",
    ZERO_SHOT: "LM, zero-shot",
    ZERO_SHOT_PMI: "LM, zero-shot PMI",
    FROZEN: "frozen LM + LR",
}
"""Columns that are not fine-tuned models, in the table's order, with their headings; of a further system's own, what
stands before the hyphen."""
Scored = BaselineScore | ZeroShotScore
Report = TypeVar("Report")


def build_benchmark(settings: Settings, folder: Path, data: Path) -> Benchmark:
    """Collect the scores under `folder` (usually `reports/`) and compare them by the predictions under `data`.

    Raises:
        PretraceError: a result is missing or has another form.
    """
    rows: list[BenchmarkRow] = []
    scores: dict[str, TaskScores] = {}
    columns: dict[str, list[str]] = {}
    notes: list[str | None] = []
    numbers, systems = DocumentNumbers(), list(settings.systems)
    zero_shot = {system: read_zero_shot_report(folder, system).tasks for system in systems}
    starts = {system: settings.of_system(system).pretrainings() for system in systems}
    finetuned: list[FinetuneReport] = []
    for task, description in settings.tasks.items():
        results = [_finetune_report(folder, task, variant) for variant in settings.variants]
        finetuned += results
        own = [_variant_row(result, settings.system_of(result.variant)) for result in results]
        own += _baseline_rows(folder, task)
        for system in systems:
            for row in _zero_shot_rows(zero_shot[system].get(task, {}), own[0], starts[system]):
                own.append(_of_system(settings, row, system))
        for system in systems:
            for row in _frozen_rows(folder, system, own[0], starts[system]):
                own.append(_of_system(settings, row, system))
        if scored := [row for row in own if row.score is not None]:
            read = read_predictions(task, settings, data)
            extra_variance = {row.variant: row.extra_variance for row in scored}
            documents_N = numbers.of(task, read.documents)
            balanced = description.probe is not None and KINDS[description.kind].named
            scores[task] = TaskScores(scored[0].metric, read, documents_N, extra_variance, balanced)
            columns[task] = [row.variant for row in scored if row.variant in read.columns]
            reports = read_task_report(folder, task), read_baselines_report(folder, task)
            notes.append(constant_note(task, *reports, read, documents_N))
            notes += [f"{task}: {sentence}" for sentence in sentences(reports[0].give_aways)]
            own = [_with_interval(row, scores[task]) if row.variant in read.columns else row for row in own]
        rows += own
    averages = _averages(rows, scores)
    comparisons, overall = compare(scores, columns)
    more: dict[str, Any] = clean_scores(folder, scores, columns) | in_benchmark(settings, folder)
    return Benchmark(
        scale=settings.scale_name,
        systems={name: one.source for name, one in settings.systems.items()},
        seeds=settings.seeds,
        scores={
            task: {row.variant: row.score for row in rows if row.task == task and row.score is not None}
            for task in settings.tasks
        },
        averages={name: round(one.value, 6) for name, one in averages.items()},
        average_intervals={name: round(one.noise, 6) for name, one in averages.items()},
        winners=dict.fromkeys(settings.tasks) | find_winners(scores, columns),
        rows=rows,
        comparisons=comparisons,
        overall=overall,
        notes=[note for note in notes if note] + dev_test_warnings(finetuned),
        **more,
    )


def _with_interval(row: BenchmarkRow, scores: TaskScores) -> BenchmarkRow:
    mean = scores.mean(row.variant)
    known = {"mean": round(mean.value, 6), "interval": round(mean.difference().noise, 6)}
    return row.model_copy(update={**known, "stderr": round(math.sqrt(mean.from_documents), 6)})


def _averages(rows: list[BenchmarkRow], scores: dict[str, TaskScores]) -> dict[str, Difference]:
    """Mean over the tasks of each column that has a score on all of them, as in the paper's Table 5."""
    tasks: dict[str, list[str]] = {}
    for row in rows:
        if row.mean is not None:
            tasks.setdefault(row.variant, []).append(row.task)
    return {
        name: mean([scores[task].mean(name) for task in own]).difference()
        for name, own in tasks.items()
        if len(own) == len(scores)
    }


def _finetune_report(folder: Path, task: str, variant: str) -> FinetuneReport:
    cell = f"{task}-{variant}"
    return _read_report(folder / "finetune" / f"{cell}.json", FinetuneReport, f"finetune@{cell}")


def heading(column: str) -> str:
    """Return the heading of a column of the table: "LM, zero-shot, gpt2" of a further system's."""
    base, system = split_column(column)
    return ", ".join(filter(None, (BASELINES.get(base, base), system)))


def is_baseline(column: str) -> bool:
    """Return True if a column is no fine-tuned model."""
    return split_column(column)[0] in BASELINES


def _of_system(settings: Settings, row: BenchmarkRow, system: str) -> BenchmarkRow:
    """Return the row of a model without fine-tuning as that of one of the systems."""
    return row.model_copy(update={"variant": settings.column_of(row.variant, system), "system": system})


def _variant_row(report: FinetuneReport, system: str) -> BenchmarkRow:
    scored = not report.unavailable
    row = BenchmarkRow(
        task=report.task,
        kind=report.kind,
        variant=report.variant,
        system=system,
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
    baselines = {} if task.unavailable else read_baselines_report(folder, name).baselines
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


def _zero_shot_rows(
    by_column: dict[str, dict[str, ZeroShotScore]], like: BenchmarkRow, starts: dict[str, int | None]
) -> list[BenchmarkRow]:
    """Return the model without fine-tuning, by each rule that the task has."""
    rows = []
    for column, by_model in by_column.items():
        if like.score is not None and by_model:
            own = {"variant": column, "n_train": 0, "n_eval": next(iter(by_model.values())).n}
            rows.append(like.model_copy(update={**own, **_scores_of(by_model, starts)}))
    return rows


def _frozen_rows(folder: Path, system: str, like: BenchmarkRow, starts: dict[str, int | None]) -> list[BenchmarkRow]:
    """Return the linear classifier on the states of the frozen model."""
    name = f"{like.task}-{system}"
    report = _read_report(folder / "frozen" / f"{name}.json", FrozenReport, f"frozen@{name}")
    if like.score is None or not report.scores:
        return []
    own = {"variant": FROZEN, "n_train": next(iter(report.scores.values())).train_rows or like.n_train}
    return [like.model_copy(update={**own, **_scores_of(report.scores, starts)})]


def _scores_of(by_model: Mapping[str, Scored], starts: dict[str, int | None]) -> dict[str, Any]:
    """Return the fields of a row with one score for each pre-training; the standard error is the median score's."""
    results = [by_model[name] for name in starts if name in by_model]
    scores = [result.score for result in results]
    median = statistics.median(scores)
    extra = statistics.fmean(result.extra_variance for result in results)
    return {
        "score": round(median, 6),
        "scores": scores,
        "pretrain_seeds": [seed for name, seed in starts.items() if name in by_model and seed is not None],
        "stderr": min(results, key=lambda result: abs(result.score - median)).stderr,
        **({"extra_variance": extra} if extra else {}),
    }


def read_zero_shot_report(folder: Path, system: str) -> ZeroShotReport:
    """Read the report of the stage `zeroshot` on a system.

    Raises:
        PretraceError: it is missing or has another form.
    """
    return _read_report(folder / "zeroshot" / f"{system}.json", ZeroShotReport, f"zeroshot@{system}")


def read_task_report(folder: Path, name: str) -> TaskReport:
    """Read the report of the stage `tasks` on a task.

    Raises:
        PretraceError: it is missing or has another form.
    """
    return _read_report(folder / "tasks" / f"{name}.json", TaskReport, f"tasks@{name}")


def read_baselines_report(folder: Path, name: str) -> BaselinesReport:
    """Read the report of the stage `baselines` on a task.

    Raises:
        PretraceError: it is missing or has another form.
    """
    return _read_report(folder / "baselines" / f"{name}.json", BaselinesReport, f"baselines@{name}")


def _read_report(path: Path, kind: type[Report], stage: str) -> Report:
    if not path.exists():
        raise PretraceError(f"{path}: no such file; run `dvc repro {stage}`")
    return read_record(path, kind)
