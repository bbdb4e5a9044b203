"""Batches and rates of a pre-training, as functions of the step."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pretrace.common.errors import PretraceError
from pretrace.model.build import build_model
from pretrace.training.engine.flops import flops_per_token
from pretrace.training.engine.schedule import warmup_cosine
from pretrace.training.pretraining.plan import Plan
from tests.helpers.small_training import settings_with

CONTEXT = 16


def plan_of(**changes: Any) -> Plan:
    return Plan(settings_with({f"pretrain.{name}": value for name, value in changes.items()}).scale)


@given(st.integers(1, 10**6), st.integers(1, 10**5), st.integers(0, 10**6), st.data())
def test_without_further_settings_a_plan_is_that_of_gpt1(steps: int, size: int, step: int, data: st.DataObject) -> None:
    """To the last bit: the rate decides the weights."""
    warmup, step = data.draw(st.integers(1, steps)), step % steps
    plan = plan_of(steps=steps, batch_size=size, warmup_steps=warmup, lr=0.003)
    assert plan.batch(step) == range(step * size, (step + 1) * size)
    assert plan.learning_rate(step) == 0.003 * warmup_cosine(step / steps, warmup / steps)
    assert (plan.steps, plan.tokens, plan.smallest_batch) == (steps, steps * size * CONTEXT, size)


@given(st.integers(1, 1000), st.integers(1, 50), st.integers(0, CONTEXT - 1))
def test_lengths_in_tokens_are_whole_sequences(steps: int, size: int, more: int) -> None:
    in_steps = plan_of(steps=steps, batch_size=size, warmup_steps=1)
    lengths = {"steps": None, "batch_size": None, "warmup_steps": None, "tokens": in_steps.tokens - more}
    in_tokens = plan_of(**lengths, batch_tokens=size * CONTEXT + more, warmup_tokens=size * CONTEXT - more)
    assert (in_tokens.steps, in_tokens.tokens) == (in_steps.steps, in_steps.tokens)
    for step in {0, steps // 2, steps - 1}:
        assert in_tokens.batch(step) == in_steps.batch(step)
        assert in_tokens.learning_rate(step) == in_steps.learning_rate(step)


@given(st.integers(1, 9), st.integers(1, 60), st.integers(1, 4000))
def test_batches_grow_in_a_line_with_the_tokens(first: int, more: int, over: int) -> None:
    full = first + more
    growth = {"from_tokens": first * CONTEXT, "over_tokens": over * CONTEXT}
    plan = plan_of(steps=300, batch_size=full, batch_growth=growth)
    read = 0
    for step in range(300):
        line = first + Fraction((full - first) * read, over)
        size = full if read >= over else min(full, line // first * first)
        assert plan.batch(step) == range(read, read + size), step
        assert plan.tokens_before(step) == read * CONTEXT
        read += size
    assert (plan.sequences, plan.smallest_batch, plan.batch_size) == (read, first, full)
    steps = plan_of(steps=None, tokens=read * CONTEXT, batch_size=full, batch_growth=growth).steps
    assert steps == 300


def test_gpt3s_rates() -> None:
    """Section B of the paper: a rise over 375 million tokens, a cosine to a tenth at 260 billion, then constant."""
    sizes = {
        "batch_size": None,
        "batch_tokens": 3_200_000,
        "batch_growth": {"from_tokens": 32_000, "over_tokens": 10**10},
    }
    lengths = {"steps": None, "tokens": 300_000_000_000, "warmup_steps": None, "warmup_tokens": 375_000_000}
    section = settings_with().scale.pretrain.model_dump(exclude_unset=True)
    section |= {**sizes, **lengths, "floor_share": 0.1, "decay_tokens": 260_000_000_000, "lr": 6e-5}
    plan = Plan(settings_with({"model.context": 2048, "pretrain": section}).scale)
    rates = {step: plan.learning_rate(step) for step in range(0, plan.steps, 100)}
    tokens = {step: plan.tokens_before(step) for step in rates}
    assert rates[0] == 0.0
    peak = max(rates, key=rates.__getitem__)
    assert tokens[peak] == pytest.approx(375e6, rel=0.02)
    assert rates[peak] == pytest.approx(6e-5, rel=0.02)
    at_the_end = [rates[step] for step in rates if tokens[step] > 260_000_000_000]
    assert at_the_end == pytest.approx([6e-6] * len(at_the_end))
    assert at_the_end
    half = min(rates, key=lambda step: abs(tokens[step] - 130e9))
    assert rates[half] == pytest.approx(6e-5 * 0.55, rel=1e-3)
    assert (len(plan.batch(0)), len(plan.batch(plan.steps - 1))) == (15, 1562)
    assert plan.tokens - 3_200_000 < 300_000_000_000 <= plan.tokens


def test_linear_schedule_is_that_of_berts_code() -> None:
    """`optimization.py`: the decay of the whole run, replaced by the rise where the step is below the warm-up."""
    plan = plan_of(steps=100, warmup_steps=10, lr=1e-4, schedule="linear")
    expected = [1e-4 * step / 10 if step < 10 else 1e-4 * (1 - step / 100) for step in range(100)]
    assert [plan.learning_rate(step) for step in range(100)] == pytest.approx(expected, rel=1e-12)


def test_inverse_root_schedule_is_that_of_the_transformer() -> None:
    """Section 5.3: min(step^-0.5, step x warmup^-1.5), as a share of its peak."""
    plan = plan_of(steps=1000, warmup_steps=40, lr=1e-3, schedule="inverse_sqrt")
    rates = [plan.learning_rate(step) for step in range(1000)]
    expected = [1e-3 * 40**0.5 * min(step**-0.5 if step else 0.0, step * 40**-1.5) for step in range(1000)]
    assert rates == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"steps": None}, "needs `steps`, `tokens` or `flops`, one of them and no more"),
        ({"flops": 1e9}, "needs `steps`, `tokens` or `flops`, one of them and no more"),
        ({"tokens": 10**6}, "needs `steps`, `tokens` or `flops`, one of them and no more"),
        ({"batch_tokens": 64}, "needs `batch_size` or `batch_tokens`, one of them and no more"),
        ({"warmup_steps": None}, "needs `warmup_steps` or `warmup_tokens`, one of them and no more"),
        ({"warmup_steps": 21}, "warmup_steps 21 is more than steps 20"),
    ],
)
def test_lengths_are_given_once(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        plan_of(**changes)


def test_a_warmup_longer_than_the_decay_is_refused() -> None:
    with pytest.raises(PretraceError, match="the warm-up reads 2,000 tokens, more than the 1,280 after which"):
        plan_of(warmup_steps=None, warmup_tokens=2000)
    with pytest.raises(PretraceError, match="the warm-up reads 256 tokens, more than the 96 after which"):
        plan_of(decay_tokens=100)


@given(st.integers(1, 400), st.sampled_from([{}, {"model.attention": "full"}, {"model.layers": 4}]))
def test_flops_are_those_that_the_report_counts(steps: int, form: dict[str, Any]) -> None:
    """A budget of what some steps take gives these steps; a little more gives one more."""
    masked = {"pretrain.objective": {"kind": "masked"}} if form.get("model.attention") == "full" else {}
    scale = settings_with({**form, **masked}).scale
    model = build_model(scale, scale.vocabulary.size, 0)
    a_token = flops_per_token(model, scale.pretrain.objective.predicted_share)
    spent = steps * scale.pretrain.batch_size * CONTEXT * a_token
    lengths = {"pretrain.steps": None, "pretrain.warmup_steps": 1}
    plans = [
        Plan(settings_with({**form, **masked, **lengths, "pretrain.flops": float(spent + more)}).scale)
        for more in (0, a_token)
    ]
    assert [plan.steps for plan in plans] == [steps, steps + 1]
