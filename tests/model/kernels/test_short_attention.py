"""Attention with saved weights, against its formula."""

from __future__ import annotations

import pytest
import torch

from pretrace.model.kernels import short_attention
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.kernels.short_attention import attention_with_saved_weights


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@pytest.mark.parametrize("queries", [64, 9, 4, 1])
def test_short_attention_matches_its_formula(queries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In float64, however it is cut, and with the masks that dropout gives."""
    monkeypatch.setattr(short_attention, "QUERIES", queries)
    qkv, factors = (drawn(*shape, dtype=torch.float64) for shape in [(4, 9, 3, 2, 8), (4, 2, 9, 8)])
    kept = Dropout(0.3, 1, 2, range(4)).keep(2, 9, 9) != 0
    results = []
    for ours in (True, False):
        x = qkv.clone().requires_grad_()
        q, k, v = heads = x.permute(2, 0, 3, 1, 4)
        if ours:
            out = attention_with_saved_weights(heads, Dropout(0.3, 1, 2, range(4)))
        else:
            scores = (q @ k.transpose(-2, -1) / 8**0.5).masked_fill(torch.ones(9, 9).triu(1) > 0, -torch.inf)
            out = (scores.softmax(-1) * kept / (1 - Dropout(0.3, 1, 2, []).rate)) @ v
        out.backward(factors)
        results.append([out.detach(), x.grad])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)
