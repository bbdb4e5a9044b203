"""Rows of probes: shuffled, balanced, and without repeated passages."""

from __future__ import annotations

from typing import TypeVar

from pretrace.tasks.rows.dataset import Row
from pretrace.tasks.rows.draws import generator_for

Item = TypeVar("Item")


def unique_passages(rows: list[Row], seen: set[str] | None = None) -> list[Row]:
    """Return the rows whose passages are in no earlier row and not in `seen`, to which theirs are added."""
    seen = set() if seen is None else seen
    kept = []
    for row in rows:
        if len(set(row.parts)) == len(row.parts) and not seen.intersection(row.parts):
            seen.update(row.parts)
            kept.append(row)
    return kept


def balanced(rows: list[Row]) -> list[Row]:
    """Return the same number of rows of each label, in turn; the others are left out."""
    by_label: dict[float, list[Row]] = {}
    for row in rows:
        by_label.setdefault(row.label, []).append(row)
    return [row for group in zip(*(by_label[label] for label in sorted(by_label)), strict=False) for row in group]


def shuffled(items: list[Item], *names: str) -> list[Item]:
    """Return items in an order that is a pure function of names."""
    return [items[i] for i in generator_for(*names).permutation(len(items))]
