"""A sum with dropout in one step, against the plain one."""

from __future__ import annotations

import torch

from pretrace.model.kernels.dropout import Dropout, add_with_dropout


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_add_with_dropout_is_the_sum_with_dropout() -> None:
    """Of the same masks, and its gradients, in float32 and in what goes the plain way."""
    for x, y in ((drawn(3, 4, 5), drawn(3, 4, 5, seed=1)), (drawn(3, 4, 5), drawn(3, 4, 5, seed=1).bfloat16())):
        results = []
        for joined in (add_with_dropout, lambda x, y, dropout: x + dropout(y)):
            own_x, own_y = x.clone().requires_grad_(), y.clone().requires_grad_()
            out = joined(own_x, own_y, Dropout(0.3, 1, 2, range(3)))
            out.backward(drawn(3, 4, 5, seed=2))
            results.append([out.detach(), own_x.grad, own_y.grad])
        assert (results[0][0] == x).any() and not torch.equal(results[0][0], x)
        for found, expected in zip(*results, strict=True):
            torch.testing.assert_close(found, expected)
    assert torch.equal(add_with_dropout(x, y, None), x + y)
