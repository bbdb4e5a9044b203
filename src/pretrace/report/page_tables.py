"""The rows of the page's tables: tasks, language tests and costs."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pretrace.report import markdown
from pretrace.schemas.benchmark import Benchmark, BenchmarkRow
from pretrace.schemas.cost import CostEntry
from pretrace.schemas.tasks import GiveAway, TaskExample, TaskReport
from pretrace.schemas.zero_shot import LanguageTestScore
from pretrace.settings import Card, Settings
from pretrace.tasks.rows.kinds import KINDS

EXAMPLES_PER_TASK = 3
OF_A_SYSTEM = ("bpe", "shard", "pretrain", "encode", "zeroshot")
"""Stages whose matrix runs over the systems alone."""


@dataclass(frozen=True)
class TableCell:
    """A score as the page shows it."""

    score: str
    interval: str
    best: bool


@dataclass(frozen=True)
class TaskSection:
    """A row of the table, and the section on its task."""

    name: str
    format: str
    metric: str
    n_train: int
    n_test: int
    cells: dict[str, TableCell]
    """By column."""
    unavailable: str | None
    examples: list[TaskExample]
    give_aways: list[GiveAway]
    """Rules that should not answer the task, and how they do."""
    card: Card | None


def task_section(rows: dict[str, BenchmarkRow], winner: str | None, report: TaskReport) -> TaskSection:
    """Return the row and the section of a task."""
    any_row = next(iter(rows.values()))
    cells = {}
    for variant, row in rows.items():
        score, _, interval = markdown.score_text(row).partition(" ± ")
        cells[variant] = TableCell(score, interval, variant == winner)
    return TaskSection(
        name=any_row.task,
        format=KINDS[any_row.kind].format,
        metric=any_row.metric,
        n_train=any_row.n_train,
        n_test=any_row.n_eval,
        cells=cells,
        unavailable=report.unavailable,
        examples=report.examples[:EXAMPLES_PER_TASK],
        give_aways=report.give_aways,
        card=report.card,
    )


def task_warnings(tasks: dict[str, TaskReport]) -> list[str]:
    """Return the warnings on the rows of tasks, a sentence each."""
    return [f"{name}: {warning}" for name, report in tasks.items() for warning in report.warnings]


def average_cell(benchmark: Benchmark, column: str) -> TableCell:
    """Return the mean over the tasks of a column that has it."""
    text = markdown.with_interval(benchmark.averages[column], benchmark.average_intervals.get(column))
    score, _, interval = text.partition(" ± ")
    return TableCell(score, interval, best=False)


@dataclass(frozen=True)
class SpreadRow:
    """The spread of the fine-tunings of one task, by column."""

    task: str
    cells: dict[str, str]
    """By column the standard deviation over seeds, and that over pre-trainings where there are several."""


def spread_rows(benchmark: Benchmark) -> list[SpreadRow]:
    """Return a row for each task with a column of several fine-tunings."""
    rows = []
    for task, by_column in markdown.rows_by_task(benchmark).items():
        cells = {name: _spread(row) for name, row in by_column.items() if len(row.scores) > 1}
        rows += [SpreadRow(task, cells)] if cells else []
    return rows


def _spread(row: BenchmarkRow) -> str:
    starts: dict[int, list[float]] = {}
    for start, score in zip(row.pretrain_seeds, row.scores, strict=False):
        starts.setdefault(start, []).append(100 * score)
    groups = list(starts.values()) or [[100 * score for score in row.scores]]
    within = [statistics.variance(own) for own in groups if len(own) > 1]
    texts = [f"{statistics.fmean(within) ** 0.5:.1f}"] if within else []
    if len(groups) > 1:
        texts.append(f"{statistics.stdev(statistics.fmean(own) for own in groups):.1f} between pre-trainings")
    return "; ".join(texts)


@dataclass(frozen=True)
class LanguageTestRow:
    """The figures of a model on a language test."""

    test: str
    model: str
    protocol: str
    figures: list[tuple[str, str]]
    """(name, value)."""


def language_rows(tests: dict[str, dict[str, LanguageTestScore]]) -> list[LanguageTestRow]:
    """Return one row for each language test and model."""
    return [
        LanguageTestRow(
            name,
            model,
            score.protocol,
            [
                (key.replace("_", " "), f"{value:,.4g}" if isinstance(value, float) else f"{value:,}")
                for key, value in numbers_of(score.as_json()).items()
            ],
        )
        for name, by_model in tests.items()
        for model, score in by_model.items()
    ]


def numbers_of(values: Mapping[str, Any]) -> dict[str, int | float]:
    """Return those of some values that are numbers."""
    return {key: value for key, value in values.items() if isinstance(value, int | float)}


@dataclass(frozen=True)
class CostRow:
    """A row of the table of costs: a stage, or all cells of a matrix stage together."""

    stage: str
    cells: int
    seconds: float
    peak_memory_bytes: int
    tokens_per_second: float | None
    mfu: float | None
    device: str


def cost_rows(cost: dict[str, CostEntry], settings: Settings) -> list[CostRow]:
    """Return what each stage took, summed over the tasks of these settings; the last row is the sum."""
    cells = {
        f"finetune@{task}-{variant}": f"finetune, {variant}" for variant in settings.variants for task in settings.tasks
    }
    cells |= {f"{stage}@{task}": stage for stage in ("tasks", "baselines") for task in settings.tasks}
    for system in settings.systems:
        several = f", {system}" * (len(settings.systems) > 1)
        cells |= {f"frozen@{task}-{system}": f"frozen{several}" for task in settings.tasks}
        cells |= {f"{stage}@{system}": f"{stage}{several}" for stage in OF_A_SYSTEM}
    groups: dict[str, list[CostEntry]] = {}
    for name, entry in cost.items():
        if "@" not in name or name in cells:
            groups.setdefault(cells.get(name, name), []).append(entry)
    rows = sorted((_summed(name, entries) for name, entries in groups.items()), key=lambda row: -row.seconds)
    return [*rows, _total(rows)] if rows else []


def _summed(stage: str, entries: list[CostEntry]) -> CostRow:
    rates = [entry.tokens_per_second for entry in entries if entry.tokens_per_second]
    return CostRow(
        stage=stage,
        cells=len(entries),
        seconds=sum(entry.seconds for entry in entries),
        peak_memory_bytes=max(entry.peak_memory_bytes for entry in entries),
        tokens_per_second=sum(rates) / len(rates) if rates else None,
        mfu=entries[0].mfu if len(entries) == 1 else None,
        device=", ".join(sorted({entry.device for entry in entries if entry.device})),
    )


def _total(rows: list[CostRow]) -> CostRow:
    return CostRow(
        stage="together",
        cells=sum(row.cells for row in rows),
        seconds=sum(row.seconds for row in rows),
        peak_memory_bytes=max(row.peak_memory_bytes for row in rows),
        tokens_per_second=None,
        mfu=None,
        device=", ".join(sorted({row.device for row in rows if row.device})),
    )
