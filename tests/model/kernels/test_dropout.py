"""Dropout on a CPU: masks belong to a sequence of an update, however its batch is cut, and have the right share."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pretrace.model import LSTM, Transformer
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.loss import language_model_loss
from pretrace.settings import LSTMSettings, ModelSettings

VOCABULARY, CONTEXT = 30, 9


def model_of(kind: str, where: str = "sum") -> Transformer | LSTM:
    if kind == "lstm":
        return LSTM(LSTMSettings(layers=1, width=9, embedding=6, dropout=0.0, initial_std=0.3), VOCABULARY, CONTEXT, 1)
    settings = ModelSettings(
        **{"layers": 2, "width": 10, "heads": 2, "feed_forward": 20, "context": CONTEXT},
        **{"dropout": 0.0, "embedding_dropout": where, "initial_std": 0.3},
    )
    return Transformer(settings, VOCABULARY, 1)


def masks(sequences: list[int], rate: float = 0.5, seed: int = 3, step: int = 5, shape: tuple = (7, 11)) -> list:
    dropout = Dropout(rate, seed, step, sequences)
    return [dropout(torch.ones(len(sequences), *shape)) for _ in range(3)]


@pytest.mark.slow
@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=6, unique=True), st.data())
def test_masks_of_a_sequence_do_not_depend_on_its_batch(sequences: list[int], data: st.DataObject) -> None:
    alone = data.draw(st.sampled_from(sequences))
    for together, single in zip(masks(sequences), masks([alone]), strict=True):
        assert torch.equal(together[sequences.index(alone)], single[0])


def test_masks_differ_by_seed_step_sequence_and_position() -> None:
    found = [mask for options in ({}, {"seed": 4}, {"seed": -3}, {"step": 6}) for mask in masks([0, 1], **options)]
    rows = {row.numpy().tobytes() for mask in found for row in mask}
    assert len(rows) == 4 * 3 * 2


def test_masks_stay_the_same_in_later_versions() -> None:
    (first, *_) = masks([2], shape=(20,))
    assert "".join(str(int(value > 0)) for value in first[0]) == "11011111001000100111"


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_dropout_has_its_rate_and_keeps_the_mean(rate: float, dtype: torch.dtype) -> None:
    x = torch.full((4, 300, 333), 0.7, dtype=dtype)
    y = Dropout(rate, 1, 1, range(4))(x)
    spread = (rate * (1 - rate) / x.numel()) ** 0.5
    assert float((y == 0).double().mean()) == pytest.approx(rate, abs=4 * spread + 0.5 / (1 << 15))
    assert y.dtype == dtype
    kept = y[y != 0]
    assert (kept == kept[0]).all()
    assert float(kept[0]) == pytest.approx(0.7 / (1 - rate), rel=1e-4 if dtype != torch.bfloat16 else 0.005)


def test_dropout_rate_is_exact_to_a_thirty_thousandth() -> None:
    assert Dropout(0.1, 0, 0, [0]).rate == pytest.approx(0.1, abs=2e-5)
    assert Dropout(0.9999999, 0, 0, [0]).rate < 1


def test_example_dropout_is_that_of_the_first_sequence() -> None:
    six, two = Dropout(0.5, 1, 2, range(6)), Dropout(0.5, 1, 2, [0, 3])
    assert torch.equal(six.of_examples(2)(torch.ones(2, 50)), two(torch.ones(2, 50)))
    # and what follows is drawn anew
    assert torch.equal(six(torch.ones(6, 50))[::3], two(torch.ones(2, 50)))


def test_gradients_have_the_masks_of_the_values() -> None:
    x = torch.randn(3, 40, generator=torch.Generator().manual_seed(0)).requires_grad_()
    y = Dropout(0.25, 1, 2, range(3))(x)
    y.backward(torch.full_like(y, 2.0))
    torch.testing.assert_close(x.grad, torch.where(y != 0, 2.0 / 0.75, 0.0), rtol=1e-4, atol=0.0)


def test_table_dropout_is_the_same_for_all_sequences_of_a_step() -> None:
    table = torch.ones(31, 7)
    first, again, other = (Dropout(0.5, 1, step, [row]).table(table) for step, row in ((2, 0), (2, 9), (3, 0)))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "where"), [("transformer", "sum"), ("transformer", "table"), ("lstm", "sum")])
@given(cuts=st.sets(st.integers(1, 5)), step=st.integers(0, 1_000_000))
def test_gradients_do_not_depend_on_micro_batches(kind: str, where: str, cuts: set[int], step: int) -> None:
    model = model_of(kind, where)
    ids = torch.randint(VOCABULARY, (6, CONTEXT), generator=torch.Generator().manual_seed(0))
    weights = torch.full(ids.shape, 0.02)

    def gradients(edges: list[int]) -> list[torch.Tensor]:
        model.zero_grad()
        for first, last in pairwise(edges):
            dropout, own = Dropout(0.3, 7, step, range(first, last)), slice(first, last)
            states = model.hidden(ids[own], dropout)
            language_model_loss(model, states, ids[own], weights[own], torch.float32, dropout).backward()
        return [parameter.grad.clone() for parameter in model.parameters() if parameter.grad is not None]

    for whole, parts in zip(gradients([0, 6]), gradients([0, *sorted(cuts), 6]), strict=True):
        torch.testing.assert_close(whole, parts, rtol=1e-4, atol=1e-6)
