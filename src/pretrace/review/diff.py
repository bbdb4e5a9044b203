"""The difference of two commits as one Markdown comment. All that comes from data is escaped."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from pretrace.common.errors import PretraceError
from pretrace.report import markdown
from pretrace.report.benchmark import BASELINES
from pretrace.report.comparisons import CONFIDENCE, Difference
from pretrace.review.costs import machines, quantities
from pretrace.review.curves import draw_curves
from pretrace.review.git_tree import Tree, tree_at
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
    on_the_mean,
    score_changes,
    seeds_of,
)

T = TypeVar("T")

MOST_LINES = 100
"""Of a table; a comment on GitHub takes 65,536 characters."""
ORDER = (LOWER, LOST, HIGHER, WITHIN, SAME, OTHER, ADDED, REMOVED)
NOISE = (
    f"Scores are test scores times 100, the mean over seeds. Noise: half the width of the {CONFIDENCE:.0%} interval of "
    "the difference, from the spread over seeds and the sampling error of the test rows, of both sides."
)


def comment(revision: str, folder: Path, root: Path = Path(), link: str | None = None) -> str:
    """What the working files differ in from `revision`, as Markdown; images go to `folder`.

    Args:
        link: where the images will be seen, in the place of showing them.

    Raises:
        PretraceError: there are no scores here, or a file here is not whole.
    """
    after = Tree("here", None, root)
    benchmark = after.json(BENCHMARK)
    if benchmark is None:
        raise PretraceError(f"{BENCHMARK}: no such file; run the stage that writes it (`dvc repro`)")
    before, old, why_not = baseline(revision, root)
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


def baseline(revision: str, root: Path) -> tuple[Tree | None, dict | None, str]:
    """The files of a revision, its benchmark, and why there is nothing to compare with, or ""."""
    tree = tree_at(revision, root)
    if tree is None:
        return None, None, f"no revision {revision} here; fetch it (git fetch), or say BASE=..."
    try:
        found = tree.json(BENCHMARK)
        score_changes(found, {"rows": []})
    except PretraceError as error:
        return tree, None, str(error)
    return tree, found, "" if found is not None else f"{revision} has no {BENCHMARK}"


def escape(text: str | None) -> str:
    """As in the table of the report; and nobody is notified of a comment because data have an @ in them."""
    return markdown.escape(text or "").replace("@", "@<!-- -->")


def _summary(changes: list[Change]) -> str:
    counts = Counter(change.verdict for change in changes)
    said = [f"{counts[verdict]} {verdict}" for verdict in ORDER if counts[verdict]]
    return f"**Scores: {', '.join(said) or 'none'}.**"


def _scores(changes: list[Change]) -> str:
    head = ["task", "column", "metric", "before", "after", "difference ± noise", ""]
    rows = []
    for change in changes:
        name = escape(BASELINES.get(change.column, change.column))
        found = [escape(change.task), name, _metric(change.before, change.after)]
        found += [_score(change.before), _score(change.after), _signed(change.difference), _bold(change.verdict)]
        rows.append(found)
    for column, (tasks, difference) in on_the_mean(changes).items():
        verdict = (HIGHER if difference.value > 0 else LOWER) if difference.beyond else ""
        name = escape(BASELINES.get(column, column))
        rows.append([f"mean of {tasks}", name, "", "", "", _signed(difference), _bold(verdict)])
    return _table(head, rows, ":--- :--- :--- ---: ---: ---: :---")


def _metric(before: dict | None, after: dict | None) -> str:
    """The metric, and what makes two scores of it less alike: another one, or another number of test rows."""
    sides = [row for row in (before, after) if row is not None]
    metrics = list(dict.fromkeys(str(row.get("metric")) for row in sides))
    rows = list(dict.fromkeys(str(row.get("n_eval")) for row in sides))
    return escape(" → ".join(metrics) + (f", {' → '.join(rows)} rows" if len(rows) > 1 else ""))


def _score(row: dict | None) -> str:
    if row is None:
        return ""
    scores = [100 * score for score in seeds_of(row)]
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
    found = _or_none(before, lambda tree: quantities(tree, after))
    rows = [[one.name, *one.texts()] for one in found or quantities(None, after)]
    known = [_or_none(before, machines) or [], machines(after)]
    same = "the same machine" if known[0] == known[1] else f"{' and '.join(known[0])} before, {' and '.join(known[1])}"
    note = f"One measurement a side, so nothing is known of its noise; {escape(same)}." if all(known) else ""
    return _table(["", "before", "after", "change"], rows, ":--- ---: ---: ---:") + (
        f"\n\n<sub>{note}</sub>" * bool(note)
    )


def _curves(before: Tree | None, after: Tree, folder: Path, link: str | None) -> str:
    """Images, and what an image cannot say: that both curves are the same."""
    drawn = _or_none(before, lambda tree: draw_curves(tree, after, folder))
    drawn = draw_curves(None, after, folder) if drawn is None else drawn
    lines = []
    for path, same in drawn.items():
        shown = f"[{escape(path.name)}]({link})" if link else f"![{escape(path.name)}]({quote(path.as_posix())})"
        lines.append(f"{shown}: both curves are the same." if same else shown)
    return "\n\n".join(lines) or "None."


def _or_none(before: Tree | None, read: Callable[[Tree], T]) -> T | None:
    """What is read of the base; None where it has none, or nothing whole: the base is no reason to fail."""
    try:
        return None if before is None else read(before)
    except PretraceError:
        return None


def _table(head: list[str], rows: Iterable[list[str]], marks: str) -> str:
    lines = [f"| {' | '.join(row)} |" for row in rows]
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], f"| and {len(lines) - MOST_LINES} more |{' |' * (len(head) - 1)}"]
    return "\n".join([f"| {' | '.join(head)} |", f"| {' | '.join(marks.split())} |", *lines])
