"""Processes that train together: the same losses in every way, and one line when one of them is lost."""

from __future__ import annotations

import pytest
import torch

from pretrace.common.errors import PretraceError
from pretrace.training.distributed.group import Group
from pretrace.training.distributed.launch import meet
from tests.helpers.process_group import WAYS, EndsProcess, add_ones, every_way, losses_of

pytestmark = pytest.mark.slow

TWO = Group(size=2)


def test_two_processes_have_the_losses_of_one() -> None:
    """With dropout, too, as its masks go by the sequence; all in one meeting, as starting a process takes seconds."""
    with meet(TWO, every_way):
        found = every_way(TWO)
    for (way, rate, steps), (losses, weights) in zip(WAYS, found, strict=True):
        alone, expected = losses_of(Group(), "alone", rate, steps)
        assert losses == pytest.approx(alone, abs=1e-5), (way, rate)
        # Adam's step is as large where a gradient is next to nothing, and rounding may turn its sign: a single weight
        # may be off by a tenth of a step.
        torch.testing.assert_close(weights, expected, rtol=0, atol=1e-3)
        assert alone[-1] != alone[0]
    assert found[0][0] != found[1][0]  # dropout did something


@pytest.mark.parametrize(("ending", "said"), [("killed", "SIGKILL"), ("failed", "ValueError: no more memory")])
def test_a_process_that_is_lost_is_one_line(ending: str, said: str) -> None:
    lost = rf"process 2 of 2 ended before its time \({said}\); run again, it goes on from the last checkpoint"
    with pytest.raises(PretraceError, match=lost) as error, meet(TWO, add_ones, ending):
        add_ones(TWO, ending)
    assert "\n" not in str(error.value)


def test_a_process_that_never_comes_is_not_waited_for() -> None:
    with (
        pytest.raises(PretraceError, match=r"process 2 of 2 ended before its time \(exit status 3\)"),
        meet(TWO, add_ones, EndsProcess()),
    ):
        pytest.fail("there was no meeting")
    assert not torch.distributed.is_initialized()


def test_an_error_of_number_0_is_its_own() -> None:
    with pytest.raises(KeyError), meet(TWO, add_ones, "killed"):
        raise KeyError
    assert not torch.distributed.is_initialized()
