"""Tasks from text to text: the scores of what learners wrote, from `reports/sequences/`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pretrace.report.markdown import with_interval
from pretrace.schemas.benchmark import Benchmark
from pretrace.schemas.record import read_optional_record
from pretrace.schemas.sequences.learned import LearnReport
from pretrace.schemas.sequences.rows import SequenceExample, SequenceTaskReport
from pretrace.settings import Settings

ROWS = "rows.json"
READING = (
    "Scores of the texts that were written for the test rows, times 100: the mean over seeds ± half the width of its "
    "95 % interval, for the draw of the rows (by resampling them for BLEU and chrF) and of the seeds."
)


@dataclass(frozen=True)
class SequenceLine:
    """A cell of the table of sequences, as the page shows it."""

    task: str
    learner: str
    system: str
    start: str
    """Weights that training began with."""
    scores: list[str]
    """By the metrics of the table."""
    greedy: str
    """The task's main metric without a search."""
    report: LearnReport


@dataclass(frozen=True)
class SequenceTable:
    """Learners on all tasks from text to text."""

    metrics: list[str]
    lines: list[SequenceLine]
    signatures: list[str]
    """Libraries that computed the scores."""
    examples: dict[str, list[SequenceExample]]
    """Test rows by task."""
    warnings: list[str]
    reading: str = READING


def sequence_table(settings: Settings, benchmark: Benchmark, folder: Path) -> SequenceTable | None:
    """Return the table of the page; None without learners."""
    if not benchmark.sequences:
        return None
    metrics = list(dict.fromkeys(name for report in benchmark.sequences for name in report.metrics))
    tasks = read_optional_record(folder / "sequences" / ROWS, dict[str, SequenceTaskReport]) or {}
    shown = {name: report for name, report in tasks.items() if name in settings.sequences}
    signatures = {
        f"{name}: {one.signature}": None
        for report in benchmark.sequences
        for name, one in report.metrics.items()
        if one.signature
    }
    return SequenceTable(
        metrics=metrics,
        lines=[_line(report, metrics) for report in benchmark.sequences],
        signatures=list(signatures),
        examples={name: report.examples for name, report in shown.items()},
        warnings=[f"{name}: {warning}" for name, report in shown.items() for warning in report.warnings],
    )


def _line(report: LearnReport, metrics: list[str]) -> SequenceLine:
    def shown(name: str) -> str:
        one = report.metrics.get(name)
        return with_interval(one.score, one.interval) if one else "n/a"

    greedy = with_interval(report.greedy.score, report.greedy.interval) if report.greedy else "n/a"
    start = "pre-trained" if report.pretrained else "random"
    return SequenceLine(
        report.task, report.learner, report.system, start, [shown(name) for name in metrics], greedy, report
    )


def sequences_markdown(table: SequenceTable | None) -> str:
    """Return the table as Markdown, with how to read it; nothing without one."""
    if table is None:
        return ""
    head = ["task", "learner", "start", *table.metrics, "greedy", "rows", "parameters"]
    lines = [f"| {' | '.join(head)} |", f"| {' | '.join(['---'] * 3 + ['---:'] * (len(head) - 3))} |"]
    for line in table.lines:
        sizes = [f"{line.report.n_train:,}", f"{line.report.parameters:,}"]
        lines.append(f"| {' | '.join([line.task, line.learner, line.start, *line.scores, line.greedy, *sizes])} |")
    notes = [table.reading, *table.signatures, *table.warnings]
    return "\n".join(["", "## Text to text", "", *lines, "", "\n\n".join(notes), ""])
