"""States that are carried from step to step: by micro-batch, forgotten, and back from a checkpoint."""

from __future__ import annotations

import torch

from pretrace.training.distributed.carried_states import CarriedStates
from pretrace.training.distributed.group import Group


def test_what_micro_batches_keep_is_what_they_get_in_the_next_step() -> None:
    carried = CarriedStates(Group(), 5)
    parts = torch.randn(2, 5, 3, 4).split([2, 2, 1], 1)
    rows = [slice(0, 2), slice(2, 4), slice(4, 6)]
    for chosen, part in zip(rows, parts, strict=True):
        assert carried.of(chosen).before_LBMC is None
        carried.of(chosen).keep(part)
    assert carried.of(rows[0]).before_LBMC is None  # not before the step ends
    carried.advance()
    for chosen, part in zip(rows, parts, strict=True):
        before = carried.of(chosen).before_LBMC
        assert before is not None and torch.equal(before, part)
    resumed = CarriedStates(Group(), 5)
    resumed.scatter(carried.gather(), torch.device("cpu"))
    assert torch.equal(resumed.states_LBMC, carried.states_LBMC)
    carried.clear()
    assert carried.of(rows[0]).before_LBMC is None


def test_an_objective_without_memory_carries_nothing() -> None:
    carried = CarriedStates(Group(), 5)
    carried.advance()
    assert carried.gather() is None
    carried.scatter(None, torch.device("cpu"))
    assert carried.states_LBMC is None
