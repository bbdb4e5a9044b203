"""The feed-forward network for float32 on a CPU, against plain layers."""

from __future__ import annotations

import torch

from pretrace.model.kernels.feed_forward import feed_forward


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_feed_forward_matches_plain_layers() -> None:
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
