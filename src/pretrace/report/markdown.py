"""The table as Markdown, the sentences under it, and the README's copy of both."""

from __future__ import annotations

import re
from pathlib import Path

from pretrace.common.errors import PretraceError, printable
from pretrace.common.files import write_text
from pretrace.report.benchmark import BASELINES, heading, is_baseline
from pretrace.report.statistics.comparisons import CONFIDENCE, LEVEL
from pretrace.report.statistics.verdicts import REFERENCE
from pretrace.schemas.benchmark import Benchmark, BenchmarkRow, ComparedMeans, Comparison, OverallComparison
from pretrace.settings import ZERO_SHOT, ZERO_SHOT_PMI, split_column
from pretrace.tasks.rows.kinds import KINDS

BEGIN = "<!-- benchmark: written by `make repro`, changes here are lost -->"
END = "<!-- /benchmark -->"
LINKED = re.compile(r"@|:(?=//)|\bwww(?=\.)|#(?=\d)|\bGH-(?=\d)", re.IGNORECASE)
"""Beginnings of what GitHub links without any markup."""
APART = "<!-- -->"
NO_VERDICT = "one seed: no verdict"


def columns_of(benchmark: Benchmark) -> list[str]:
    """Return variants and baselines, in the table's order."""
    columns = list(dict.fromkeys(row.variant for row in benchmark.rows))
    order = list(BASELINES)
    baselines = sorted(filter(is_baseline, columns), key=lambda name: order.index(split_column(name)[0]))
    return [name for name in columns if not is_baseline(name)] + baselines


def rows_by_task(benchmark: Benchmark) -> dict[str, dict[str, BenchmarkRow]]:
    """Return {task: {variant: row}}, in the table's order."""
    tasks: dict[str, dict[str, BenchmarkRow]] = {}
    for row in benchmark.rows:
        tasks.setdefault(row.task, {})[row.variant] = row
    return tasks


def score_text(row: BenchmarkRow | None) -> str:
    """Return a score such as "48.7 ± 2.8": the mean and half the width of its 95 % interval, times 100."""
    if row is None or row.mean is None:
        return "n/a"
    return with_interval(row.mean, row.interval)


def with_interval(value: float, half: float | None) -> str:
    """Return a share times 100, with half the width of its interval if it has one."""
    return f"{100 * value:.1f}" + (f" ± {100 * half:.1f}" if half else "")


def findings(benchmark: Benchmark) -> list[str]:
    """Return what the table says in sentences: the comparison named beforehand, then the others by column."""
    sentences = [_primary(pair) for pair in benchmark.overall if pair.primary and pair.tasks > 1]
    for name in columns_of(benchmark):
        pairs = [pair for pair in benchmark.comparisons if pair.against == name]
        if not pairs:
            continue
        above = [_difference(pair) for pair in pairs if pair.beyond and pair.difference > 0]
        below = [_difference(pair) for pair in pairs if pair.beyond and pair.difference < 0]
        open_ = [_difference(pair) for pair in pairs if pair.beyond is False]
        unsaid = [_difference(pair) for pair in pairs if pair.beyond is None]
        parts = [
            f"above on {', '.join(above)}" if above else "",
            f"below on {', '.join(below)}" if below else "",
            f"not told apart on {', '.join(open_)}" if open_ else "",
            f"{NO_VERDICT} on {', '.join(unsaid)}" if unsaid else "",
            *(f"on the mean over {one.tasks} tasks {_signed(one)}, {verdict(one)}" for one in _means(benchmark, name)),
        ]
        sentences.append(f"{REFERENCE} against {heading(name)}: {'; '.join(part for part in parts if part)}.")
    return sentences


def verdict(pair: ComparedMeans) -> str:
    """Return whether `full` is above or below, or why neither is said."""
    if pair.beyond is None:
        return NO_VERDICT
    return "not told apart" if not pair.beyond else "above" if pair.difference > 0 else "below"


def reading(benchmark: Benchmark) -> str:
    """Return how to read the table."""
    bold = "Bold: above every other column of its row, with Holm's correction over the rows."
    unsaid = any(pair.beyond is None for pair in benchmark.comparisons)
    verdicts = "One seed: no verdict, and no bold." if unsaid else bold
    return f"{intervals(benchmark)} {verdicts}{_without_fine_tuning(benchmark)}"


