"""Reasons to stop a change: dvc.lock and the code disagree, rows have changed, or a score fell beyond its noise."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from pretrace.common.errors import PretraceError
from pretrace.review.diff import baseline
from pretrace.review.falls import falls
from pretrace.review.git_tree import Tree
from pretrace.review.lockfile import disagreements
from pretrace.review.score_changes import BENCHMARK, LOST, OTHER, REMOVED, Change, score_changes
from pretrace.tasks.raw_files import absent_files, changed_files, read_task_reports, rows_changed


class Findings(NamedTuple):
    """Results of the gate; one line each."""

    reasons: list[str]
    """To stop; none if all is well."""
    notes: list[str]
    """For a person."""
    not_compared: str
    """Why scores could not be compared, or ""; not that of the first run, which has nothing to compare with."""


def gate_reasons(revision: str, root: Path = Path()) -> Findings:
    """Return the reasons to stop, notes, and why scores could not be compared.

    A score that is removed, or measured by another metric, is a note and no reason. The first run, where the revision
    has no table yet, passes if the lock file agrees.
    """
    try:
        reasons = disagreements(root)
    except PretraceError as error:
        reasons = [str(error)]
    benchmark = Tree("here", None, root).json(BENCHMARK)
    if benchmark is None:
        return Findings([*reasons, f"{BENCHMARK}: no such file; run `dvc repro` and commit reports"], [], "")
    before, old, why_not, is_first = baseline(revision, root)
    changes = score_changes(old, benchmark)
    fallen, notes = falls(changes, before, Tree("here", None, root))
    lost = [_lost(change, revision) for change in changes if change.verdict == LOST]
    fallen = lost + fallen
    notes += [f"{c.task}/{c.column}: {c.verdict}, not compared" for c in changes if c.verdict in (REMOVED, OTHER)]
    compared = sum(change.difference is not None for change in changes)
    if is_first:
        notes.append(f"scores are not compared: {why_not}")
    elif not why_not:
        notes.append(f"{compared} scores compared with {revision}")
    changed, absent = _rows(root)
    return Findings(reasons + changed + fallen, notes + absent, "" if is_first else why_not)


def _rows(root: Path) -> tuple[list[str], list[str]]:
    """Return a reason for each task whose files have changed since its rows were read, and a note on absent files."""
    tasks = Tree("here", None, root).yaml("params.yaml").get("tasks")
    reports = read_task_reports(tasks if isinstance(tasks, dict) else {}, root)
    changed = [rows_changed(name, files) for name, one in reports.items() if (files := changed_files(one, root))]
    absent = {name: files for name, one in reports.items() if (files := absent_files(one, root))}
    return changed, [f"task {name}: {', '.join(files)}: not here, not compared" for name, files in absent.items()]


def _lost(change: Change, revision: str) -> str:
    reason = (change.after and change.after.unavailable) or "no reason given"
    return f"{change.task}/{change.column}: has no score any more, {revision} has one ({' '.join(reason.split())})"
