"""Rows that two splits of a task share: counted, reported, and removed from the earlier split if the task says so."""

from __future__ import annotations

from pretrace.common.errors import PretraceError
from pretrace.settings import Task
from pretrace.tasks.rows.dataset import Row
from pretrace.tasks.rows.kinds import KINDS

PAIRS = (("train", "test"), ("train", "dev"), ("dev", "test"))


def without_overlap(name: str, task: Task, splits: dict[str, list[Row]], warnings: list[str]) -> dict[str, int]:
    """Return how many rows of train are in test and in dev, too, and of dev in test; `overlap: drop` removes them.

    A row is the same if its cleaned text is, whatever its label; of a symmetric pair, in either order. `warnings` gets
    a sentence for each count.

    Returns:
        Counts by pair, such as {"train in test": 3}; pairs that share nothing are not there.

    Raises:
        PretraceError: nothing is left of a split.
    """
    counts, kind = {}, KINDS[task.kind]
    for split, other in PAIRS:
        there = {kind.row_key(row.parts) for row in splits[other]}
        alone = [row for row in splits[split] if kind.row_key(row.parts) not in there]
        shared = len(splits[split]) - len(alone)
        if not shared:
            continue
        counts[f"{split} in {other}"] = shared
        done = "taken out" if task.overlap == "drop" else "they stay; the task's `overlap: drop` takes them out"
        warnings.append(f"{shared} of {len(splits[split])} {split} rows are in {other}, too: {done}")
        if task.overlap == "drop":
            splits[split] = alone
        if not splits[split]:
            raise PretraceError(f"params.yaml: tasks.{name}.overlap: drop leaves no {split} row: all are in {other}")
    return counts
