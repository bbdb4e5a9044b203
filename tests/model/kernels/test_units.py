"""Sums by unit: the order of the tree, gradients as without units, and the same bytes whatever is computed at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from pretrace.model.kernels import cross_entropy
from pretrace.model.kernels import feed_forward as feed_forward_kernel
from pretrace.model.kernels import linear as linear_kernel
from pretrace.model.kernels.cross_entropy import weighted_cross_entropy
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.kernels.feed_forward import feed_forward
from pretrace.model.kernels.layer_norm import layer_norm
from pretrace.model.kernels.linear import linear, product
from pretrace.model.kernels.look_up import add_to_each, look_up
from pretrace.model.kernels.units import Units, current_units, summed_by_unit, tree_sum

B, T, C, V = 8, 32, 64, 256


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """One thread, as a rank has: several share a sum out by its size."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def by_definition(parts: list[Tensor]) -> Tensor:
    """The sum of the left subtree, which has the largest power of two of parts that leaves some, and of the rest."""
    if len(parts) == 1:
        return parts[0]
    left = 1 << (len(parts) - 1).bit_length() - 1
    return by_definition(parts[:left]) + by_definition(parts[left:])


@given(st.integers(1, 40), st.integers(0, 2**32))
def test_neighbors_are_summed_first(count: int, seed: int) -> None:
    parts_UX = torch.randn(count, 5, generator=torch.Generator().manual_seed(seed)) * 10 ** torch.arange(5)
    assert torch.equal(tree_sum(parts_UX.clone()), by_definition(list(parts_UX)))


@given(st.integers(0, 4), st.integers(1, 5), st.integers(0, 2**32))
def test_blocks_of_the_tree_are_summed_alone(height: int, blocks: int, seed: int) -> None:
    parts_UX = torch.randn((1 << height) * blocks, 3, generator=torch.Generator().manual_seed(seed))
    sums = [tree_sum(block.clone()) for block in parts_UX.split(1 << height)]
    assert torch.equal(tree_sum(torch.stack(sums)), tree_sum(parts_UX.clone()))


def product_of_each_unit(x_NI: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """`product`, of so many rows at once as two sequences have."""
    flat_NI = x_NI.reshape(-1, x_NI.shape[-1])
    parts = [product(rows_NI, weight_OI, bias_O) for rows_NI in flat_NI.split(2 * T)]
    return torch.cat(parts).view(*x_NI.shape[:-1], len(weight_OI))


class Kernels(nn.Module):
    """A model of all kernels that know units: a table that is looked up and is the output, with dropout or without."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        torch.manual_seed(1)
        self.table, self.positions = nn.Embedding(V, C), nn.Embedding(T, C)
        self.norm, self.linear = nn.LayerNorm(C), nn.Linear(C, C)
        self.first, self.second = nn.Linear(C, 3 * C), nn.Linear(3 * C, C)
        self.bias, self.rate = nn.Parameter(torch.randn(V)), rate

    def forward(self, ids_BT: Tensor, sequences: range) -> Tensor:
        dropout = Dropout(self.rate, 3, 5, sequences)
        table_VC = dropout.table(self.table.weight) if self.rate else self.table.weight
        positions_TC = dropout.table(self.positions.weight) if self.rate else self.positions.weight
        x_BTC = dropout.with_table(add_to_each(look_up(ids_BT, table_VC), positions_TC), table_VC)
        x_BTC = layer_norm(self.norm, x_BTC + linear(x_BTC, self.linear.weight, self.linear.bias))
        x_BTC = x_BTC + feed_forward(x_BTC, self.first, self.second)
        h_NC = dropout.with_table(x_BTC.reshape(-1, C), table_VC)
        weights_N = torch.full((len(h_NC),), 1.0 / (B * T))
        dtype = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else torch.float32
        return weighted_cross_entropy(h_NC.to(dtype), table_VC, ids_BT.roll(1, 1).reshape(-1), weights_N, self.bias)


def gradients(model: Kernels, ids_BT: Tensor, rows: slice, units: int | None, bfloat16: bool) -> list[Tensor]:
    """The loss and all gradients."""
    model.zero_grad()
    with summed_by_unit(Units(units) if units else None), torch.autocast("cpu", torch.bfloat16, enabled=bfloat16):
        loss = model(ids_BT[rows], range(B)[rows])
    loss.backward()
    return [loss.detach(), *(parameter.grad.clone() for parameter in model.parameters())]


@pytest.mark.parametrize("bfloat16", [False, True])
@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_gradients_are_those_without_units_and_blocks_have_the_same_bytes(
    rate: float, bfloat16: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (cross_entropy, feed_forward_kernel, linear_kernel):  # rows of products that nothing else changes
        monkeypatch.setattr(module, "product", product_of_each_unit)
    model, ids_BT = Kernels(rate), torch.randint(V, (B, T), generator=torch.Generator().manual_seed(2))
    by_unit: Callable[..., list[Tensor]] = lambda rows, units: gradients(model, ids_BT, rows, units, bfloat16)  # noqa: E731
    without, whole = by_unit(slice(B), None), by_unit(slice(B), 4)
    for one, other in zip(without, whole, strict=True):
        assert (one - other).norm() <= (5e-2 if bfloat16 else 1e-4) * one.norm()
    halves = [by_unit(slice(first, first + 4), 2) for first in (0, 4)]
    singles = [by_unit(slice(first, first + 2), 1) for first in range(0, B, 2)]
    for parts in (halves, singles):
        sums = [tree_sum(torch.stack(own)) for own in zip(*parts, strict=True)]
        assert all(torch.equal(one, other) for one, other in zip(sums, whole, strict=True))


def test_a_table_of_two_uses_is_summed_by_unit_first() -> None:
    """Else the sum over all units of one use would come before the other use: other bytes than unit after unit."""
    units, table = Units(2), nn.Embedding(V, C).weight
    assert units.expected_gradients(table) is None
    with summed_by_unit(units):
        assert current_units() is units
        x_BTC = look_up(torch.randint(V, (2, T)), table)
    assert units.expected_gradients(table) == []
    assert current_units() is None
    x_BTC.sum().backward()
    assert table.grad is not None
