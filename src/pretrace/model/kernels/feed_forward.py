"""Feed-forward network of a block: two linear layers with an activation between them.

With GELU, in float32 on a CPU, it is one autograd function. The activations between the layers, four times
as wide as the rest, then belong to it alone: GELU and the gradient through it are computed in place (docs/log.md).

Shapes: N tokens (any number of axes), C width, F inner width.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.model.kernels.gelu import FORMS, gelu_
from pretrace.model.kernels.linear import is_float32_on_cpu_without_autocast, linear, linear_gradients, product
from pretrace.model.kernels.units import Units, current_units

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "gelu_tanh": partial(F.gelu, approximate="tanh"),
    "gelu": F.gelu,
    "relu": F.relu,
}
"""Functions by the names in `model.activation`."""


def feed_forward(x_NC: Tensor, first: nn.Linear, second: nn.Linear, activation: str = "gelu_tanh") -> Tensor:
    """Return the second layer of the activation of the first: (N, C)."""
    if activation in FORMS and is_float32_on_cpu_without_autocast(x_NC) and torch.is_grad_enabled():
        result: Tensor = _FeedForward.apply(
            x_NC, first.weight, first.bias, second.weight, second.bias, activation, current_units()
        )
        return result
    inner_NF = ACTIVATIONS[activation](linear(x_NC, first.weight, first.bias))
    return linear(inner_NF, second.weight, second.bias)


class _FeedForward(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x_NC: Tensor,
        first_FC: Tensor,
        bias_F: Tensor,
        second_CF: Tensor,
        bias_C: Tensor,
        activation: str,
        units: Units | None,
    ) -> Tensor:
        ctx.units = units
        inner_NF = product(x_NC, first_FC, bias_F)
        slope_NF = gelu_(inner_NF, activation)
        ctx.save_for_backward(x_NC, first_FC, inner_NF, slope_NF, second_CF)
        return product(inner_NF, second_CF, bias_C)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x_NC, first_FC, inner_NF, slope_NF, second_CF = ctx.saved_tensors
        d_inner_NF, d_second_CF, d_bias_C = linear_gradients(gradients[0], inner_NF, second_CF, ctx.units)
        d_inner_NF *= slope_NF
        d_x_NC, d_first_FC, d_bias_F = linear_gradients(d_inner_NF, x_NC, first_FC, ctx.units)
        return d_x_NC, d_first_FC, d_bias_F, d_second_CF, d_bias_C, None, None