def intervals(benchmark: Benchmark) -> str:
    """Return what the scores are: what is in their intervals, and what is not."""
    seeds = f"{len(benchmark.seeds)} seeds" if len(benchmark.seeds) > 1 else "one seed"
    starts = pretrainings(benchmark)
    over = f"{seeds} of each of {starts} pre-trainings" if starts > 1 else seeds
    draws = " and of the pre-trainings" if starts > 1 else " and of the seeds" if len(benchmark.seeds) > 1 else " alone"
    what = (
        f"Test scores times 100: the mean over {over} ± half the width of its {CONFIDENCE:.0%} interval, for the draw "
        f"of the test documents{draws}."
    )
    one = " One pre-training: how much another would differ is not in these intervals."
    return what + (one if starts == 1 else "")


def _without_fine_tuning(benchmark: Benchmark) -> str:
    """Return on which rows the zero-shot columns are, and that a threshold saw labels; empty without such columns."""
    rows = [row for row in benchmark.rows if split_column(row.variant)[0] in (ZERO_SHOT, ZERO_SHOT_PMI)]
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


def pretrainings(benchmark: Benchmark) -> int:
    """Return the number of pre-trainings that the columns start from; one if they do not say."""
    return max((len(set(row.pretrain_seeds)) for row in benchmark.rows), default=1) or 1


def rule(benchmark: Benchmark) -> str:
    """Return how the differences are to be read."""
    alone = f"of the means, on the same rows, ± half the width of the {CONFIDENCE:.0%} interval of each alone"
    family = len(benchmark.comparisons) + sum(one.tasks > 1 for one in benchmark.overall)
    named = any(one.primary for one in benchmark.overall)
    if family - named < 2 or any(pair.beyond is None for pair in benchmark.comparisons):
        return f"Differences: {alone}."
    besides = " besides the one named beforehand" if named else ""
    return (
        f"Differences: {alone}. The {family - named}{besides} hold together at {LEVEL:.0%} (Holm's correction), so one "
        "may be not told apart though its interval excludes 0."
    )


def benchmark_markdown(benchmark: Benchmark) -> str:
    """Return the table and the sentences under it."""
    columns = columns_of(benchmark)
    head = ["task", "format", "metric", "n test", *map(heading, columns)]
    lines = [_line(head), _line(["---", "---", "---", *["---:"] * (len(columns) + 1)])]
    reasons = []
    for task, rows in rows_by_task(benchmark).items():
        any_row, best = next(iter(rows.values())), benchmark.winners[task]
        cells = [f"**{score_text(rows[n])}**" if n == best else score_text(rows.get(n)) for n in columns]
        facts = [task, KINDS[any_row.kind].format, any_row.metric, f"{any_row.n_eval:,}"]
        lines.append(_line([*facts, *cells]))
        missing = next((row.unavailable for row in rows.values() if row.unavailable), None)
        reasons += [f"- {task} could not be made: {escape(missing)}"] if missing else []
    averages, halves = benchmark.averages, benchmark.average_intervals
    if len(rows_by_task(benchmark)) > 1:
        means = [with_interval(averages[name], halves.get(name)) if name in averages else "" for name in columns]
        lines.append(_line(["mean", "", "", "", *means]))
    notes = [f"- {sentence}" for sentence in (*findings(benchmark), *map(escape, benchmark.notes))]
    return "\n".join([*lines, "", reading(benchmark), "", rule(benchmark), "", *notes, *reasons]) + "\n"


def escape(text: str) -> str:
    """Return text from data as Markdown that cannot end a cell, open a tag, become markup or a link, or notify anybody.

    GitHub makes links of bare URLs, addresses, mentions and numbers of issues after it has taken backslashes away; a
    comment, which is not shown, keeps their parts apart.
    """
    escaped = re.sub(r"([\\`*_\[\]<>|&#~$])", r"\\\1", printable(" ".join(str(text).split()))).replace("\\<", "&lt;")
    return LINKED.sub(rf"\g<0>{APART}", escaped)


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


def _primary(pair: OverallComparison) -> str:
    named = f"Named beforehand: {pair.variant} - {pair.against} on the mean over {pair.tasks} tasks"
    return f"**{named} is {_signed(pair)}: {verdict(pair)}.**"


def _means(benchmark: Benchmark, against: str) -> list[OverallComparison]:
    """Return the difference on the mean over several tasks, unless it is the primary comparison, which stands first."""
    return [one for one in benchmark.overall if one.against == against and one.tasks > 1 and not one.primary]


def _signed(pair: ComparedMeans) -> str:
    return f"{100 * pair.difference:+.1f} ± {100 * pair.noise:.1f}"


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
