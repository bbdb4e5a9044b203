"""Gold and proxy reward against the square root of KL, for every arm (Gao et al. 2022, figure 1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from pretrace.feedback.forms import fit
from pretrace.report.figures.plotting import MUTED, VARIANT_COLORS, WIDTH, Plot, svg_of
from pretrace.schemas.alignment.records import CompareReport, Interval, Point

CONFIDENCE = 1.96
"""Standard errors in half an interval of 95 %."""
PANELS = ("gold", "proxy")


def reward_figure(report: CompareReport) -> str:
    """Return the figure as SVG: a panel for the gold reward, if there is one, and one for the reward model's."""
    panels = [name for name in PANELS if getattr(report.start.point, name) is not None]
    with Plot(WIDTH, 3.6, 1, len(panels)) as (figure, axes):
        for axis, name in zip(axes, panels, strict=True):
            _best_of(axis, report, name)
            for number, (arm, trained) in enumerate(report.arms.items(), 1):
                for first, seed in enumerate(trained.seeds):
                    _point(axis, seed.point, name, VARIANT_COLORS[number % len(VARIANT_COLORS)], arm * (not first))
            _point(axis, report.start.point, name, MUTED, "start")
            axis.axhline(0, color=MUTED, linewidth=0.8)
            axis.set_title(f"{name} reward, standard deviations of the start policy's answers")
            axis.title.set_fontsize("medium")
        figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=5)
        figure.supxlabel("square root of KL from the start policy (nats an answer)", fontsize="medium", color=MUTED)
        return svg_of(figure)


def _best_of(axis: Any, report: CompareReport, name: str) -> None:
    points = list(report.best_of.values())
    kl, rewards = [one.kl.mean for one in points], [getattr(one, name).mean for one in points]
    axis.plot(np.sqrt(kl), rewards, "-", color=VARIANT_COLORS[0], marker=".", label="best-of-n")
    fitted = fit("best_of_n", kl, rewards) if name == "gold" else None
    if fitted:
        d = np.linspace(0, max(np.sqrt(kl)), 50)
        axis.plot(d, fitted.at(d), ":", color=VARIANT_COLORS[0])


def _point(axis: Any, point: Point, name: str, color: str, label: str) -> None:
    value: Interval = getattr(point, name)
    axis.errorbar(
        [max(point.kl.mean, 0.0) ** 0.5],
        [value.mean],
        [CONFIDENCE * value.stderr],
        color=color,
        marker="o",
        markersize=4,
        capsize=2,
        linestyle="",
        label=label or None,
    )
