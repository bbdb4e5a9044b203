"""A stage that is ended at a random moment and run again ends in the bytes of an undisturbed run."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.helpers.fault_records import Faults
from tests.helpers.faulty_machine import STAGES, Machine, Reference, left_over, name_of

FEW, ALL = 20, 100
SEED = 8


def moments(count: int) -> list[tuple[int, tuple[str, ...], signal.Signals, float]]:
    """Number, stage, signal and the share of the stage's time after which it comes: the same for a number each time."""
    chance = [random.Random(f"{SEED} {number}") for number in range(count)]
    return [
        (number, STAGES[number % len(STAGES)], one.choice([signal.SIGKILL, signal.SIGTERM]), one.random())
        for number, one in enumerate(chance)
    ]


def named(moment: tuple[int, tuple[str, ...], signal.Signals, float]) -> str:
    number, stage, kind, share = moment
    return f"{number}-{name_of(stage)}-{kind.name}-{share:.2f}"


@pytest.mark.parametrize(
    "moment",
    [pytest.param(m, id=named(m), marks=[pytest.mark.nightly] if m[0] >= FEW else []) for m in moments(ALL)],
)
def test_killed_stage_is_run_again(
    moment: tuple, machine: Machine, reference: Reference, place: Path, faults: Faults
) -> None:
    _, stage, kind, share = moment
    reference.before(stage, place)
    killed = machine.run(place, stage, kill=(kind, share * reference.seconds[stage]))
    assert not killed.left
    assert killed.code in (0, -kind, 128 + kind), killed  # 0: it was done before
    assert not reference.differences(place, STAGES[: STAGES.index(stage)])
    machine.well(place, stage)
    assert not left_over(place)
    faults.check(f"{kind.name} of a stage", reference.differences(place, [stage]))
