"""Scores by examples in the prompt, a panel a task, with fine-tuning on the same rows (as GPT-3's figure 3.8)."""

from __future__ import annotations

import math
from typing import Any

from pretrace.report.few_shot import CONFIDENCE
from pretrace.report.figures.plotting import INK, MUTED, VARIANT_COLORS, WIDTH, Plot, svg_of
from pretrace.report.statistics.verdicts import REFERENCE
from pretrace.schemas.few_shot import FewShotReport

ACROSS = 3


def few_shot_figure(reports: dict[str, FewShotReport]) -> str | None:
    """Return the figure as SVG; None without reports.

    Args:
        reports: by system.
    """
    tasks = list(dict.fromkeys(name for report in reports.values() for name in report.tasks))
    if not tasks:
        return None
    down = math.ceil(len(tasks) / ACROSS)
    with Plot(WIDTH, 0.6 + 2.2 * down, down, ACROSS) as (figure, axes):
        for axis, name in zip(axes, tasks, strict=False):
            own = {system: report.tasks[name] for system, report in reports.items() if name in report.tasks}
            for index, (system, task) in enumerate(own.items()):
                axis.errorbar(
                    [row.shots for row in task.shots],
                    [100 * row.score for row in task.shots],
                    [100 * CONFIDENCE * row.stderr for row in task.shots],
                    color=VARIANT_COLORS[index % len(VARIANT_COLORS)],
                    marker="o",
                    markersize=4,
                    linewidth=1.6,
                    capsize=2,
                    label=system,
                )
            first = next(iter(own.values()))
            axis.axhline(100 * first.chance, color=MUTED, linestyle=":", label="chance")
            if full := first.beside.get(REFERENCE):
                axis.axhline(100 * full.score, color=INK, linestyle="--", label=f"fine-tuned ({REFERENCE})")
            axis.set_xscale("symlog", base=2, linthresh=1)
            ticks = sorted({row.shots for task in own.values() for row in task.shots})
            axis.set_xticks(ticks, [str(shots) for shots in ticks])
            axis.minorticks_off()
            axis.set_title(f"{name}, {first.metric} x 100")
        for axis in axes[len(tasks) :]:
            axis.set_visible(False)
        figure.legend(*_legend(axes), loc="outside lower center", ncols=4)
        figure.supxlabel("examples in the prompt", fontsize="medium", color=MUTED)
        return svg_of(figure)


def _legend(axes: list[Any]) -> tuple[list[Any], list[str]]:
    """Return the handles and names of all panels, each once."""
    known = {name: handle for axis in axes for handle, name in zip(*axis.get_legend_handles_labels(), strict=True)}
    return list(known.values()), list(known)
