"""Tasks as prompts beside the columns of the table on the same test rows, from `reports/fewshot/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pretrace.report.benchmark import heading
from pretrace.schemas.few_shot import FewShotReport, FewShotTask, OtherScore, ShotScore
from pretrace.schemas.record import read_optional_record
from pretrace.settings import Settings

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
class FewShotTable:
    """Tasks of all systems that `pretrace fewshot` has scored."""

    columns: list[str]
    """Headings of the cells."""
    rows: list[FewShotRow]


def read_few_shot(settings: Settings, folder: Path) -> dict[str, FewShotReport]:
    """Return the reports of `pretrace fewshot` on the experiment's systems, with its tasks alone; those there are.

    Raises:
        PretraceError: a file has another form.
    """
    reports = {}
    for system in settings.systems:
        if report := read_optional_record(folder / "fewshot" / f"{system}.json", FewShotReport):
            tasks = {name: task for name, task in report.tasks.items() if name in settings.tasks}
            reports[system] = report.model_copy(update={"tasks": tasks})
    return {system: report for system, report in reports.items() if report.tasks}


def few_shot_table(reports: dict[str, FewShotReport]) -> FewShotTable | None:
    """Return the table; None without reports."""
    if not reports:
        return None
    names = list(dict.fromkeys(name for report in reports.values() for t in report.tasks.values() for name in t.beside))
    rows = [
        FewShotRow(
            task=name,
            system=system,
            metric=task.metric,
            rows=task.n,
            chance=f"{100 * task.chance:.1f}",
            cells=[*_by_shots(task), *(_text(task.beside.get(column)) for column in names)],
        )
        for system, report in reports.items()
        for name, task in report.tasks.items()
    ]
    return FewShotTable(["zero-shot", "one-shot", "few-shot", *map(heading, names)], rows)


def _by_shots(task: FewShotTask) -> list[str]:
    scores = {row.shots: row for row in task.shots}
    few = scores.get(task.chosen) if task.chosen is not None else None
    return [_text(scores.get(0)), _text(scores.get(1)), f"K = {few.shots}: {_text(few)}" if few else ""]


def _text(score: ShotScore | OtherScore | None) -> str:
    return "" if score is None else f"{100 * score.score:.1f} ± {100 * CONFIDENCE * score.stderr:.1f}"
