"""Linear layers in float32 on a CPU: most of their matrix products by oneDNN, which is faster there than MKL.

PyTorch multiplies float32 matrices with MKL, which on an AMD processor gets a tenth less out of them than oneDNN does
(docs/log.md). oneDNN is in PyTorch, too, and takes the weight as it lies or transposed: the layer itself and the
gradient of what it reads. The gradient of the weight is MKL's but for the shapes at which oneDNN was found faster.
Elsewhere, and in bfloat16, this is `F.linear`.

Shapes: N rows (of any number of axes), I numbers read, O numbers given.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
"""Whether this PyTorch has the operation that its own compiler uses for linear layers; it has no public name."""


def linear(x_NI: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """Rows times a weight, plus a bias: `F.linear`, up to rounding."""
    if goes_to_onednn(x_NI):
        y_NO: Tensor = _Linear.apply(x_NI, weight_OI, bias_O)
        return y_NO
    return F.linear(x_NI, weight_OI, bias_O)


def goes_to_onednn(x: Tensor) -> bool:
    """Whether products of it are oneDNN's to make. PyTorch's compiler chooses for itself, and takes no such call."""
    return HAS_ONEDNN and stays_float32_on_cpu(x) and not torch.compiler.is_compiling()


def stays_float32_on_cpu(x: Tensor) -> bool:
    """Whether products of it are in float32, and on a CPU."""
    return in_float32_on_cpu(x) and not torch.is_autocast_enabled("cpu")


def in_float32_on_cpu(x: Tensor) -> bool:
    """Whether it is what this and other ways to be faster are for."""
    return x.device.type == "cpu" and x.dtype == torch.float32


def product(x_NI: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """The same without gradients."""
    if goes_to_onednn(x_NI):
        y_NO: Tensor = torch.ops.mkldnn._linear_pointwise(x_NI, weight_OI, bias_O, "none", [], "")
        return y_NO
    return F.linear(x_NI, weight_OI, bias_O)


def gradients_of_linear(d_NO: Tensor, x_NI: Tensor, weight_OI: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of what a linear layer reads, of its weight and of its bias, from that of what it gives."""
    flat_NO = d_NO.reshape(-1, weight_OI.shape[0])
    flat_NI = x_NI.reshape(-1, weight_OI.shape[1])
    d_x_NI = product(flat_NO, weight_OI.T).view(x_NI.shape)
    return d_x_NI, _gradient_of_weight(flat_NO, flat_NI), flat_NO.sum(0)


def _gradient_of_weight(d_NO: Tensor, x_NI: Tensor) -> Tensor:
    (_, given), (_, read) = d_NO.shape, x_NI.shape
    if goes_to_onednn(d_NO) and read >= max(1024, 4 * given):
        return product(d_NO.T, x_NI.T)
    return d_NO.T @ x_NI


def gradient_of_table(d_NO: Tensor, x_NI: Tensor) -> Tensor:
    """Gradient (O, I) of a weight of many more rows than columns, as a vocabulary's: oneDNN is fast the other way."""
    return product(x_NI.T, d_NO.T).T if goes_to_onednn(d_NO) else d_NO.T @ x_NI


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_NI: Tensor, weight_OI: Tensor, bias_O: Tensor | None) -> Tensor:
        ctx.save_for_backward(x_NI, weight_OI)
        return product(x_NI, weight_OI, bias_O)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        x_NI, weight_OI = ctx.saved_tensors
        d_x_NI, d_weight_OI, d_bias_O = gradients_of_linear(gradients[0], x_NI, weight_OI)
        return d_x_NI, d_weight_OI, d_bias_O if ctx.needs_input_grad[2] else None
