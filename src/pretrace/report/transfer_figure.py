"""Figure 2, left, of the paper: score against the number of transferred layers, one line a task."""

from __future__ import annotations

from typing import Any

from pretrace.report.markdown import rows_by_task
from pretrace.report.plotting import MUTED, VARIANT_COLOURS, WIDTH, Drawing, svg_of
from pretrace.settings import MAIN_MODEL, Settings


def transferred_layers(settings: Settings) -> dict[str, int]:
    """Variants by how many layers of the pre-trained transformer they start from; `full` has all of them."""
    layers = settings.scale.model.layers
    found = {
        name: layers if variant.layers is None else variant.layers
        for name, variant in settings.variants.items()
        if variant.pretrained and variant.model == MAIN_MODEL and (variant.layers is not None or name == "full")
    }
    return found if len(found) > 1 else {}


def transfer_figure(settings: Settings, benchmark: dict[str, Any]) -> str | None:
    """The figure as SVG; None where no variant transfers some layers only."""
    layers = transferred_layers(settings)
    if not layers:
        return None
    order = sorted(layers, key=lambda name: layers[name])
    with Drawing(WIDTH, 4.4, 1, 1) as (figure, axes):
        axis = axes[0]
        for index, (task, rows) in enumerate(rows_by_task(benchmark).items()):
            measured = [name for name in order if rows.get(name) and rows[name]["score"] is not None]
            if not measured:
                continue
            colour, places = VARIANT_COLOURS[index % len(VARIANT_COLOURS)], [layers[name] for name in measured]
            scores = [100 * rows[name]["score"] for name in measured]
            marker = "os^Dv"[index // len(VARIANT_COLOURS) % 5]
            axis.plot(places, scores, color=colour, marker=marker, markersize=4.5, linewidth=1.6, label=task)
            errors = [100 * rows[name]["stderr"] for name in measured]
            low, high = ([s + sign * e for s, e in zip(scores, errors, strict=True)] for sign in (-1, 1))
            axis.fill_between(places, low, high, color=colour, alpha=0.12, linewidth=0)
        axis.set_xticks(sorted(set(layers.values())))
        axis.set_xlabel("layers transferred (0: the embeddings alone)")
        axis.set_ylabel("test score x 100")
        axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), labelcolor=MUTED)
        return svg_of(figure)
