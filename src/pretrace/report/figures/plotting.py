"""Plotting: colors and style of the figures, as SVG whose bytes depend on nothing but the numbers.

Text stays text (it can be searched, and takes the page's typeface). Each color has a role; the page replaces the colors
by its own, so that the figures follow light and dark.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from pretrace.schemas.benchmark import BenchmarkRow

GROUND, INK, MUTED, LINE = "#fffefb", "#22262b", "#6b7078", "#dedbd3"
# Okabe and Ito's colors, which color-blind readers can tell apart.
VARIANT_COLORS = ("#0068a8", "#c8560a", "#0b8263", "#a3508a", "#8a6a00", "#4f5bb5")
COLORS = {"ground": GROUND, "ink": INK, "muted": MUTED, "line": LINE} | {
    f"variant-{index}": color for index, color in enumerate(VARIANT_COLORS)
}
"""By role; the page defines a CSS variable of each name."""
WIDTH = 8.6
"""Inches; on a page 56 rem wide, letters come out as large as the text around them."""
STYLE = {
    "svg.hashsalt": "pretrace",
    "svg.fonttype": "none",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "figure.facecolor": GROUND,
    "axes.facecolor": GROUND,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": LINE,
    "grid.linewidth": 0.6,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "text.color": INK,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "path.simplify": False,
}


class Plot:
    """A figure in our style with `down` x `across` axes, which leaves matplotlib's state as it was."""

    def __init__(self, width: float, height: float, down: int, across: int):
        self.size, self.grid = (width, height), (down, across)

    def __enter__(self) -> tuple[Any, list[Any]]:
        import matplotlib
        from matplotlib.figure import Figure

        self.style = matplotlib.rc_context({**matplotlib.rcParamsDefault, **STYLE, "backend": "svg"})
        self.style.__enter__()
        figure: Any = Figure(figsize=self.size, layout="constrained")
        figure.get_layout_engine().set(w_pad=0.08, h_pad=0.08)
        return figure, list(figure.subplots(*self.grid, squeeze=False).flat)

    def __exit__(self, *error: Any) -> None:
        self.style.__exit__(*error)


def svg_of(figure: Any) -> str:
    """Return a figure as SVG."""
    stream = io.StringIO()
    figure.savefig(stream, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type")))
    # Without the spaces at line ends that matplotlib leaves: the file is in git.
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


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


def label_scores(axis: Any, what: str) -> None:
    """Name the axes of scores by a number, and put the tasks' legend beside them."""
    axis.set_xlabel(what)
    axis.set_ylabel("test score x 100")
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), labelcolor=MUTED)
