"""The learning curves of two commits in one image."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.files import write_text
from pretrace.report.figures.overview import Curve, curves_figure
from pretrace.review.git_tree import Tree
from pretrace.review.lockfile import first_system
from pretrace.schemas.models import CurvePoint
from pretrace.schemas.record import parse_record
from pretrace.settings import MODEL_KINDS


def plot_curves(before: Tree | None, after: Tree, folder: Path) -> dict[Path, bool]:
    """Write `curves-<model>.svg` for each pre-trained model under `folder`.

    Each commit has a color: training is a line, validation dots, as on the page of one commit.

    Returns:
        The files, each with whether the curves of both commits are the same.
    """
    written = {}
    for model in MODEL_KINDS:
        sides = [_curves(tree, model) for tree in (before, after)]
        named = {f"{model}, {when}": side for when, side in zip(("before", "after"), sides, strict=True) if any(side)}
        if named:
            path = folder / f"curves-{model}.svg"
            write_text(path, curves_figure(named))
            written[path] = sides[0] == sides[1]
    return written


def _curves(tree: Tree | None, model: str) -> tuple[Curve, Curve]:
    """Return the curves of training and of validation; empty where the commit has none."""
    if tree is None:
        return [], []
    folder = "/".join(filter(None, ("reports/curves", first_system(tree))))
    training, validation = (_points(tree.json(f"{folder}/{model}{part}.json")) for part in ("", "-validation"))
    return [one for one in training if one.loss is not None], [
        one for one in validation if one.validation_loss is not None
    ]


def _points(values: Any) -> Curve:
    """Return the points of a curve; rows in another form are left out."""
    points = []
    for row in values if isinstance(values, list) else ():
        with suppress(PretraceError):
            points.append(parse_record(row, CurvePoint, "reports/curves", unknown="ignore"))
    return points
