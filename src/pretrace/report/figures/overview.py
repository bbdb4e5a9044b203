"""The figures of a run: scores, curves of pre-training, the corpus."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pretrace.common.errors import printable
from pretrace.common.files import write_text
from pretrace.report.benchmark import heading, is_baseline
from pretrace.report.figures.plotting import GROUND, INK, MUTED, VARIANT_COLORS, WIDTH, Plot, svg_of
from pretrace.report.markdown import columns_of, rows_by_task
from pretrace.schemas.benchmark import Benchmark, BenchmarkRow
from pretrace.schemas.corpus import CleanReport, LengthBin
from pretrace.schemas.models import CurvePoint
from pretrace.settings import split_column

BASELINE_MARKS = {
    "majority": "D",
    "tfidf": "s",
    "ngram": "<",
    "lsa": ">",
    "lm_zero_shot": "^",
    "lm_zero_shot_pmi": "v",
    "frozen": "P",
}
LARGEST_SOURCES = 15
CURVE_POINTS = 200
CURVE_COLORS = [VARIANT_COLORS[index] for index in (0, 3, 1, 2, 4, 5)]
Curve = list[CurvePoint]


def variant_colors(variants: Sequence[str]) -> dict[str, str]:
    """Return a color for each variant, by its position in the settings; baselines are gray."""
    models = [name for name in variants if not is_baseline(name)]
    colors = {name: VARIANT_COLORS[index % len(VARIANT_COLORS)] for index, name in enumerate(models)}
    return {name: colors.get(name, MUTED) for name in variants}


def scores_figure(benchmark: Benchmark) -> str:
    """Plot a panel for each task: a dot for each seed, a tick at the mean, a faint bar for its interval."""
    columns, tasks = columns_of(benchmark), rows_by_task(benchmark)
    colors = variant_colors(columns)
    across = min(2, len(tasks))
    down = -(-len(tasks) // across)
    with Plot(WIDTH, 0.75 + down * (0.62 + 0.25 * len(columns)), down, across) as (figure, axes):
        for axis in axes[len(tasks) :]:
            axis.set_visible(False)
        for axis, (task, rows) in zip(axes, tasks.items(), strict=False):
            axis.set_title(f"{task}  ({next(iter(rows.values())).metric})")
            axis.set_yticks(range(len(columns)), [heading(name) for name in columns])
            axis.tick_params(axis="y", length=0, labelcolor=INK)
            axis.set_ylim(len(columns) - 0.4, -0.6)
            axis.grid(axis="y", visible=False)
            for position, name in enumerate(columns):
                mark = BASELINE_MARKS.get(split_column(name)[0], "o")
                _score_row(axis, position, rows.get(name), colors[name], mark)
        figure.supxlabel("test score x 100", fontsize=10, color=MUTED)
        return svg_of(figure)


def curves_figure(curves: dict[str, tuple[Curve, Curve]]) -> str:
    """Plot the loss by optimizer step: training (smoothed, thin) and validation (dots) of each pre-trained model.

    Args:
        curves: for each model, the curve of training and that of validation.
    """
    with Plot(WIDTH, 4.2, 1, 1) as (figure, axes):
        axis = axes[0]
        for index, (name, (training, validating)) in enumerate(curves.items()):
            color = CURVE_COLORS[index % len(CURVE_COLORS)]
            train = [(point.step, point.loss) for point in training if point.loss is not None]
            losses = [(point.step, point.validation_loss) for point in validating]
            validation = [(step, loss) for step, loss in losses if loss is not None]
            if train:
                axis.plot(*_smooth(train), color=color, linewidth=1, alpha=0.6, label=f"{name}, training")
            if validation:
                style = {"marker": "o", "markersize": 4.5, "linewidth": 1.8, "color": color}
                axis.plot(*zip(*validation, strict=True), **style, label=f"{name}, validation")
        axis.set_xlabel("steps")
        axis.set_ylabel("loss, nats/token")
        axis.set_xlim(left=0)
        if curves:
            axis.legend(loc="upper right")
        return svg_of(figure)


def corpus_figure(clean: CleanReport) -> str:
    """Plot the words of each source, by split; beyond the largest, sources are summed up."""
    sources = {printable(name): splits for name, splits in clean.sources.items()}  # SVG takes no control characters
    size = {name: sum(split.words for split in splits.values()) for name, splits in sources.items()}
    names = sorted(size, key=lambda name: (-size[name], name))
    shown, rest = names[:LARGEST_SOURCES], names[LARGEST_SOURCES:]
    bars = [(name if len(name) <= 28 else name[:27] + "…", [sources[name]]) for name in shown]
    bars += [(f"{len(rest)} more", [sources[name] for name in rest])] if rest else []
    with Plot(WIDTH, 0.9 + 0.27 * max(1, len(bars)), 1, 1) as (figure, axes):
        axis = axes[0]
        colors = {"train": VARIANT_COLORS[0], "validation": VARIANT_COLORS[1], "probes": VARIANT_COLORS[2]}
        left = [0.0] * len(bars)
        for split, color in colors.items():
            words = [sum(own[split].words for own in group if split in own) / 1e6 for _, group in bars]
            axis.barh(range(len(bars)), words, left=left, color=color, height=0.68, label=split)
            left = [a + b for a, b in zip(left, words, strict=True)]
        axis.set_yticks(range(len(bars)), [name for name, _ in bars], parse_math=False)
        axis.tick_params(axis="y", length=0, labelcolor=INK)
        axis.invert_yaxis()
        axis.grid(axis="y", visible=False)
        axis.set_xlabel("million words")
        axis.legend(loc="lower right")
        return svg_of(figure)


def lengths_figure(lengths: list[LengthBin]) -> str:
    """Plot a histogram of the documents' lengths in words."""
    with Plot(WIDTH, 2.6, 1, 1) as (figure, axes):
        axis = axes[0]
        axis.bar(range(len(lengths)), [one.documents for one in lengths], color=VARIANT_COLORS[0], width=0.92)
        axis.set_xticks(range(len(lengths)), [_short(one.start) for one in lengths])
        axis.tick_params(axis="x", length=0)
        axis.grid(axis="x", visible=False)
        axis.yaxis.get_major_locator().set_params(integer=True)
        axis.set_xlabel("words, from")
        axis.set_ylabel("documents")
        return svg_of(figure)


