"""The paper's Figure 2, right: what language models do without fine-tuning, by updates of pre-training.

As in the paper, scores are normalised: 0 is chance, 1 the best published single model. Where no such figure is known,
for a probe as for a task of one's own, 1 is a perfect score.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pretrace.report.plotting import MUTED, VARIANT_COLOURS, WIDTH, Drawing, svg_of
from pretrace.settings import Task

BEST_SINGLE_MODEL = {"cola": 0.350, "sst2": 0.932}
"""The best published single model before GPT-1, by ready task: of the paper's Table 4, Matthews correlation and
accuracy. RACE's two best in Table 3 are ensembles, so there is none for it."""
LINES = {"transformer": "-", "lstm": "--"}


def best_published(tasks: Mapping[str, Task]) -> dict[str, float]:
    """What is 1 in the figure, for the tasks where it is known."""
    found = {name: task.ready for name, task in tasks.items()}
    return {name: BEST_SINGLE_MODEL[ready] for name, ready in found.items() if ready in BEST_SINGLE_MODEL}


def normalised(score: float, chance: float, best: float | None) -> float:
    """0 at chance, 1 at the best published score, or at a perfect one where that is None."""
    return (score - chance) / ((1.0 if best is None else best) - chance)


def has_updates(zeroshot: dict[str, Any]) -> bool:
    """Whether reports/zeroshot.json has more than the final weights of a model, so that there is a curve to draw."""
    rows = [row for kinds in zeroshot["tasks"].values() for row in kinds.values()]
    return any(len(row["updates"]) > 1 for row in rows)


def zero_shot_figure(zeroshot: dict[str, Any], best: Mapping[str, float]) -> str:
    """Normalised test scores by updates (log axis): a colour a task, transformers solid, LSTMs dashed.

    A bar at the final weights has the standard error over the test rows.

    Args:
        zeroshot: reports/zeroshot.json.
        best: see `best_published`.
    """
    with Drawing(WIDTH, 4.2, 1, 1) as (figure, axes):
        axis = axes[0]
        axis.set_xscale("log", base=2)  # as the weights are kept
        axis.xaxis.set_major_formatter(lambda updates, _: f"{updates:,.0f}")
        axis.axhline(0, color=MUTED, linewidth=0.8)
        drawn = set()
        for place, (task, kinds) in enumerate(zeroshot["tasks"].items()):
            colour = VARIANT_COLOURS[place % len(VARIANT_COLOURS)]
            for kind, row in kinds.items():
                _line(axis, row, best.get(task), colour, LINES[kind])
                drawn.add(kind)
            against = "best published" if task in best else "perfect"
            axis.plot([], [], color=colour, linewidth=1.8, label=f"{task}  (1: {against})")
        for kind in (kind for kind in LINES if kind in drawn):
            axis.plot([], [], color=MUTED, linestyle=LINES[kind], label=kind)
        axis.set_xlabel("updates")
        axis.set_ylabel("score without fine-tuning, 0: chance")
        if drawn:
            axis.legend(loc="upper left")
        return svg_of(figure)


def _line(axis: Any, row: dict[str, Any], best: float | None, colour: str, style: str) -> None:
    points = [(point["step"], normalised(point["score"], row["chance"], best)) for point in row["updates"]]
    points = [(step, value) for step, value in points if step > 0]  # weights of others: no updates of ours
    if not points:
        return
    axis.plot(*zip(*points, strict=True), style, color=colour, marker="o", markersize=3.5, linewidth=1.8)
    step, value = points[-1]
    error = normalised(row["chance"] + row["stderr"], row["chance"], best)
    axis.plot([step, step], [value - error, value + error], color=colour, alpha=0.3, linewidth=5, solid_capstyle="butt")
