"""The ladder of sizes: loss by compute, a curve a size, and by parameters, with the fit (as GPT-3's figure 3.1)."""

from __future__ import annotations

from itertools import cycle

import numpy as np

from pretrace.common.units import readable_number
from pretrace.report.figures.plotting import MUTED, VARIANT_COLORS, WIDTH, Plot, svg_of
from pretrace.schemas.models import LadderRecord


def ladder_figure(record: LadderRecord | None) -> str | None:
    """Return the figure as SVG; None without a ladder."""
    if record is None:
        return None
    with Plot(WIDTH, 4.0, 1, 2) as (figure, axes):
        by_flops, by_parameters = axes
        for rung, color in zip(record.rungs, cycle(VARIANT_COLORS), strict=False):
            by_flops.plot(
                *zip(*rung.curve, strict=True), color=color, label=f"{readable_number(rung.parameters)} parameters"
            )
        losses = [rung.val_loss for rung in record.rungs]
        for axis, name, sizes, law in (
            (by_flops, "FLOPs", [rung.flops for rung in record.rungs], record.by_flops),
            (by_parameters, "parameters", [rung.parameters for rung in record.rungs], record.by_parameters),
        ):
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.set_xlabel(name)
            line = np.array([sizes[0], sizes[-1]], float)
            axis.plot(line, law.factor * line**-law.exponent, color=MUTED, linestyle="--")
            axis.scatter(sizes[:-1], losses[:-1], color=MUTED, zorder=3)
            axis.scatter(sizes[-1:], losses[-1:], facecolors="none", edgecolors=MUTED, zorder=3)
        by_flops.set_ylabel("validation loss, nats/token")
        by_flops.legend(fontsize="small")
        return svg_of(figure)
