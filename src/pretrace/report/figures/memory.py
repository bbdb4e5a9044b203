"""Loss by length of memory, of systems that read texts in order, beside those that read windows (Transformer-XL:
Dai et al. 2019, section 4.3).

Bits a byte of the validation documents, which are the same for all systems, whatever their vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping

from pretrace.report.figures.plotting import MUTED, VARIANT_COLORS, WIDTH, Plot, svg_of
from pretrace.schemas.models import PretrainReport

LINES = ("--", ":", "-.")


def memory_figure(reports: Mapping[str, PretrainReport], context: int) -> str | None:
    """Return the figure as SVG; None if no system has been measured with several lengths.

    Args:
        reports: by system.
        context: tokens of a window, the same for all systems.
    """
    curves = {name: points for name, report in reports.items() if (points := by_memory(report))}
    if not curves:
        return None
    others = {
        name: report.val_bits_per_byte
        for name, report in reports.items()
        if name not in curves and report.val_loss is not None and report.val_bits_per_byte is not None
    }
    with Plot(WIDTH, 3.6, 1, 1) as (figure, axes):
        axis = axes[0]
        for index, (name, points) in enumerate(curves.items()):
            color = VARIANT_COLORS[index % len(VARIANT_COLORS)]
            axis.plot([*points], [*points.values()], color=color, marker="o", markersize=4.5, label=name)
        for index, (name, bits) in enumerate(others.items()):
            label = f"{name}, windows of {context} tokens"
            axis.axhline(bits, color=MUTED, linestyle=LINES[index % len(LINES)], linewidth=1.4, label=label)
        axis.set_xticks(sorted({memory for points in curves.values() for memory in points}))
        axis.set_xlabel(f"memory in evaluation, tokens (0: windows of {context} tokens)")
        axis.set_ylabel("validation loss, bits/byte")
        axis.legend()
        return svg_of(figure)


def by_memory(report: PretrainReport) -> dict[int, float]:
    """Return bits a byte by tokens of memory; empty for a system without."""
    if not report.memory_losses or not report.val_loss or report.val_bits_per_byte is None:
        return {}
    bits = report.val_bits_per_byte / report.val_loss
    return {one.memory: one.val_loss * bits for one in report.memory_losses}