def write_figures(figures: dict[str, str], folder: Path) -> None:
    """Write each figure to `folder/<name>.svg`."""
    for name, svg in figures.items():
        write_text(folder / f"{name}.svg", svg)


def _score_row(axis: Any, position: int, row: BenchmarkRow | None, color: str, mark: str) -> None:
    if row is None or row.score is None:
        return
    scores = [100 * score for score in row.scores]
    mean = statistics.fmean(scores) if row.mean is None else 100 * row.mean
    error = 100 * (row.interval or 0.0)
    axis.plot(
        [mean - error, mean + error], [position, position], color=color, alpha=0.3, linewidth=5, solid_capstyle="butt"
    )
    if mark == "o":
        axis.plot([mean, mean], [position - 0.28, position + 0.28], color=color, linewidth=2)
    axis.plot(scores, [position] * len(scores), mark, color=color, markersize=4.5, markeredgecolor=GROUND, mew=0.6)


def _short(number: int) -> str:
    """Return a power of two as people say it: 512, 1k, 32k, 1M."""
    for unit, bits in (("M", 20), ("k", 10)):
        if number >> bits:
            return f"{number >> bits}{unit}"
    return str(number)


def _smooth(points: list[tuple[int, float]]) -> tuple[list[int], list[float]]:
    """At most `CURVE_POINTS` points, each the mean of the steps since the one before."""
    size = -(-len(points) // CURVE_POINTS)
    groups = [points[start : start + size] for start in range(0, len(points), size)]
    return [group[-1][0] for group in groups], [statistics.fmean(loss for _, loss in group) for group in groups]
