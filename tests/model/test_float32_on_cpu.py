"""What float32 training on a CPU does in ways of its own, beside the plain forms: values and gradients to rounding."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.model import GPT
from pretrace.model.kernels import gelu as gelu_module
from pretrace.model.kernels import short_attention
from pretrace.model.kernels.dropout import Dropout, added
from pretrace.model.kernels.feed_forward import feed_forward
from pretrace.model.kernels.linear import linear
from pretrace.model.kernels.short_attention import attention_with_weights_kept
from pretrace.settings import ModelSettings

lengths = st.integers(1, 9)


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


@settings(deadline=None)
@given(rows=lengths, tokens=lengths, read=lengths, given_out=lengths, with_bias=st.booleans())
def test_a_linear_layer_is_the_plain_one(rows: int, tokens: int, read: int, given_out: int, with_bias: bool) -> None:
    check_linear(rows, tokens, read, given_out, with_bias)


def test_a_linear_layer_that_reads_much_more_than_it_gives_is_the_plain_one() -> None:
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


def test_a_linear_layer_in_bfloat16_is_pytorchs() -> None:
    x, weight, bias = drawn(4, 8), drawn(6, 8, seed=1), drawn(6, seed=2)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(linear(x, weight, bias), F.linear(x, weight, bias))


@pytest.mark.parametrize("piece", [1 << 17, 64, 7])
def test_gelu_has_the_values_and_slopes_of_its_formula(piece: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In float64, from far below where it is 0 to far above where it is x."""
    monkeypatch.setattr(gelu_module, "PIECE", piece)
    found = torch.cat([torch.linspace(-12, 12, 501), torch.tensor([-300.0, -0.0, 0.0, 300.0])])
    exact = found.double().requires_grad_()
    expected = F.gelu(exact, approximate="tanh")
    expected.sum().backward()
    slopes = gelu_module.gelu_(found)
    torch.testing.assert_close(found.double(), expected.detach(), rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(slopes.double(), exact.grad, rtol=1e-5, atol=5e-6)


def test_a_feed_forward_network_is_that_of_plain_layers() -> None:
    """Values and all gradients; what goes in, and what comes back, are left as they were."""
    first, second = torch.nn.Linear(6, 24), torch.nn.Linear(24, 6)
    plain = torch.nn.Sequential(first, torch.nn.GELU(approximate="tanh"), second)
    x, factors, results = drawn(5, 7, 6), drawn(5, 7, 6, seed=1), []
    for network in (lambda x: feed_forward(x, first, second), plain):
        plain.zero_grad()
        own = x.clone().requires_grad_()
        out = network(own)
        d_out = factors.clone()
        out.backward(d_out, retain_graph=True)
        assert torch.equal(own, x) and torch.equal(d_out, factors)
        out.backward(d_out)  # a second time: nothing that is kept has changed
        results.append([out.detach(), own.grad, *(parameter.grad.clone() for parameter in plain.parameters())])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-5)


def test_a_sum_with_holes_is_the_sum_with_dropout() -> None:
    """Of the same masks, and its gradients, in float32 and in what goes the plain way."""
    for x, y in ((drawn(3, 4, 5), drawn(3, 4, 5, seed=1)), (drawn(3, 4, 5), drawn(3, 4, 5, seed=1).bfloat16())):
        results = []
        for joined in (added, lambda x, y, dropout: x + dropout(y)):
            own_x, own_y = x.clone().requires_grad_(), y.clone().requires_grad_()
            out = joined(own_x, own_y, Dropout(0.3, 1, 2, range(3)))
            out.backward(drawn(3, 4, 5, seed=2))
            results.append([out.detach(), own_x.grad, own_y.grad])
        assert (results[0][0] == x).any() and not torch.equal(results[0][0], x)
        for found, expected in zip(*results, strict=True):
            torch.testing.assert_close(found, expected)
    assert torch.equal(added(x, y, None), x + y)


@pytest.mark.parametrize("queries", [64, 9, 4, 1])
def test_attention_with_kept_weights_is_its_formula(queries: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """In float64, however it is cut, and with the masks that dropout gives."""
    monkeypatch.setattr(short_attention, "QUERIES", queries)
    qkv, factors = (drawn(*shape, dtype=torch.float64) for shape in [(4, 9, 3, 2, 8), (4, 2, 9, 8)])
    kept = Dropout(0.3, 1, 2, range(4)).kept(2, 9, 9) != 0
    results = []
    for ours in (True, False):
        x = qkv.clone().requires_grad_()
        q, k, v = heads = x.permute(2, 0, 3, 1, 4)
        if ours:
            out = attention_with_weights_kept(heads, Dropout(0.3, 1, 2, range(4)))
        else:
            scores = (q @ k.transpose(-2, -1) / 8**0.5).masked_fill(torch.ones(9, 9).triu(1) > 0, -torch.inf)
            out = (scores.softmax(-1) * kept / (1 - Dropout(0.3, 1, 2, []).rate)) @ v
        out.backward(factors)
        results.append([out.detach(), x.grad])
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)


def test_a_model_with_dropout_has_the_gradients_of_its_float64_self() -> None:
    """All of it together: float64 goes the plain ways, and the masks are the same."""
    sizes = ModelSettings(
        **{"layers": 2, "width": 16, "heads": 4, "feed_forward": 32, "context": 100},
        **{"dropout": 0.1, "embedding_dropout": "sum", "initial_std": 0.3},
    )
    ids = torch.randint(50, (3, 100), generator=torch.Generator().manual_seed(0))
    gradients = []
    for dtype in (torch.float32, torch.float64):
        model = GPT(sizes, 50, 1).to(dtype)
        states, _ = model.hidden(ids, Dropout(0.1, 1, 0, range(3)))
        (states * drawn(3, 100, 16).to(dtype)).sum().backward()
        gradients.append([parameter.grad.double() for parameter in model.parameters()])
    for found, expected in zip(*gradients, strict=True):
        assert (found - expected).norm() < 1e-5 * expected.norm()
