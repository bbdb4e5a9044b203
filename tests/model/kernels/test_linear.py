"""Linear layers for float32 on a CPU, against the plain ones: values and gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.model.kernels.linear import linear

lengths = st.integers(1, 9)


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.slow
@settings(deadline=None)
@given(rows=lengths, tokens=lengths, read=lengths, given_out=lengths, with_bias=st.booleans())
def test_linear_matches_pytorch(rows: int, tokens: int, read: int, given_out: int, with_bias: bool) -> None:
    check_linear(rows, tokens, read, given_out, with_bias)


def test_linear_with_many_inputs_matches_pytorch() -> None:
    """The gradient of its weight has a way of its own."""
    check_linear(3, 5, 1024, 256, True)


def check_linear(rows: int, tokens: int, read: int, given_out: int, with_bias: bool) -> None:
    results = []
    for layer in (linear, F.linear):
        x, weight = drawn(rows, tokens, read).requires_grad_(), drawn(given_out, read, seed=1).requires_grad_()
        bias = drawn(given_out, seed=2).requires_grad_() if with_bias else None
        out = layer(x, weight, bias)
        out.backward(drawn(tokens, rows, given_out, seed=3).transpose(0, 1))  # as gradients come, not in order
        results.append([out.detach(), x.grad, weight.grad, *([bias.grad] if with_bias else [])])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5 * max(read, given_out) ** 0.5)


def test_linear_in_bfloat16_is_pytorchs() -> None:
    x, weight, bias = drawn(4, 8), drawn(6, 8, seed=1), drawn(6, seed=2)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(linear(x, weight, bias), F.linear(x, weight, bias))
