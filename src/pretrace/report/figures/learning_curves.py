"""Learning curves: test scores by training rows, from variants that train on a share of them (`train_share`).

A curve that still rises at its right end is of a task that is starved of rows.
"""

from __future__ import annotations

from pretrace.report.figures.plotting import MUTED, WIDTH, Plot, label_scores, plot_scores, svg_of
from pretrace.report.markdown import rows_by_task
from pretrace.schemas.benchmark import Benchmark
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
        label_scores(axis, "training rows")
        return svg_of(figure)
