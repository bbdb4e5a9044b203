"""Layer norm whose gradients of gain and bias can be summed by unit (pretrace.model.kernels.units).

Shapes: N rows (any number of axes), C width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pretrace.model.kernels.units import Units, current_units, tree_sum

_layer_norm_backward = torch.ops.aten.native_layer_norm_backward.default
ALL_THREE = (True, True, True)
"""Gradients of rows, gain and bias."""


def layer_norm(norm: nn.LayerNorm, x_NC: Tensor) -> Tensor:
    """Return a layer norm of rows (N, C)."""
    units = current_units()
    result: Tensor = _LayerNorm.apply(x_NC, norm.weight, norm.bias, norm.eps, units) if units else norm(x_NC)
    return result


class _LayerNorm(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_NC: Tensor, gain_C: Tensor, bias_C: Tensor, epsilon: float, units: Units) -> Tensor:
        ctx.units, ctx.dtype = units, x_NC.dtype
        x_NC = x_NC.float()  # as autocast has it
        y_NC, mean_N, scale_N = torch.native_layer_norm(x_NC, gain_C.shape, gain_C, bias_C, epsilon)
        ctx.save_for_backward(x_NC, mean_N, scale_N, gain_C, bias_C)
        return y_NC

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        x_NC, mean_N, scale_N, gain_C, bias_C = ctx.saved_tensors
        width = len(gain_C)
        tensors = gradients[0].reshape(-1, width), x_NC.reshape(-1, width), mean_N.view(-1, 1), scale_N.view(-1, 1)
        size = len(tensors[0]) // ctx.units.count
        found = [
            _layer_norm_backward(d, x, (width,), mean, scale, gain_C, bias_C, ALL_THREE)
            for d, x, mean, scale in zip(*(tensor.split(size) for tensor in tensors), strict=True)
        ]
        d_x_NC = torch.cat([d_x for d_x, _, _ in found]).view(x_NC.shape)
        d_gain_C, d_bias_C = tree_sum(torch.stack([torch.stack(own[1:]) for own in found]))
        return d_x_NC.to(ctx.dtype), d_gain_C, d_bias_C, None, None
