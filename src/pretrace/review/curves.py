"""The learning curves of two commits in one image."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from pretrace.common.files import write_text
from pretrace.report import MODELS
from pretrace.report.figures import curves_figure
from pretrace.review.git_tree import Tree

Rows = list[dict[str, float]]


def draw_curves(before: Tree | None, after: Tree, folder: Path) -> dict[Path, bool]:
    """Write `curves-<model>.svg` for each pre-trained model under `folder`; returns them, and whether the curves are
    the same.

    One colour a commit: training as a line, validation as dots, as the page of one commit has them.
    """
    written = {}
    for model in MODELS:
        sides = [_curve(tree, model) for tree in (before, after)]
        named = {f"{model}, {when}": side for when, side in zip(("before", "after"), sides, strict=True) if any(side)}
        if named:
            path = folder / f"curves-{model}.svg"
            write_text(path, curves_figure(named))
            written[path] = sides[0] == sides[1]
    return written


def _curve(tree: Tree | None, model: str) -> list[Rows]:
    """Rows of training and of validation; none where the commit has none."""
    if tree is None:
        return [[], []]
    parts = (("", "loss"), ("-validation", "val_loss"))
    return [_rows(tree.json(f"reports/curves/{model}{part}.json"), key) for part, key in parts]


def _rows(values: Any, key: str) -> Rows:
    rows = [row for row in values if isinstance(row, dict)] if isinstance(values, list) else []
    return [{"step": row["step"], key: row[key]} for row in rows if _finite(row.get("step")) and _finite(row.get(key))]


def _finite(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
