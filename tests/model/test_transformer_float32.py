"""A whole float32 model on a CPU, against its float64 self."""

from __future__ import annotations

import torch

from pretrace.model import Transformer
from pretrace.model.kernels.dropout import Dropout
from pretrace.settings import ModelSettings


def drawn(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def test_float32_gradients_with_dropout_match_float64() -> None:
    """All of it together: float64 goes the plain ways, and the masks are the same."""
    sizes = ModelSettings(
        **{"layers": 2, "width": 16, "heads": 4, "feed_forward": 32, "context": 100},
        **{"dropout": 0.1, "embedding_dropout": "sum", "initial_std": 0.3},
    )
    ids = torch.randint(50, (3, 100), generator=torch.Generator().manual_seed(0))
    gradients = []
    for dtype in (torch.float32, torch.float64):
        model = Transformer(sizes, 50, 1).to(dtype)
        states = model.hidden(ids, Dropout(0.1, 1, 0, range(3)))
        (states * drawn(3, 100, 16).to(dtype)).sum().backward()
        gradients.append([parameter.grad.double() for parameter in model.parameters()])
    for found, expected in zip(*gradients, strict=True):
        assert (found - expected).norm() < 1e-5 * expected.norm()
