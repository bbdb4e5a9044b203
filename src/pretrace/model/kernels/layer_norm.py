"""Layer norm whose gradients of gain and bias can be summed by unit (pretrace.model.kernels.units).

Shapes: N rows (any number of axes), C width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from pretrace.model.kernels.units import Units, current_units, tree_sum


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
        shape, aten = [width], torch.ops.aten
        tensors = gradients[0].reshape(-1, width), x_NC.reshape(-1, width), mean_N.view(-1, 1), scale_N.view(-1, 1)
        size = tensors[0].shape[0] // len(ctx.units.sizes)
        found = [
            aten.native_layer_norm_backward(d, x, shape, mean, scale, gain_C, bias_C, [True, True, True])
            for d, x, mean, scale in zip(*(tensor.split(size) for tensor in tensors), strict=True)
        ]
        d_x_NC, d_gain_C, d_bias_C = zip(*found, strict=True)
        sums = (tree_sum(torch.stack(parts)) for parts in (d_gain_C, d_bias_C))
        return torch.cat(d_x_NC).view(x_NC.shape).to(ctx.dtype), *sums, None, None
