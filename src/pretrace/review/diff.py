"""The differences between two commits as one Markdown comment. All text from data is escaped."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

from pretrace.common.errors import PretraceError
from pretrace.report import markdown
from pretrace.report.benchmark import heading
from pretrace.report.statistics.comparisons import CONFIDENCE, Difference
from pretrace.review.costs import machines, quantities
from pretrace.review.curves import plot_curves
from pretrace.review.git_tree import Tree, no_revision, tree_at
from pretrace.review.parameters import parameter_changes
from pretrace.review.score_changes import (
    ADDED,
    BENCHMARK,
    HIGHER,
    LOST,
    LOWER,
    OTHER,
    REMOVED,
    SAME,
    WITHIN,
    Change,
    mean_changes,
    score_changes,
    scores_of,
)
from pretrace.schemas.benchmark import BenchmarkRow

T = TypeVar("T")

MOST_LINES = 100
"""Lines of a table; a comment on GitHub has room for 65,536 characters."""
ORDER = (LOWER, LOST, HIGHER, WITHIN, SAME, OTHER, ADDED, REMOVED)
NOISE = (
    f"Scores are test scores times 100, the mean over seeds. Noise: half the width of the {CONFIDENCE:.0%} interval of "
    "the difference, from the spread over seeds and the sampling error of the test rows, of both sides."
)


def diff_as_markdown(revision: str, folder: Path, root: Path = Path(), link: str | None = None) -> str:
    """Return how the working tree differs from `revision` as Markdown; images go to `folder`.

    Args:
        link: the URL at which the images will be, instead of showing them.

    Raises:
        PretraceError: there are no scores here, or a file here has another form.
    """
    after = Tree("here", None, root)
    benchmark = after.json(BENCHMARK)
    if benchmark is None:
        raise PretraceError(f"{BENCHMARK}: no such file; run the stage that writes it (`dvc repro`)")
    before, old, why_not, _ = baseline(revision, root)
    changes = score_changes(old, benchmark)
    where = f"`{before.commit[:8]}` ({escape(revision)})" if before and before.commit else escape(revision)
    parts = [f"## Difference from {where}"]
    parts += [f"No baseline: {escape(why_not)}. The scores as they are:"] if why_not else [_summary(changes)]
    parts += [_scores(changes), f"<sub>{NOISE}</sub>"]
    if before is not None:
        parts += ["### Parameters", _parameters(before, after)]
    parts += ["### Speed and size", _costs(before, after)]
    parts += ["### Learning curves", _curves(before, after, folder, link)]
    return "\n\n".join(parts) + "\n"


class Baseline(NamedTuple):
    """The other side of a comparison."""

    tree: Tree | None
    benchmark: Any
    """JSON of its table."""
    why_not: str
    """Why there is nothing to compare with, or ""."""
    is_first: bool
    """True if it has no table yet, so that nothing is amiss."""


def baseline(revision: str, root: Path) -> Baseline:
    """Return the files of a revision and the JSON of its benchmark, as far as they are there."""
    tree = tree_at(revision, root)
    if tree is None:
        return Baseline(None, None, no_revision(revision, root), False)
    try:
        benchmark = tree.json(BENCHMARK)
        score_changes(benchmark, {"rows": []})
    except PretraceError as error:
        return Baseline(tree, None, f"the table of {revision}: {error}", False)
    why_not = "" if benchmark is not None else f"{revision} has no {BENCHMARK}"
    return Baseline(tree, benchmark, why_not, benchmark is None)


def escape(text: str | None) -> str:
    """Escape text as in the table of the report."""
    return markdown.escape(text or "")


def _summary(changes: list[Change]) -> str:
    counts = Counter(change.verdict for change in changes)
    parts = [f"{counts[verdict]} {verdict}" for verdict in ORDER if counts[verdict]]
    return f"**Scores: {', '.join(parts) or 'none'}.**"


def _scores(changes: list[Change]) -> str:
    head = ["task", "column", "metric", "before", "after", "difference ± noise", ""]
    rows = []
    for change in changes:
        name = escape(heading(change.column))
        cells = [escape(change.task), name, _metric(change.before, change.after)]
        cells += [_score(change.before), _score(change.after), _signed(change.difference), _bold(change.verdict)]
        rows.append(cells)
    for column, (tasks, difference) in mean_changes(changes).items():
        verdict = (HIGHER if difference.value > 0 else LOWER) if difference.beyond else ""
        name = escape(heading(column))
        rows.append([f"mean of {tasks}", name, "", "", "", _signed(difference), _bold(verdict)])
    return _table(head, rows, ":--- :--- :--- ---: ---: ---: :---")


def _metric(before: BenchmarkRow | None, after: BenchmarkRow | None) -> str:
    """Return the metric, or both where they differ, and the numbers of test rows where they differ."""
    sides = [row for row in (before, after) if row is not None]
    metrics = list(dict.fromkeys(row.metric for row in sides))
    rows = list(dict.fromkeys(str(row.n_eval) for row in sides))
    return escape(" → ".join(metrics) + (f", {' → '.join(rows)} rows" if len(rows) > 1 else ""))


def _score(row: BenchmarkRow | None) -> str:
    if row is None:
        return ""
    scores = [100 * score for score in scores_of(row)]
    if not scores:
        return "n/a"
    return f"{statistics.fmean(scores):.1f}" + (f" ± {statistics.stdev(scores):.1f}" if len(scores) > 1 else "")


def _signed(difference: Difference | None) -> str:
    return "" if difference is None else f"{100 * difference.value:+.1f} ± {100 * difference.noise:.1f}"


def _bold(verdict: str) -> str:
    return f"**{verdict}**" if verdict in (LOWER, HIGHER, LOST) else verdict


def _parameters(before: Tree, after: Tree) -> str:
    try:
        changed = parameter_changes(before, after)
    except PretraceError as error:
        return f"Not compared: {escape(str(error))}"
    if not changed:
        return "None changed."
    rows = [[escape(one.key), escape(one.before), escape(one.after)] for one in changed]
    return _table(["parameter", "before", "after"], rows, ":--- :--- :---")


def _costs(before: Tree | None, after: Tree) -> str:
    compared = _or_none(before, lambda tree: quantities(tree, after))
    rows = [[one.name, *one.texts()] for one in compared or quantities(None, after)]
    known = [_or_none(before, machines) or [], machines(after)]
    same = "the same machine" if known[0] == known[1] else f"{' and '.join(known[0])} before, {' and '.join(known[1])}"
    note = f"One measurement on each side, of unknown noise; {escape(same)}." if all(known) else ""
    return _table(["", "before", "after", "change"], rows, ":--- ---: ---: ---:") + (
        f"\n\n<sub>{note}</sub>" * bool(note)
    )


def _curves(before: Tree | None, after: Tree, folder: Path, link: str | None) -> str:
    """Images, and a sentence where both curves are the same, which an image cannot show."""
    plotted = _or_none(before, lambda tree: plot_curves(tree, after, folder))
    plotted = plot_curves(None, after, folder) if plotted is None else plotted
    lines = []
    for path, same in plotted.items():
        shown = f"[{escape(path.name)}]({link})" if link else f"![{escape(path.name)}]({quote(path.as_posix())})"
        lines.append(f"{shown}: both curves are the same." if same else shown)
    return "\n\n".join(lines) or "None."


def _or_none(before: Tree | None, read: Callable[[Tree], T]) -> T | None:
    """Return what is read of the base; None where it is missing or has another form, which is no reason to fail."""
    try:
        return None if before is None else read(before)
    except PretraceError:
        return None


def _table(head: list[str], rows: Iterable[list[str]], marks: str) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"| and {len(lines) - MOST_LINES} more |{' |' * (len(head) - 1)}"]
    return "\n".join([f"| {' | '.join(head)} |", f"| {' | '.join(marks.split())} |", *lines])
