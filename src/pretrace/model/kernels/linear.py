"""Linear layers in float32 on a CPU: most matrix products by oneDNN, which is faster there than MKL.

PyTorch multiplies float32 matrices with MKL, which on an AMD processor is a tenth slower than oneDNN (docs/log.md).
PyTorch includes oneDNN, which takes the weight as stored or transposed: the layer itself and the gradient of its input.
The gradient of the weight stays with MKL, except for shapes at which oneDNN measured faster. On other devices and in
bfloat16 this is `F.linear`.

By unit (pretrace.model.kernels.units) the gradient of a weight is a product of each unit's rows alone.

Shapes: N rows (any number of axes), I inputs, O outputs.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.model.kernels.units import Units, current_units, tree_sum

HAS_ONEDNN = torch.backends.mkldnn.is_available() and hasattr(torch.ops.mkldnn, "_linear_pointwise")
"""True if this PyTorch has the operation that its own compiler uses for linear layers; it has no public name."""


def linear(x_NI: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """Return rows times a weight plus a bias: `F.linear` up to rounding."""
    if uses_onednn(x_NI) or current_units():
        result: Tensor = _Linear.apply(x_NI, weight_OI, bias_O, current_units())
        return result
    return F.linear(x_NI, weight_OI, bias_O)


def uses_onednn(x: Tensor) -> bool:
    """Return True if products go to oneDNN; PyTorch's compiler chooses for itself, and cannot compile such a call."""
    return HAS_ONEDNN and is_float32_on_cpu_without_autocast(x) and not torch.compiler.is_compiling()


def is_float32_on_cpu_without_autocast(x: Tensor) -> bool:
    """Return True for float32 CPU tensors whose products autocast does not round to bfloat16."""
    return is_float32_on_cpu(x) and not torch.is_autocast_enabled("cpu")


def is_float32_on_cpu(x: Tensor) -> bool:
    """Return True for float32 CPU tensors, the only case that the fast kernels handle."""
    return x.device.type == "cpu" and x.dtype == torch.float32


def precision_of_products(x: Tensor) -> torch.dtype:
    """Return the type that autocast has products of a tensor computed in, or its own."""
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else x.dtype


def product(x_NI: Tensor, weight_OI: Tensor, bias_O: Tensor | None = None) -> Tensor:
    """Return `linear` without gradients."""
    if uses_onednn(x_NI):
        result: Tensor = torch.ops.mkldnn._linear_pointwise(x_NI, weight_OI, bias_O, "none", [], "")
        return result
    return F.linear(x_NI, weight_OI, bias_O)


def linear_gradients(
    d_NO: Tensor, x_NI: Tensor, weight_OI: Tensor, units: Units | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Return the gradients of a linear layer's input, weight and bias, given that of its output.

    With `units`, those of weight and bias are float32 sums of theirs.
    """
    flat_NO = d_NO.reshape(-1, weight_OI.shape[0])
    flat_NI = x_NI.reshape(-1, weight_OI.shape[1])
    d_x_NI = product(flat_NO, weight_OI.T).view(x_NI.shape)
    if units is None:
        return d_x_NI, _weight_gradient(flat_NO, flat_NI), flat_NO.sum(0)
    d_URO, x_URI = units.stack(flat_NO), units.stack(flat_NI)
    d_weight_OI = tree_sum(torch.bmm(d_URO.transpose(1, 2), x_URI).float())
    return d_x_NI, d_weight_OI, tree_sum(d_URO.sum(1).float())


def _weight_gradient(d_NO: Tensor, x_NI: Tensor) -> Tensor:
    (_, outputs), (_, inputs) = d_NO.shape, x_NI.shape
    if uses_onednn(d_NO) and inputs >= max(1024, 4 * outputs):
        return product(d_NO.T, x_NI.T)
    return d_NO.T @ x_NI


def table_gradient(d_NO: Tensor, x_NI: Tensor) -> Tensor:
    """Return the gradient (O, I) of a weight with many more rows than columns: oneDNN is faster on the transpose."""
    return product(x_NI.T, d_NO.T).T if uses_onednn(d_NO) else d_NO.T @ x_NI


class _Linear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x_NI: Tensor, weight_OI: Tensor, bias_O: Tensor | None, units: Units | None) -> Tensor:
        dtype, ctx.units, ctx.dtype = precision_of_products(x_NI), units, x_NI.dtype
        used_NI, used_OI = x_NI.to(dtype), weight_OI.to(dtype)
        ctx.save_for_backward(used_NI, used_OI)
        return product(used_NI, used_OI, None if bias_O is None else bias_O.to(dtype))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor | None, None]:
        x_NI, weight_OI = ctx.saved_tensors
        d_x_NI, d_weight_OI, d_bias_O = linear_gradients(gradients[0], x_NI, weight_OI, ctx.units)
        return d_x_NI.to(ctx.dtype), d_weight_OI, d_bias_O if ctx.needs_input_grad[2] else None, None
