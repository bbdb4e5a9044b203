"""Rows of a table by number, and a table added to sequences, with gradients that can be summed by unit.

A table that is also the output gets a second gradient from there (pretrace.model.kernels.cross_entropy). The two are
summed for each unit before units are; the output is computed last and its backward pass first, so its part is kept
until the look-up's.

Shapes: V rows of a table, C width, B sequences, T their tokens, N ids (any number of axes).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.model.kernels.units import Units, current_units, tree_sum


def look_up(ids_N: Tensor, table_VC: Tensor) -> Tensor:
    """Return the rows (N, C) of a table."""
    if units := current_units():
        result: Tensor = _LookUp.apply(ids_N, table_VC, units, units.expect_gradients(table_VC))
        return result
    return F.embedding(ids_N, table_VC)


def add_to_each(x_BTC: Tensor, table_TC: Tensor) -> Tensor:
    """Return sequences (B, T, C) with the same table added to each."""
    if units := current_units():
        result: Tensor = _AddToEach.apply(x_BTC, table_TC, units)
        return result
    return x_BTC + table_TC


class _LookUp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, ids_N: Tensor, table_VC: Tensor, units: Units, from_output: list[Tensor]) -> Tensor:
        ctx.save_for_backward(ids_N)
        ctx.shape, ctx.units, ctx.from_output = table_VC.shape, units, from_output
        return F.embedding(ids_N, table_VC)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, None, None]:
        (ids_N,) = ctx.saved_tensors
        flat_N, d_NC = ids_N.reshape(-1), gradients[0].reshape(-1, ctx.shape[1])
        count = ctx.units.count
        parts_UVC = ctx.from_output[0] if ctx.from_output else d_NC.new_zeros(count, *ctx.shape)
        for part_VC, own_N, d_nC in zip(parts_UVC, flat_N.view(count, -1), ctx.units.stack(d_NC), strict=True):
            part_VC.scatter_add_(0, own_N[:, None].expand_as(d_nC), d_nC)
        return None, tree_sum(parts_UVC), None, None


class _AddToEach(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_BTC: Tensor, table_TC: Tensor, units: Units) -> Tensor:
        ctx.units = units
        return x_BTC + table_TC

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor | None, None]:
        d_BTC = gradients[0]
        if not ctx.needs_input_grad[1]:
            return d_BTC, None, None
        return d_BTC, tree_sum(torch.stack([d.sum(0) for d in d_BTC.chunk(ctx.units.count)])), None
