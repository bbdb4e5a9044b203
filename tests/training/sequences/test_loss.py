"""Label smoothing against torch's."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from pretrace.training.sequences import loss
from pretrace.training.sequences.loss import smoothed_loss


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
@pytest.mark.parametrize("tokens_at_once", [100, 3])
def test_smoothed_loss_is_torch_s(smoothing: float, tokens_at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also with logits that do not fit into memory at once, and the same gradients."""
    monkeypatch.setitem(loss.LOGITS_BYTES, "cpu", 4 * 20 * tokens_at_once)
    torch.manual_seed(0)
    weight_VC, h_NC = torch.randn(20, 8, requires_grad=True), torch.randn(11, 8, requires_grad=True)
    targets_N = torch.randint(20, (11,))
    expected = F.cross_entropy(h_NC @ weight_VC.T, targets_N, reduction="sum", label_smoothing=smoothing)
    found = smoothed_loss(lambda h: F.linear(h, weight_VC), h_NC, targets_N, smoothing, 20)
    assert float(found) == pytest.approx(float(expected), rel=1e-5)
    for one, other in zip(*(torch.autograd.grad(total, (weight_VC, h_NC)) for total in (found, expected)), strict=True):
        assert torch.allclose(one, other, atol=1e-5)
