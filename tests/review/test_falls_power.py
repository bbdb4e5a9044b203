"""How often the gate stops, by how much has fallen: the figures of docs/ci.md are those of the nightly test."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest

from pretrace.report.statistics.comparisons import LEVEL, Difference, holm, mean_difference
from pretrace.report.statistics.estimates import Estimate, mean
from tests.helpers.simulated_columns import Column, draw_tasks

TASKS = 6


class Stops(NamedTuple):
    """Draws of which each sort of comparison stops, and both."""

    cells: int
    means: int
    either: int


def stops(fall: float, everywhere: bool, paired: bool, draws: int, rows: int = 1200, seed: int = 0) -> Stops:
    """Draw two columns on six tasks, before and after a fall of the first one; the other does not fall."""
    random, counted = np.random.default_rng(seed), [0, 0, 0]
    for _ in range(draws):
        cells: list[Difference] = []
        means: list[Difference] = []
        for column in range(2):
            by_task = _differences(random, fall if column == 0 else 0.0, everywhere, rows)
            own = [after_before if paired else apart for after_before, apart in by_task]
            cells += [one.difference() if isinstance(one, Estimate) else one for one in own]
            together = mean([one for one, _ in by_task]).difference()
            means.append(together if paired else mean_difference(apart for _, apart in by_task))
        found = [_falls(family) for family in (cells, means)]
        counted = [n + hit for n, hit in zip(counted, (*found, any(found)), strict=True)]
    return Stops(*counted)


def _differences(
    random: np.random.Generator, fall: float, everywhere: bool, rows: int
) -> list[tuple[Estimate, Difference]]:
    """By task after minus before: row by row, and by what the tables have."""
    spread = {"seed_spread": 0.015, "document_spread": 0.05}
    all_ = draw_tasks(random, (Column("before", **spread), Column("after", level=0.6 - fall, **spread)), TASKS, rows)
    if not everywhere:
        unfallen = draw_tasks(random, (Column("before", **spread), Column("after", **spread)), TASKS, rows)
        all_ = {task: all_[task] if i == 0 else unfallen[task] for i, task in enumerate(all_)}
    pairs = []
    for scores in all_.values():
        sides = [scores.mean(name).difference() for name in ("after", "before")]
        apart = Difference(sides[0].value - sides[1].value, (*sides[0].parts, *sides[1].parts))
        pairs.append((scores.minus("after", "before"), apart))
    return pairs


def _falls(family: list[Difference]) -> bool:
    corrected = holm([one.p for one in family])
    return any(p < LEVEL and one.value < 0 for one, p in zip(family, corrected, strict=True))


def test_mean_sees_what_cells_do_not() -> None:
    result = stops(0.03, True, paired=False, draws=8)
    assert result.means >= 6 > result.cells


@pytest.mark.nightly
def test_power_of_the_gate() -> None:
    for fall, everywhere in ((0.0, True), (0.03, False), (0.04, False), (0.05, False), (0.10, False), (0.03, True)):
        for paired in (False, True):
            result = stops(fall, everywhere, paired, 200)
            where = "on all tasks" if everywhere else "on one task"
            shares = [f"{name} {count / 2:.0f} %" for name, count in result._asdict().items()]
            print(
                f"{100 * fall:.0f} points {where}, {'row by row' if paired else 'by the tables'}: {', '.join(shares)}"
            )
            assert fall or result.either <= 20
