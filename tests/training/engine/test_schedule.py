"""Schedules at their ends and in between."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.training.engine.schedule import warmup_cosine, warmup_linear


def test_warmup_cosine_is_that_of_the_released_code() -> None:
    """`warmup_cosine` there is x / warmup up to the warm-up, then 0.5 (1 + cos(pi x)), with x over the whole run."""
    rates = [warmup_cosine(step / 100, 0.1) for step in range(101)]
    assert rates[:11] == pytest.approx([step / 10 for step in range(11)])
    assert rates[0] == 0.0
    assert rates[10] == 1.0
    # The cosine has been falling during the rise, so there is a small step down to it.
    assert rates[11] == pytest.approx(0.5 * (1 + math.cos(0.11 * math.pi)))
    assert warmup_cosine(0.1 + 1e-9, 0.1) == pytest.approx(0.9755283, abs=1e-7)
    assert rates[25] == pytest.approx(0.8535534, abs=1e-7)
    assert rates[50] == pytest.approx(0.5)
    assert rates[100] == pytest.approx(0.0)
    assert all(a > b for a, b in pairwise(rates[10:]))


def test_warmup_cosine_drops_little_in_the_papers_run() -> None:
    assert warmup_cosine(0.002, 0.002) == 1.0
    assert warmup_cosine(0.002 + 1e-9, 0.002) == pytest.approx(1 - 9.8696e-6, abs=1e-9)


def test_warmup_linear_is_that_of_the_released_code() -> None:
    """`warmup_linear` there is min(x / warmup, 1) (1 - x), whose fall also lowers the rise."""
    rates = [warmup_linear(step / 200, 0.1) for step in range(201)]
    assert rates == pytest.approx([min(1.0, step / 20) * (1 - step / 200) for step in range(201)])
    assert rates[0] == rates[200] == 0.0
    assert rates[10] == pytest.approx(0.5 * 0.95)
    assert max(rates) == rates[20] == pytest.approx(0.9)


@pytest.mark.parametrize("schedule", [warmup_cosine, warmup_linear])
def test_schedule_without_warmup_starts_at_the_full_rate(schedule) -> None:
    assert schedule(0.0, 0.0) == 1.0
    assert schedule(1.0, 0.0) == pytest.approx(0.0)


def test_warmup_of_a_small_task_is_its_first_step() -> None:
    """ROCStories has 138 steps, of which 0.2 % are less than one."""
    rates = [warmup_linear(step / 138, 0.002) for step in range(138)]
    assert rates == pytest.approx([0.0, *(1 - step / 138 for step in range(1, 138))])


def test_warmup_of_the_whole_run_only_rises() -> None:
    assert [warmup_cosine(step / 4, 1.0) for step in range(5)] == [0.0, 0.25, 0.5, 0.75, 1.0]


@given(st.integers(1, 500), st.data())
def test_schedule_stays_between_zero_and_one(steps: int, data: st.DataObject) -> None:
    done, warmup = data.draw(st.integers(0, steps)) / steps, data.draw(st.floats(0, 1))
    for rate in (warmup_cosine(done, warmup), warmup_linear(done, warmup)):
        assert math.isfinite(rate)
        assert 0 <= rate <= 1
