"""Attention against its formula: in blocks, with dropout, in bfloat16."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from pretrace.model.kernels import attention as attention_module
from pretrace.model.kernels.attention import attention
from pretrace.model.kernels.dropout import Dropout


@torch.no_grad()
def test_attention_matches_its_formula() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, 3, 7, 5, generator=generator) for _ in range(3))
    scores = q @ k.transpose(-2, -1) / 5**0.5
    scores = scores.masked_fill(torch.ones(7, 7, dtype=torch.bool).triu(1), -torch.inf)
    torch.testing.assert_close(attention(q, k, v), scores.softmax(-1) @ v)


@torch.no_grad()
def test_bfloat16_attention_matches_the_fused_kernel() -> None:
    generator = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(4, 2, 33, 8, generator=generator).bfloat16() for _ in range(3))
    found = attention(q, k, v)
    expected = F.scaled_dot_product_attention(q.float(), k.float(), v.float(), is_causal=True)
    assert found.dtype == torch.bfloat16
    torch.testing.assert_close(found.float(), expected, rtol=0.02, atol=0.02)
    assert torch.equal(found[:, :, 0], v[:, :, 0])  # the first token sees itself alone


@pytest.mark.parametrize(("queries", "heads"), [(128, 8), (8, 8), (4, 8), (5, 3), (1, 1)])
@pytest.mark.parametrize("rate", [0.0, 0.3])
def test_blockwise_attention_matches_its_formula(
    queries: int, heads: int, rate: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float64, with dropout or without: values and gradients, however it is cut."""
    generator = torch.Generator().manual_seed(0)
    inputs = [torch.randn(4, 2, 9, 8, generator=generator, dtype=torch.float64) for _ in range(4)]
    monkeypatch.setattr(attention_module, "QUERIES", queries)
    monkeypatch.setattr(attention_module, "BLOCK_BYTES", heads * 4 * 9 * min(queries, 9))
    kept = Dropout(rate, 1, 2, range(4)).keep(2, 9, 9) != 0 if rate else torch.ones(4, 2, 9, 9, dtype=torch.bool)
    results = []
    for found in (True, False):
        q, k, v = (x.clone().requires_grad_() for x in inputs[:3])
        if found:
            out = attention(q, k, v, Dropout(rate, 1, 2, range(4)) if rate else None)
        else:
            scores = (q @ k.transpose(-2, -1) / 8**0.5).masked_fill(torch.ones(9, 9).triu(1) > 0, -torch.inf)
            out = (scores.softmax(-1) * kept / (1 - Dropout(rate, 1, 2, []).rate)) @ v
        out.backward(inputs[3])
        results.append([out.detach(), q.grad, k.grad, v.grad])
    for one, other in zip(*results, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-5)  # the weights are float32 whatever goes in


def test_bfloat16_attention_gradients_are_close() -> None:
    generator = torch.Generator().manual_seed(0)
    values = [torch.randn(2, 2, 9, 8, generator=generator) for _ in range(3)]
    gradients = {}
    for dtype in (torch.float32, torch.bfloat16):
        q, k, v = (value.clone().to(dtype).requires_grad_() for value in values)
        attention(q, k, v).square().sum().backward()
        gradients[dtype] = [tensor.grad.float() for tensor in (q, k, v)]
    for exact, rounded in zip(*gradients.values(), strict=True):
        assert (exact - rounded).norm() < 0.03 * exact.norm()
