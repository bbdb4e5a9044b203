"""Learning curves: test scores by training rows, from variants that train on a share of them (`train_share`).

A curve that still rises at its right end is of a task that is starved of rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pretrace.report.figures.plotting import MUTED, VARIANT_COLORS, WIDTH, Plot, svg_of
from pretrace.report.markdown import rows_by_task
from pretrace.schemas.benchmark import Benchmark, BenchmarkRow
from pretrace.settings import Settings

STYLES = {True: "-", False: "--"}
"""Of pre-trained variants, and of others."""


def curves_of(settings: Settings) -> dict[bool, list[str]]:
    """Return the variants with and without pre-training that differ in nothing but their share of the rows.

    Empty where no variant has a share.
    """
    curves: dict[bool, list[str]] = {}
    for shared in settings.variants.values():
        if shared.train_share is not None:
            rest = shared.model_dump(exclude={"train_share"})
            names = [n for n, v in settings.variants.items() if v.model_dump(exclude={"train_share"}) == rest]
            curves[shared.pretrained] = names
    return curves


def learning_curves_figure(settings: Settings, benchmark: Benchmark) -> str | None:
    """Return the figure as SVG; None where no variant trains on a share of the rows."""
    curves = curves_of(settings)
    if not curves:
        return None
    with Plot(WIDTH, 4.4, 1, 1) as (figure, axes):
        axis = axes[0]
        axis.set_xscale("log")
        for index, (task, rows) in enumerate(rows_by_task(benchmark).items()):
            for pretrained, names in curves.items():
                points = {float(rows[name].n_train): rows[name] for name in names if name in rows}
                plot_scores(axis, index, points, task if pretrained else "", STYLES[pretrained])
        for pretrained, words in ((True, "pre-trained"), (False, "from random weights")):
            if pretrained in curves:
                axis.plot([], [], color=MUTED, linestyle=STYLES[pretrained], label=words)
        axis.set_xlabel("training rows")
        axis.set_ylabel("test score x 100")
        axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), labelcolor=MUTED)
        return svg_of(figure)


def plot_scores(axis: Any, index: int, rows: Mapping[float, BenchmarkRow], name: str, style: str = "-") -> None:
    """Plot a task's scores by a number, with the standard error of its test rows as a band.

    Args:
        index: number of the task, which gives its color and marker.
        name: in the legend; empty for none.
    """
    points = [(x, 100 * row.score, 100 * (row.stderr or 0)) for x, row in sorted(rows.items()) if row.score is not None]
    if not points:
        return
    numbers, scores, errors = zip(*points, strict=True)
    color = VARIANT_COLORS[index % len(VARIANT_COLORS)]
    marker = "os^Dv"[index // len(VARIANT_COLORS) % 5]
    axis.plot(numbers, scores, style, color=color, marker=marker, markersize=4.5, linewidth=1.6, label=name or None)
    low, high = ([s + sign * e for s, e in zip(scores, errors, strict=True)] for sign in (-1, 1))
    axis.fill_between(numbers, low, high, color=color, alpha=0.12, linewidth=0)
