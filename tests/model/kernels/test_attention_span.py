"""Which tokens a token attends to, in every kernel: values and gradients against PyTorch's attention by a mask."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from pretrace.model.kernels import attention as attention_module
from pretrace.model.kernels import short_attention
from pretrace.model.kernels.attention import attention
from pretrace.model.kernels.attention_span import CAUSAL, FULL, AttentionSpan, span_of
from pretrace.model.kernels.dropout import Dropout
from pretrace.settings import ModelSettings

SPANS = [CAUSAL, FULL, *(AttentionSpan(window=window) for window in (1, 3, 8, 9, 40))]
T = 9


def attended(span: AttentionSpan, length: int) -> Tensor:
    """The mask, written down a second time."""
    query, key = torch.arange(length)[:, None], torch.arange(length)
    if span.after:
        return torch.ones(length, length, dtype=torch.bool)
    return (key <= query) & (key > query - (span.window or length))


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.parametrize(
    ("kernel", "rate"), [("whole", 0), ("whole", 0.3), ("blocks", 0), ("blocks", 0.3), ("short", 0.3)]
)
def test_each_kernel_attends_by_the_span(
    kernel: str, rate: float, span: AttentionSpan, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attention_module, "QUERIES", 4 if kernel == "blocks" else 128)
    monkeypatch.setattr(short_attention, "QUERIES", 4)
    random = torch.Generator().manual_seed(0)
    inputs = [torch.randn(4, 2, T, 8, generator=random, dtype=torch.float64) for _ in range(4)]
    kept = Dropout(rate, 1, 2, range(4)).keep(2, T, T) != 0 if rate else torch.ones(4, 2, T, T)
    results = []
    for ours in (True, False):
        q, k, v = (x.clone().requires_grad_() for x in inputs[:3])
        dropout = Dropout(rate, 1, 2, range(4)) if rate else None
        if not ours:
            scores = (q @ k.mT / 8**0.5).masked_fill(~attended(span, T), -torch.inf)
            out = (scores.softmax(-1) * kept / (dropout.scale**-1 if dropout else 1)) @ v
        elif kernel == "short":
            out = short_attention.attention_with_saved_weights(torch.stack([q, k, v]), dropout, None, span)
        else:
            out = attention(q, k, v, dropout, None, span)
        out.backward(inputs[3])
        results.append([out.detach(), q.grad, k.grad, v.grad])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("span", SPANS)
def test_fused_kernel_attends_by_the_span(span: AttentionSpan) -> None:
    random = torch.Generator().manual_seed(0)
    q, k, v = (torch.randn(2, 3, T, 5, generator=random) for _ in range(3))
    expected = F.scaled_dot_product_attention(q, k, v, attended(span, T))
    torch.testing.assert_close(attention(q, k, v, None, None, span), expected)


@given(st.integers(1, 40), st.just(FULL) | st.builds(AttentionSpan, window=st.integers(1, 50) | st.none()), st.data())
def test_keys_and_bias_of_a_block_are_the_mask(length: int, span: AttentionSpan, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, length - 1))
    last = data.draw(st.integers(first + 1, length))
    keys = span.keys(first, last, length)
    bias = span.bias(slice(first, last), keys, torch.float32)
    found = torch.zeros(last - first, length, dtype=torch.bool)
    found[:, keys] = True if bias is None else bias == 0
    assert torch.equal(found, attended(span, length)[first:last])
    mask = span.mask(length, torch.device("cpu"))
    plain = torch.ones(length, length, dtype=torch.bool)
    assert torch.equal(attended(span, length), mask if mask is not None else plain if span.after else plain.tril())


@given(st.integers(1, 60), st.integers(1, 70) | st.none(), st.booleans())
def test_pairs_are_counted(length: int, window: int | None, after: bool) -> None:
    span = AttentionSpan(after, None if after else window)
    counted = int(attended(span, length).sum())
    beyond = counted if after else counted - length / 2  # a causal token with itself is half a pair
    if window is not None and not after and window < length:
        beyond += (length - window) / 2  # as is the last one of a window
    assert span.pairs(np.array([length])).tolist() == [2 * beyond]


def test_layers_alternate_the_dense_one_first() -> None:
    sizes = {"layers": 4, "width": 8, "heads": 2, "feed_forward": 8, "context": 16, "dropout": 0.0}
    rest = {"embedding_dropout": "sum", "initial_std": 0.1}
    banded = ModelSettings(**sizes, **rest, attention="banded", window=4)
    assert [span_of(banded, layer) for layer in range(4)] == 2 * [CAUSAL, AttentionSpan(window=4)]
    assert span_of(ModelSettings(**sizes, **rest), 1) == CAUSAL
    assert span_of(ModelSettings(**sizes, **rest, attention="full"), 0) == FULL
