"""GELU in place, against its formula."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from pretrace.model.kernels import gelu as gelu_module


@pytest.mark.parametrize(("activation", "approximate"), [("gelu_tanh", "tanh"), ("gelu", "none")])
@pytest.mark.parametrize("chunk", [1 << 17, 64, 7])
def test_gelu_has_the_values_and_slopes_of_its_formula(
    chunk: int, activation: str, approximate: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float64, from far below where it is 0 to far above where it is x."""
    monkeypatch.setattr(gelu_module, "CHUNK", chunk)
    found = torch.cat([torch.linspace(-12, 12, 501), torch.tensor([-300.0, -0.0, 0.0, 300.0])])
    exact = found.double().requires_grad_()
    expected = F.gelu(exact, approximate=approximate)
    expected.sum().backward()
    slopes = gelu_module.gelu_(found, activation)
    torch.testing.assert_close(found.double(), expected.detach(), rtol=1e-5, atol=2e-6)
    torch.testing.assert_close(slopes.double(), exact.grad, rtol=1e-5, atol=5e-6)
