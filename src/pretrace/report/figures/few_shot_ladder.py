"""Scores by the size of the model, a panel a task, a line for each number of examples (as in GPT-3's figures)."""

from __future__ import annotations

from typing import Any

from pretrace.report.figures.few_shot import draw_line, panels
from pretrace.schemas.few_shot import FewShotLadder


def few_shot_ladder_figure(record: FewShotLadder) -> str:
    """Return the figure as SVG."""
    tasks, sizes = record.rungs[0].tasks, [rung.parameters for rung in record.rungs]

    def draw(name: str, axis: Any) -> None:
        for number, shots in enumerate(row.shots for row in tasks[name].shots):
            rows = [rung.tasks[name].shots[number] for rung in record.rungs]
            draw_line(axis, sizes, rows, number, f"K = {shots}")
        axis.set_xscale("log")

    return panels(tasks, "parameters", draw)
