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
from typing import Any

import torch
from torch import Tensor

from pretrace.model.kernels.linear import is_float32_on_cpu, product, table_gradient
from pretrace.model.kernels.units import Units, current_units, tree_sum

LOGITS_BYTES = {"cpu": 1 << 26, "cuda": 1 << 29}
"""Memory for logits at once, by device, counted as float32. A small model's whole micro-batch fits: each further chunk
costs another addition of a gradient as large as the table."""
FLOAT32_BYTES = {"cpu": 1 << 20, "cuda": 1 << 29}
"""Memory for float32 logits at once: on a CPU, as much as its cache holds."""


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
        inputs = h_NC, targets_N, weights_N
        if units is None:
            loss, *found = _loss_and_gradients(*inputs, products_VC, bias, with_gradients)
            ctx.left = None
        else:
            loss, *found = _by_unit(inputs, products_VC, bias, with_gradients, units)
            ctx.left = units.expected_gradients(weight_VC)
            if ctx.left is None:
                found[1] = tree_sum(found[1])
        ctx.save_for_backward(*found)
        return loss

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
    inputs: tuple[Tensor, ...], products_VC: Tensor, bias: Tensor | None, with_gradients: bool, units: Units
) -> tuple[Tensor, ...]:
    """Return the sum of the losses, the gradients of the states, those of the table by unit, and of the bias."""
    d_weight_UVC = torch.empty(0)
    found = []
    for number, rows in enumerate(units.rows(len(inputs[0]))):
        own = _loss_and_gradients(*(tensor[rows] for tensor in inputs), products_VC, bias, with_gradients)
        if with_gradients:
            if not number:
                d_weight_UVC = torch.empty(len(units.sizes), *products_VC.shape)
            d_weight_UVC[number] = own[2]
        found.append((own[0], own[1], own[3]))
    losses, states, biases = zip(*found, strict=True)
    d_bias = None if bias is None else tree_sum(torch.stack(biases))
    return tree_sum(torch.stack(losses)), torch.cat(states), d_weight_UVC, d_bias


def _loss_and_gradients(
    h_NC: Tensor,
    targets_N: Tensor,
    weights_N: Tensor,
    products_VC: Tensor,
    bias: Tensor | None,
    with_gradients: bool,
) -> tuple[Tensor, ...]:
    loss = torch.zeros((), device=h_NC.device)
    d_h_NC, d_weight_VC = torch.empty_like(h_NC), torch.zeros(())
    d_bias_V = None if bias is None else torch.zeros_like(bias, dtype=torch.float32)
    for rows in _chunks(len(targets_N), LOGITS_BYTES[h_NC.device.type] // (4 * len(products_VC))):
        h_nC = h_NC[rows]
        z_nV = product(h_nC, products_VC, bias)
        loss = loss + _losses_to_gradients(z_nV, targets_N[rows], weights_N[rows])
        if with_gradients:
            d_h_NC[rows] = product(z_nV, products_VC.T)
            d_chunk_VC = table_gradient(z_nV, h_nC)
            d_weight_VC = d_chunk_VC if rows.start == 0 else d_weight_VC.float().add_(d_chunk_VC)
            if d_bias_V is not None:
                d_bias_V += z_nV.sum(0, dtype=torch.float32)
    return loss, d_h_NC, d_weight_VC.contiguous(), d_bias_V


def _losses_to_gradients(z_nV: Tensor, targets_n: Tensor, weights_n: Tensor) -> Tensor:
    """Return the weighted sum of the losses of logits, and replace these by its gradients."""
    loss = torch.zeros((), device=z_nV.device)
    numbers_n = torch.arange(len(z_nV), device=z_nV.device)
    for rows in _chunks(len(z_nV), FLOAT32_BYTES[z_nV.device.type] // (4 * z_nV.shape[1])):
        z_rows = z_nV[rows]
        out = z_rows if is_float32_on_cpu(z_rows) else None
        p_nV = torch.softmax(z_rows, -1, dtype=torch.float32, out=out)
        own = numbers_n[: len(p_nV)], targets_n[rows]
        own_n = p_nV[own]
        # One below the smallest float would give an infinite loss where log-softmax gives a large finite one.
        loss = loss - (own_n.clamp_min(torch.finfo(torch.float32).tiny).log() * weights_n[rows]).sum()
        p_nV[own] = own_n - 1.0
        z_rows.copy_(p_nV.mul_(weights_n[rows, None]))
    return loss


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
