"""Scores by examples in the prompt, a panel a task, with fine-tuning on the same rows (as GPT-3's figure 3.8)."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pretrace.report.few_shot import CONFIDENCE
from pretrace.report.figures.plotting import INK, MUTED, VARIANT_COLORS, WIDTH, Plot, svg_of
from pretrace.report.statistics.verdicts import REFERENCE
from pretrace.schemas.few_shot import FewShotReport, FewShotTask, ShotScore

ACROSS = 3


def panels(tasks: dict[str, FewShotTask], below: str, draw: Callable[[str, Any], None]) -> str:
    """Return a figure as SVG: a panel for each task with its chance, and one legend for all.

    Args:
        below: name of the x axis.
        draw: draws the panel of a task, given its name and the axes.
    """
    down = math.ceil(len(tasks) / ACROSS)
    with Plot(WIDTH, 0.6 + 2.2 * down, down, ACROSS) as (figure, axes):
        for axis, (name, task) in zip(axes, tasks.items(), strict=False):
            draw(name, axis)
            axis.axhline(100 * task.chance, color=MUTED, linestyle=":", label="chance")
            axis.set_title(f"{name}, {task.metric} x 100")
        for axis in axes[len(tasks) :]:
            axis.set_visible(False)
        figure.legend(*_legend(axes), loc="outside lower center", ncols=4)
        figure.supxlabel(below, fontsize="medium", color=MUTED)
        return svg_of(figure)


def draw_line(axis: Any, places: list[int], rows: list[ShotScore], number: int, label: str) -> None:
    """Draw scores with their intervals of 95 %, in the color of a number."""
    axis.errorbar(
        places,
        [100 * row.score for row in rows],
        [100 * CONFIDENCE * row.stderr for row in rows],
        color=VARIANT_COLORS[number % len(VARIANT_COLORS)],
        marker="o",
        markersize=4,
        linewidth=1.6,
        capsize=2,
        label=label,
    )


def few_shot_figure(reports: dict[str, FewShotReport]) -> str | None:
    """Return the figure as SVG; None without reports.

    Args:
        reports: by system.
    """
    first = {}
    for report in reports.values():
        first.update({name: task for name, task in report.tasks.items() if name not in first})

    def draw(name: str, axis: Any) -> None:
        own = {system: report.tasks[name] for system, report in reports.items() if name in report.tasks}
        for number, (system, task) in enumerate(own.items()):
            draw_line(axis, [row.shots for row in task.shots], task.shots, number, system)
        if full := first[name].beside.get(REFERENCE):
            axis.axhline(100 * full.score, color=INK, linestyle="--", label=f"fine-tuned ({REFERENCE})")
        axis.set_xscale("symlog", base=2, linthresh=1)
        ticks = sorted({row.shots for task in own.values() for row in task.shots})
        axis.set_xticks(ticks, [str(shots) for shots in ticks])
        axis.minorticks_off()

    return panels(first, "examples in the prompt", draw) if first else None


def _legend(axes: list[Any]) -> tuple[list[Any], list[str]]:
    """Return the handles and names of all panels, each once."""
    known = {name: handle for axis in axes for handle, name in zip(*axis.get_legend_handles_labels(), strict=True)}
    return list(known.values()), list(known)
