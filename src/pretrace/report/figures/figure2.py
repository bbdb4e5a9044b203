"""The paper's Figure 2: scores by transferred layers (left), and without fine-tuning by steps of pre-training (right).

As in the paper, zero-shot scores are normalized: 0 is chance, 1 the best published single model. Where that is not
known, as for a probe or a task of one's own, 1 is a perfect score.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pretrace.report.figures.plotting import MUTED, VARIANT_COLORS, WIDTH, Plot, label_scores, plot_scores, svg_of
from pretrace.report.markdown import rows_by_task
from pretrace.schemas.benchmark import Benchmark
from pretrace.schemas.zero_shot import ZeroShotReport, ZeroShotScore
from pretrace.settings import TRANSFORMER, ZERO_SHOT_PMI, Settings, Task

BEST_SINGLE_MODEL = {"cola": 0.350, "sst2": 0.932}
"""The best published single model before GPT-1, by ready task: of the paper's Table 4, Matthews correlation and
accuracy. RACE's two best in Table 3 are ensembles, so there is none for it."""
LINES = ("-", "--", ":", "-.")
"""By system, in their order."""


def best_published(tasks: Mapping[str, Task]) -> dict[str, float]:
    """Return the score that is 1 in the figure, for the tasks where it is known."""
    ready = {name: task.ready for name, task in tasks.items()}
    return {name: BEST_SINGLE_MODEL[of] for name, of in ready.items() if of in BEST_SINGLE_MODEL}


def normalized(score: float, chance: float, best: float | None) -> float:
    """Return 0 for chance and 1 for the best published score, or for a perfect one where that is None."""
    return (score - chance) / ((1.0 if best is None else best) - chance)


def has_curve(zero_shot: ZeroShotReport) -> bool:
    """Return True if a model has scores of more than its final weights, so that there is a curve to plot."""
    return any(len(score.updates) > 1 for _, _, models in _curves(zero_shot) for score in models.values())


def _curves(zero_shot: ZeroShotReport) -> list[tuple[str, str, dict[str, ZeroShotScore]]]:
    """Return (task, name in the legend, scores by model) of each rule on each task."""
    return [
        (task, f"{task}, PMI" if column == ZERO_SHOT_PMI else task, models)
        for task, by_column in zero_shot.tasks.items()
        for column, models in by_column.items()
    ]


def zero_shot_figure(zero_shot: Mapping[str, ZeroShotReport], best: Mapping[str, float]) -> str:
    """Plot normalized test scores by steps (log axis): a color for each task and rule, a line style for each system.

    The paper has its own heuristics only; those by pointwise mutual information are marked. A bar at the final weights
    shows the standard error over the test rows.

    Args:
        zero_shot: by system.
        best: see `best_published`.
    """
    with Plot(WIDTH, 4.2, 1, 1) as (figure, axes):
        axis = axes[0]
        axis.set_xscale("log", base=2)  # weights are saved at powers of two
        axis.xaxis.set_major_formatter(lambda steps, _: f"{steps:,.0f}")
        axis.axhline(0, color=MUTED, linewidth=0.8)
        rules: dict[str, str] = {}
        for number, (system, report) in enumerate(zero_shot.items()):
            line = LINES[number % len(LINES)]
            for task, name, models in _curves(report):
                against = "best published" if task in best else "perfect"
                label = f"{name}  (1: {against})"
                color = rules.setdefault(label, VARIANT_COLORS[len(rules) % len(VARIANT_COLORS)])
                for score in list(models.values())[:1]:  # of several pre-trainings the first
                    _plot_line(axis, score, best.get(task), color, line)
            if len(zero_shot) > 1:
                axis.plot([], [], color=MUTED, linestyle=line, label=system)
        for label, color in rules.items():
            axis.plot([], [], color=color, linewidth=1.8, label=label)
        axis.set_xlabel("steps")
        axis.set_ylabel("score without fine-tuning, 0: chance")
        if rules:
            axis.legend(loc="upper left")
        return svg_of(figure)


def _plot_line(axis: Any, score: ZeroShotScore, best: float | None, color: str, style: str) -> None:
    points = [(point.step, normalized(point.score, score.chance, best)) for point in score.updates]
    points = [(step, value) for step, value in points if step > 0]  # weights from elsewhere took no steps here
    if not points:
        return
    axis.plot(*zip(*points, strict=True), style, color=color, marker="o", markersize=3.5, linewidth=1.8)
    step, value = points[-1]
    error = normalized(score.chance + score.stderr, score.chance, best)
    axis.plot([step, step], [value - error, value + error], color=color, alpha=0.3, linewidth=5, solid_capstyle="butt")


def transferred_layers(settings: Settings) -> dict[str, int]:
    """Return how many layers of the pre-trained transformer each variant starts from; `full` has all of them."""
    if settings.scale.kind != TRANSFORMER:
        return {}
    layers = settings.scale.model.layers
    transferred = {
        name: layers if variant.layers is None else variant.layers
        for name, variant in settings.variants.items()
        if variant.pretrained and (variant.layers is not None or name == "full")
    }
    return transferred if len(transferred) > 1 else {}


def transfer_figure(settings: Settings, benchmark: Benchmark) -> str | None:
    """Return the figure as SVG; None where no variant transfers some layers only."""
    layers = transferred_layers(settings)
    if not layers:
        return None
    with Plot(WIDTH, 4.4, 1, 1) as (figure, axes):
        axis = axes[0]
        for index, (task, rows) in enumerate(rows_by_task(benchmark).items()):
            own = {name: rows[name] for name in layers if name in rows}
            plot_scores(axis, index, {float(layers[name]): row for name, row in own.items()}, task)
        axis.set_xticks(sorted(set(layers.values())))
        label_scores(axis, "layers transferred (0: the embeddings alone)")
        return svg_of(figure)
