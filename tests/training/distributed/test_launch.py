"""Ranks that train together: the same losses with every strategy, and one line when one of them dies."""

from __future__ import annotations

import pytest
import torch

from pretrace.common.errors import PretraceError
from pretrace.training.distributed.group import Group
from pretrace.training.distributed.launch import process_group
from tests.helpers.process_group import CASES, EndsProcess, add_ones, every_strategy, losses_of

pytestmark = pytest.mark.slow

TWO = Group(world_size=2)


def test_two_ranks_have_the_losses_of_one() -> None:
    """With dropout, too, as its masks go by the sequence; all in one group, as starting a process takes seconds."""
    with process_group(TWO, every_strategy):
        results = every_strategy(TWO)
    for (strategy, rate, steps), (losses, weights) in zip(CASES, results, strict=True):
        alone, expected = losses_of(Group(), "none", rate, steps)
        assert losses == pytest.approx(alone, abs=1e-5), (strategy, rate)
        # Adam's step is as large where a gradient is next to nothing, and rounding may turn its sign: a single weight
        # may be off by a tenth of a step.
        torch.testing.assert_close(weights, expected, rtol=0, atol=1e-3)
        assert alone[-1] != alone[0]
    assert results[0][0] != results[1][0]  # dropout did something


@pytest.mark.parametrize(("ending", "said"), [("killed", "SIGKILL"), ("failed", "ValueError: no more memory")])
def test_rank_that_dies_is_one_line(ending: str, said: str) -> None:
    lost = rf"rank 1 of 2 died \({said}\); run again to resume from the last checkpoint"
    with pytest.raises(PretraceError, match=lost) as error, process_group(TWO, add_ones, ending):
        add_ones(TWO, ending)
    assert "\n" not in str(error.value)


def test_rank_that_dies_before_joining_is_not_waited_for() -> None:
    with (
        pytest.raises(PretraceError, match=r"rank 1 of 2 died \(exit status 3\)"),
        process_group(TWO, add_ones, EndsProcess()),
    ):
        pytest.fail("the group was formed")
    assert not torch.distributed.is_initialized()


def test_error_on_rank_zero_is_raised_as_it_is() -> None:
    with pytest.raises(KeyError), process_group(TWO, add_ones, "killed"):
        raise KeyError
    assert not torch.distributed.is_initialized()
