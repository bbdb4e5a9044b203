"""Schedules at their ends and in between, and which tensors decay."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pretrace.settings import OptimiserSettings
from pretrace.training.optimiser import build_optimiser, warmup_cosine, warmup_linear


def test_the_cosine_rises_to_one_and_falls_to_zero() -> None:
    rates = [warmup_cosine(step, 100, 10) for step in range(100)]
    assert rates[:11] == [pytest.approx(0.1 * (step + 1)) for step in range(10)] + [1.0]
    assert rates[55] == pytest.approx(0.5)
    assert 0 < rates[-1] < 0.001
    assert warmup_cosine(100, 100, 10) == pytest.approx(0.0)
    assert all(a > b for a, b in pairwise(rates[10:]))


def test_the_cosine_without_warm_up_and_with_nothing_else() -> None:
    assert warmup_cosine(0, 10, 0) == 1.0
    assert [warmup_cosine(step, 4, 4) for step in range(4)] == [0.25, 0.5, 0.75, 1.0]


def test_the_line_is_that_of_the_released_code() -> None:
    """`warmup_linear` there is min(x / warmup, 1) * (1 - x), whose fall also lowers the rise."""
    steps, share = 200, 0.1
    rates = [warmup_linear(step, steps, share) for step in range(steps)]
    for step, rate in enumerate(rates):
        assert rate == pytest.approx(min(1.0, (step + 1) / steps / share) * (1 - step / steps))
    assert rates[0] == pytest.approx(1 / (steps * share))
    assert max(rates) == rates[19] == pytest.approx(1 - 19 / 200)
    assert rates[-1] == pytest.approx(1 / steps)


def test_the_papers_warm_up_of_a_small_task_is_no_warm_up() -> None:
    assert warmup_linear(0, 138, 0.002) == 1.0
    assert warmup_linear(0, 1, 0.0) == 1.0
    assert warmup_linear(69, 138, 0.002) == 0.5


@given(st.integers(1, 500), st.data())
def test_no_rate_is_negative_above_one_or_unknown(steps: int, data: st.DataObject) -> None:
    step = data.draw(st.integers(0, steps - 1))
    warmup = data.draw(st.integers(0, steps))
    share = data.draw(st.floats(0, 0.99))
    for rate in (warmup_cosine(step, steps, warmup), warmup_linear(step, steps, share)):
        assert math.isfinite(rate)
        assert 0 <= rate <= 1


def test_only_tensors_of_rank_two_and_more_decay() -> None:
    module = torch.nn.Sequential(torch.nn.Embedding(5, 4), torch.nn.Linear(4, 4), torch.nn.LayerNorm(4))
    torch.nn.init.ones_(module[2].bias)
    settings = OptimiserSettings(weight_decay=0.1, beta1=0.8, beta2=0.95, clip_norm=1.0)
    optimiser = build_optimiser(module, settings)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    for group in optimiser.param_groups:
        assert group["betas"] == (0.8, 0.95)
        group["lr"] = 0.5
    optimiser.step()
    assert {p for group in optimiser.param_groups for p in group["params"]} == set(module.parameters())
    for name, parameter in module.named_parameters():
        factor = 1 - 0.5 * 0.1 if parameter.dim() > 1 else 1.0
        torch.testing.assert_close(parameter.detach(), before[name] * factor)


def test_an_update_is_adams() -> None:
    module = torch.nn.Linear(3, 2)
    settings = OptimiserSettings(weight_decay=0.0, beta1=0.9, beta2=0.999, clip_norm=1.0)
    optimiser = build_optimiser(module, settings)
    before = module.weight.detach().clone()
    for group in optimiser.param_groups:
        group["lr"] = 0.01
    module.weight.grad = torch.tensor([[1.0, -2.0, 0.5], [3.0, -0.1, 7.0]])
    optimiser.step()  # the first update is the rate times the gradient's sign
    torch.testing.assert_close(module.weight.detach(), before - 0.01 * module.weight.grad.sign(), rtol=0, atol=1e-6)
