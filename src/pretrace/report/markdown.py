"""The table as Markdown, the sentences under it, and the README's copy of both."""

from __future__ import annotations

import re
import statistics
from pathlib import Path

from pretrace.common.errors import PretraceError, printable
from pretrace.common.files import write_text
from pretrace.report.benchmark import BASELINES, REFERENCE
from pretrace.report.comparisons import CONFIDENCE
from pretrace.schemas.benchmark import Benchmark, BenchmarkRow, Comparison, OverallComparison
from pretrace.settings import ZERO_SHOT, ZERO_SHOT_PMI
from pretrace.tasks.kinds import KINDS

BEGIN = "<!-- benchmark: written by `make repro`, changes here are lost -->"
END = "<!-- /benchmark -->"


def columns_of(benchmark: Benchmark) -> list[str]:
    """Return variants and baselines, in the table's order."""
    columns = list(dict.fromkeys(row.variant for row in benchmark.rows))
    return [name for name in columns if name not in BASELINES] + [name for name in BASELINES if name in columns]


def rows_by_task(benchmark: Benchmark) -> dict[str, dict[str, BenchmarkRow]]:
    """Return {task: {variant: row}}, in the table's order."""
    tasks: dict[str, dict[str, BenchmarkRow]] = {}
    for row in benchmark.rows:
        tasks.setdefault(row.task, {})[row.variant] = row
    return tasks


def score_text(row: BenchmarkRow | None) -> str:
    """Return a score such as "48.7 ± 0.8": the median and the standard deviation over seeds, times 100."""
    if row is None or row.score is None:
        return "n/a"
    spread = f" ± {100 * statistics.stdev(row.scores):.1f}" if len(row.scores) > 1 else ""
    return f"{100 * row.score:.1f}{spread}"


def findings(benchmark: Benchmark) -> list[str]:
    """Return what the table says in sentences: where each comparison of `full` is decided, and where it is not."""
    sentences = []
    for name in columns_of(benchmark):
        pairs = [pair for pair in benchmark.comparisons if pair.against == name]
        better = [_difference(pair) for pair in pairs if pair.beyond and pair.difference > 0]
        worse = [_difference(pair) for pair in pairs if pair.beyond and pair.difference < 0]
        open_ = [_difference(pair) for pair in pairs if not pair.beyond]
        parts = [
            f"above it beyond the noise on {', '.join(better)}" if better else "",
            f"below it on {', '.join(worse)}" if worse else "",
            f"within the noise on {', '.join(open_)}" if open_ else "",
        ]
        if pairs:
            heading = BASELINES.get(name, name)
            sentence = f"{REFERENCE} against {heading}: {'; '.join(part for part in parts if part)}"
            sentences.append(f"{sentence}{_on_the_mean(benchmark, name)}.")
    return sentences


def reading(benchmark: Benchmark) -> str:
    """Return how to read the scores."""
    some = _without_fine_tuning(benchmark)
    return (
        f"Scores on test rows, times 100: the median over {len(benchmark.seeds)} seeds ± their standard deviation. "
        f"Bold: beyond the noise above every other column; a row without bold has no winner.{some}"
    )


def _without_fine_tuning(benchmark: Benchmark) -> str:
    """Return on which rows the zero-shot columns are, and that a threshold saw labels; empty without such columns."""
    rows = [row for row in benchmark.rows if row.variant in (ZERO_SHOT, ZERO_SHOT_PMI)]
    all_rows = {row.task: row.n_eval for row in reversed(benchmark.rows)}
    some = [row.n_eval for row in rows if row.n_eval < all_rows[row.task]]
    limited = f" {BASELINES[ZERO_SHOT]}: on at most {max(some):,} of the rows." if some else ""
    labeled = dict.fromkeys(row.task for row in rows if row.extra_variance)
    if not labeled:
        return limited
    return (
        f"{limited} Zero-shot on {', '.join(labeled)} has a threshold chosen with the labels of the dev rows, whose "
        "sampling error is in its interval."
    )


def rule() -> str:
    """Return how to read the differences."""
    return (
        "differences of the means over seeds, with half the width of their "
        f"{CONFIDENCE:.0%} interval, from the spread over seeds and the test rows' sampling error, in pairs."
    )


def benchmark_markdown(benchmark: Benchmark) -> str:
    """Return the table and the sentences under it."""
    columns = columns_of(benchmark)
    head = ["task", "format", "metric", "n test", *(BASELINES.get(name, name) for name in columns)]
    lines = [_line(head), _line(["---", "---", "---", *["---:"] * (len(columns) + 1)])]
    reasons = []
    for task, rows in rows_by_task(benchmark).items():
        any_row, best = next(iter(rows.values())), benchmark.winners[task]
        cells = [f"**{score_text(rows[n])}**" if n == best else score_text(rows.get(n)) for n in columns]
        facts = [task, KINDS[any_row.kind].format, any_row.metric, f"{any_row.n_eval:,}"]
        lines.append(_line([*facts, *cells]))
        missing = next((row.unavailable for row in rows.values() if row.unavailable), None)
        reasons += [f"- {task} could not be made: {escape(missing)}"] if missing else []
    averages = benchmark.averages
    if len(rows_by_task(benchmark)) > 1:
        means = [f"{100 * averages[name]:.1f}" if name in averages else "" for name in columns]
        lines.append(_line(["mean", "", "", "", *means]))
    notes = [f"- {sentence}" for sentence in findings(benchmark)]
    return "\n".join([*lines, "", reading(benchmark), "", f"In brackets: {rule()}", "", *notes, *reasons]) + "\n"


def escape(text: str) -> str:
    """Return text from data as Markdown that cannot end a cell, open a tag or become markup."""
    return re.sub(r"([\\`*_\[\]<>|&#~$])", r"\\\1", printable(" ".join(str(text).split()))).replace("\\<", "&lt;")


def update_readme(readme: Path, markdown: str) -> None:
    """Put the table between the README's two marks; everything else stays as it is.

    Raises:
        PretraceError: the marks are missing, or more than one pair is there.
    """
    text = readme.read_text(encoding="utf-8")
    if text.count(BEGIN) != 1 or text.count(END) != 1 or text.index(BEGIN) > text.index(END):
        raise PretraceError(f"{readme}: needs one line `{BEGIN}` and after it one line `{END}`; put them back")
    before, after = text[: text.index(BEGIN)], text[text.index(END) :]
    new = f"{before}{BEGIN}\n\n{markdown.strip()}\n\n{after}"
    if new != text:
        write_text(readme, new)


def _difference(pair: Comparison) -> str:
    return f"{pair.task} ({_signed(pair)})"


def _on_the_mean(benchmark: Benchmark, against: str) -> str:
    """Return the difference on the mean over the tasks, where there are several."""
    for pair in benchmark.overall:
        if pair.against == against and pair.tasks > 1:
            verdict = "" if pair.beyond else ", within the noise"
            return f"; on the mean over {pair.tasks} tasks {_signed(pair)}{verdict}"
    return ""


def _signed(pair: Comparison | OverallComparison) -> str:
    return f"{100 * pair.difference:+.1f} ± {100 * pair.noise:.1f}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
