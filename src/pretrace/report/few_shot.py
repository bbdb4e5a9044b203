"""Tasks as prompts beside the columns of the table on the same test rows, from `reports/fewshot/`.

Beside them stand their scores on clean rows, and every score of written answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pretrace.report.benchmark import heading
from pretrace.schemas.few_shot import FewShotReport, FewShotTask, OtherScore, RowsInTraining, ShotScore
from pretrace.schemas.record import read_optional_record
from pretrace.settings import Settings

SHOTS = ("zero-shot", "one-shot", "few-shot")
CONFIDENCE = 1.96
"""Standard errors in half an interval of 95 %."""


@dataclass(frozen=True)
class FewShotRow:
    """A task of one system, as the page shows it."""

    task: str
    system: str
    metric: str
    rows: int
    chance: str
    cells: list[str]
    """Zero-, one- and few-shot, and then the columns of the table."""


@dataclass(frozen=True)
class CleanRow:
    """A task of one system whose test rows were looked for in the training text."""

    task: str
    system: str
    seen: RowsInTraining
    cells: list[str]
    """Zero-, one- and few-shot: the score on the rows that were not found, and its difference from that on all."""


@dataclass(frozen=True)
class WrittenRow:
    """Scores of answers that were written with one number of examples."""

    task: str
    system: str
    shots: int
    cells: list[str]
    """By the metrics of the table; empty where the task has another one."""


@dataclass(frozen=True)
class FewShotTable:
    """Tasks of all systems that `pretrace fewshot` has scored."""

    columns: list[str]
    """Headings of the cells."""
    rows: list[FewShotRow]
    clean: list[CleanRow]
    """Tasks of which at least one row was found."""
    none_found: list[str]
    """Tasks of which none was."""
    metrics: list[str]
    """Of all written answers."""
    written: list[WrittenRow]
    signatures: list[str]
    """Libraries that computed these scores, with their settings."""


def read_few_shot(settings: Settings, folder: Path) -> dict[str, FewShotReport]:
    """Return the reports of `pretrace fewshot` on the experiment's systems, with its tasks alone; those there are.

    Raises:
        PretraceError: a file has another form.
    """
    reports = {}
    for system in settings.systems:
        if report := read_optional_record(folder / "fewshot" / f"{system}.json", FewShotReport):
            ours = {*settings.tasks, *settings.sequences}
            tasks = {name: task for name, task in report.tasks.items() if name in ours}
            reports[system] = report.model_copy(update={"tasks": tasks})
    return {system: report for system, report in reports.items() if report.tasks}


def few_shot_table(reports: dict[str, FewShotReport]) -> FewShotTable | None:
    """Return the table; None without reports."""
    if not reports:
        return None
    scored = [(name, system, task) for system, report in reports.items() for name, task in report.tasks.items()]
    names = list(dict.fromkeys(name for _, _, task in scored for name in task.beside))
    rows = [
        FewShotRow(
            task=name,
            system=system,
            metric=task.metric,
            rows=task.n,
            chance=f"{100 * task.chance:.1f}",
            cells=[*_by_shots(task), *(_text(task.beside.get(column)) for column in names)],
        )
        for name, system, task in scored
    ]
    metrics = list(dict.fromkeys(name for _, _, task in scored for row in task.shots for name in row.metrics))
    found = {name for name, _, task in scored if task.contamination and task.contamination.found}
    looked_for = dict.fromkeys(name for name, _, task in scored if task.contamination)
    return FewShotTable(
        columns=[*SHOTS, *map(heading, names)],
        rows=rows,
        clean=[
            CleanRow(name, system, task.contamination, _clean_by_shots(task))
            for name, system, task in scored
            if task.contamination and task.contamination.found
        ],
        none_found=[name for name in looked_for if name not in found],
        metrics=metrics,
        written=[
            WrittenRow(name, system, row.shots, [_share(row.metrics.get(metric)) for metric in metrics])
            for name, system, task in scored
            for row in task.shots
            if row.metrics
        ],
        signatures=list(
            dict.fromkeys(f"{name}: {text}" for _, _, task in scored for name, text in task.signatures.items())
        ),
    )


def _shown(task: FewShotTask) -> tuple[ShotScore | None, ShotScore | None, ShotScore | None]:
    """Return the scores with no example, with one, and with the number that is best on dev."""
    scores = {row.shots: row for row in task.shots}
    return scores.get(0), scores.get(1), scores.get(task.chosen) if task.chosen is not None else None


def _by_shots(task: FewShotTask) -> list[str]:
    zero, one, few = _shown(task)
    return [_text(zero), _text(one), f"K = {few.shots}: {_text(few)}" if few else ""]


def _clean_by_shots(task: FewShotTask) -> list[str]:
    zero, one, few = _shown(task)
    return [_clean(zero), _clean(one), f"K = {few.shots}: {_clean(few)}" if few else ""]


def _clean(row: ShotScore | None) -> str:
    if row is None:
        return ""
    if row.clean_score is None:
        return "n/a"
    return f"{100 * row.clean_score:.1f} ({100 * (row.clean_score - row.score):+.1f})"


def _share(score: float | None) -> str:
    return "" if score is None else f"{100 * score:.1f}"


def _text(score: ShotScore | OtherScore | None) -> str:
    return "" if score is None else f"{100 * score.score:.1f} ± {100 * CONFIDENCE * score.stderr:.1f}"
