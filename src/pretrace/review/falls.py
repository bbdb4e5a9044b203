"""Scores that have fallen beyond the noise: of cells and of columns' means over tasks, and which of them stop a change.

Cells are one family and means another, each with Holm's correction at 5 %: where nothing has fallen, one of 40 changes
is stopped by its cells and one by its means, as half of the false verdicts are rises. A fall stops the change unless
nothing that the score was made from has changed: then it was another processor or precision, which is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pretrace.report.statistics.comparisons import LEVEL, Difference, holm, mean_difference
from pretrace.report.statistics.estimates import Estimate, mean
from pretrace.review.columns import stage_of
from pretrace.review.git_tree import Tree
from pretrace.review.lockfile import cache_folder, first_system, locked_stages
from pretrace.review.paired_rows import paired_estimates
from pretrace.review.score_changes import SAME, Change
from pretrace.review.unchanged import is_unchanged, ran_on

SAME_KIND = "the machine is of the same kind, so run it again"


@dataclass(frozen=True)
class _Score:
    name: str
    stages: tuple[str, ...]
    difference: Difference
    paired: bool


def falls(changes: Sequence[Change], before: Tree | None, after: Tree) -> tuple[list[str], list[str]]:
    """Return a line for each fall that stops a change, and one for each that does not, with the reason."""
    changed = [one for one in changes if one.difference is not None and one.verdict != SAME]
    if before is None or not changed:
        return [], []
    locks = locked_stages(before), locked_stages(after)
    paired = paired_estimates(changed, *locks, after.root, cache_folder(after.root))
    columns: dict[str, list[Change]] = {}
    for one in changes:
        if one.difference is not None:
            columns.setdefault(one.column, []).append(one)
    moved = [own for own in columns.values() if len(own) > 1 and any(one in changed for one in own)]
    system = first_system(after)
    cells = [_cell(one, paired, system) for one in changed]
    pretraining = tuple(name for name in locks[1] if name.partition("@")[0] == "pretrain")
    reasons, notes = [], []
    for family in (cells, [_mean(own, paired, system) for own in moved]):
        for score, p in zip(family, holm([one.difference.p for one in family]), strict=True):
            if p >= LEVEL or score.difference.value >= 0:
                continue
            if all(is_unchanged(stage, *locks) for stage in score.stages):
                why = _machines((*score.stages, *pretraining), before, after)
                notes.append(f"{_said(score, before)}, but nothing that it was made from has changed: {why}")
            else:
                same = all(is_unchanged(name, *locks) for name in pretraining)
                weights = _machines(pretraining, before, after) if same else SAME_KIND
                part = f" ({weights}: part of it may be that)" if weights != SAME_KIND else ""
                reasons.append(_said(score, before) + part)
    return reasons, notes


def _cell(change: Change, paired: dict[tuple[str, str], Estimate], system: str) -> _Score:
    assert change.difference is not None
    estimate = paired.get((change.task, change.column))
    difference = estimate.difference() if estimate else change.difference
    stages = (stage_of(change.task, change.column, system),)
    return _Score(f"{change.task}/{change.column}", stages, difference, estimate is not None)


def _mean(changes: list[Change], paired: dict[tuple[str, str], Estimate], system: str) -> _Score:
    """Return the mean over tasks; if all are compared in pairs, documents that they share are taken together."""
    cells = [_cell(one, paired, system) for one in changes]
    in_pairs = all(one.paired for one in cells)
    difference = (
        mean([paired[one.task, one.column] for one in changes]).difference()
        if in_pairs
        else mean_difference(one.difference for one in cells)
    )
    own = tuple(stage for one in cells for stage in one.stages)
    return _Score(f"mean over {len(changes)} tasks/{changes[0].column}", own, difference, in_pairs)


def _said(score: _Score, before: Tree) -> str:
    one = score.difference
    pairs = ", row by row" if score.paired else ""
    return (
        f"{score.name}: {-100 * one.value:.1f} points lower than at {before.name}, the noise is ± "
        f"{100 * one.noise:.1f}{pairs}"
    )


def _machines(stages: tuple[str, ...], before: Tree, after: Tree) -> str:
    """Return on which kinds of machine a score was made, or what it was made from, where they differ."""
    for stage in dict.fromkeys(stages):
        one, other = ran_on(stage, before), ran_on(stage, after)
        if one != other:
            return f"{stage} ran on {other} here, on {one} there"
    return SAME_KIND
