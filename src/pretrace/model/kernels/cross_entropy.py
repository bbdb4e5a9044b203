"""Output projection and cross-entropy in one autograd function.

Written plainly, the logits of a batch (N tokens x V vocabulary) exist four times: as bfloat16, as float32, as
log-probabilities and as their gradient. Here they exist once, for a chunk of rows at a time: gradients are computed
together with the loss, in place of the logits, and only those of states and table are saved for the backward pass.
On a CPU that takes less than half the time (docs/log.md); of GPT-1's batch of 64 x 512 tokens, whose logits take 5.3 GB
in float32, a tenth is in memory at once.

By unit (pretrace.model.kernels.units) a chunk is of one unit. The gradient of a table that is also looked up is then
left to the look-up, by unit.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor

from pretrace.model.kernels.linear import is_float32_on_cpu, product, table_gradient
from pretrace.model.kernels.units import Units, current_units, tree_sum

LOGITS_BYTES = {"cpu": 1 << 26, "cuda": 1 << 29}
"""Memory for logits at once, by device, counted as float32. A small model's whole micro-batch fits: each further chunk
costs another addition of a gradient as large as the table."""
FLOAT32_BYTES = {"cpu": 1 << 20, "cuda": 1 << 29}
"""Memory for float32 logits at once: on a CPU, as much as its cache holds."""


class _Found(NamedTuple):
    """The loss of some rows, and its gradients."""

    loss: Tensor
    d_h_NC: Tensor
    d_weight: Tensor
    """Of the table: of all rows (V, C), or by unit (U, V, C)."""
    d_bias_V: Tensor | None


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        h_NC: Tensor,
        weight_VC: Tensor,
        bias_V: Tensor | None,
        targets_N: Tensor,
        weights_N: Tensor,
        with_gradients: bool,
        units: Units | None,
    ) -> Tensor:
        products_VC, bias = weight_VC.to(h_NC.dtype), None if bias_V is None else bias_V.to(h_NC.dtype)
        ctx.left = None
        if units is None:
            found = _loss_and_gradients(h_NC, targets_N, weights_N, products_VC, bias, with_gradients)
        else:
            found = _by_unit(h_NC, targets_N, weights_N, products_VC, bias, with_gradients, units)
            ctx.left = units.expected_gradients(weight_VC)
        d_weight = tree_sum(found.d_weight) if units and ctx.left is None else found.d_weight
        ctx.save_for_backward(found.d_h_NC, d_weight, found.d_bias_V)
        return found.loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        d_h_NC, d_weight, d_bias_V = ctx.saved_tensors
        if gradients[0] != 1.0:
            d_h_NC, d_weight = d_h_NC * gradients[0].to(d_h_NC.dtype), d_weight.float() * gradients[0]
            d_bias_V = None if d_bias_V is None else d_bias_V * gradients[0]
        if ctx.left is not None:
            ctx.left.append(d_weight)
            d_weight = None
        return d_h_NC, None if d_weight is None else d_weight.float(), d_bias_V, None, None, None, None


def _by_unit(
    h_NC: Tensor,
    targets_N: Tensor,
    weights_N: Tensor,
    products_VC: Tensor,
    bias: Tensor | None,
    with_gradients: bool,
    units: Units,
) -> _Found:
    if len(h_NC) <= _rows_at_once(products_VC):
        return _units_at_once(h_NC, targets_N, weights_N, products_VC, bias, with_gradients, units)
    found = [
        _loss_and_gradients(h_NC[rows], targets_N[rows], weights_N[rows], products_VC, bias, with_gradients)
        for rows in units.rows(len(h_NC))
    ]
    biases = [own.d_bias_V for own in found if own.d_bias_V is not None]
    return _Found(
        loss=tree_sum(torch.stack([own.loss for own in found])),
        d_h_NC=torch.cat([own.d_h_NC for own in found]),
        d_weight=torch.stack([own.d_weight.float() for own in found]),
        d_bias_V=tree_sum(torch.stack(biases)) if biases else None,
    )


def _units_at_once(
    h_NC: Tensor,
    targets_N: Tensor,
    weights_N: Tensor,
    products_VC: Tensor,
    bias: Tensor | None,
    with_gradients: bool,
    units: Units,
) -> _Found:
    z_NV = product(h_NC, products_VC, bias)
    losses_N = torch.cat(list(_losses_to_gradients(z_NV, targets_N, weights_N)))
    loss = tree_sum(torch.stack([losses_N[rows].sum() for rows in units.rows(len(losses_N))]))
    if not with_gradients:
        return _Found(loss, torch.empty(0), torch.empty(1, 0), None)
    z_URV, h_URC = units.stack(z_NV), units.stack(h_NC)
    return _Found(
        loss,
        # Over so many columns a product's rows often round otherwise next to others.
        d_h_NC=torch.cat([product(z_RV, products_VC.T) for z_RV in z_URV]),
        d_weight=torch.bmm(z_URV.transpose(1, 2), h_URC).float(),
        d_bias_V=None if bias is None else tree_sum(z_URV.sum(1, dtype=torch.float32)),
    )


def _loss_and_gradients(
    h_NC: Tensor,
    targets_N: Tensor,
    weights_N: Tensor,
    products_VC: Tensor,
    bias: Tensor | None,
    with_gradients: bool,
) -> _Found:
    loss = torch.zeros((), device=h_NC.device)
    d_h_NC, d_weight_VC = torch.empty_like(h_NC), torch.zeros(())
    d_bias_V = None if bias is None else torch.zeros_like(bias, dtype=torch.float32)
    for rows in _chunks(len(targets_N), _rows_at_once(products_VC)):
        h_nC = h_NC[rows]
        z_nV = product(h_nC, products_VC, bias)
        for losses in _losses_to_gradients(z_nV, targets_N[rows], weights_N[rows]):
            loss = loss + losses.sum()
        if with_gradients:
            d_h_NC[rows] = product(z_nV, products_VC.T)
            d_chunk_VC = table_gradient(z_nV, h_nC)
            d_weight_VC = d_chunk_VC if rows.start == 0 else d_weight_VC.float().add_(d_chunk_VC)
            if d_bias_V is not None:
                d_bias_V += z_nV.sum(0, dtype=torch.float32)
    return _Found(loss, d_h_NC, d_weight_VC.contiguous(), d_bias_V)


def _rows_at_once(table_VC: Tensor) -> int:
    return max(1, LOGITS_BYTES[table_VC.device.type] // (4 * len(table_VC)))


def _losses_to_gradients(z_nV: Tensor, targets_n: Tensor, weights_n: Tensor) -> Iterator[Tensor]:
    """Yield the weighted losses of logits, some rows at a time, and replace the logits by the gradients of the sum."""
    numbers_n = torch.arange(len(z_nV), device=z_nV.device)
    for rows in _chunks(len(z_nV), FLOAT32_BYTES[z_nV.device.type] // (4 * z_nV.shape[1])):
        z_rows = z_nV[rows]
        out = z_rows if is_float32_on_cpu(z_rows) else None
        p_nV = torch.softmax(z_rows, -1, dtype=torch.float32, out=out)
        own = numbers_n[: len(p_nV)], targets_n[rows]
        own_n = p_nV[own]
        p_nV[own] = own_n - 1.0
        z_rows.copy_(p_nV.mul_(weights_n[rows, None]))
        # One below the smallest float would give an infinite loss where log-softmax gives a large finite one.
        yield own_n.clamp_min(torch.finfo(torch.float32).tiny).log() * -weights_n[rows]


def _chunks(rows: int, size: int) -> Iterator[slice]:
    """Cut the rows into chunks of a size, at least one row each."""
    size = max(1, size)
    return (slice(first, first + size) for first in range(0, rows, size))


def weighted_cross_entropy(
    h_NC: Tensor, weight_VC: Tensor, targets_N: Tensor, weights_N: Tensor, bias_V: Tensor | None = None
) -> Tensor:
    """Return the sum over tokens of weight x cross-entropy of the next token, in nats.

    Args:
        h_NC: hidden states, in the precision of the products.
        weight_VC: of the output (the tied token embeddings).
        targets_N: ids of the next tokens.
        weights_N: float32, for example 1/N for a mean.
        bias_V: of the output; None: none.
    """
    result: Tensor = _LinearCrossEntropy.apply(
        h_NC, weight_VC, bias_V, targets_N, weights_N, torch.is_grad_enabled(), current_units()
    )
    return result
