"""The language-model loss is cross-entropy, and so are its gradients."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from pretrace.model import Transformer
from pretrace.model.kernels import cross_entropy as loss_module
from pretrace.model.kernels.cross_entropy import weighted_cross_entropy
from pretrace.model.loss import language_model_loss
from pretrace.settings import ModelSettings

SETTINGS = ModelSettings(
    **{"layers": 1, "width": 8, "heads": 2, "feed_forward": 16, "context": 12},
    **{"dropout": 0.0, "embedding_dropout": "sum", "initial_std": 0.3},
)


def inputs(rows: int = 11, width: int = 6, pieces: int = 17, scale: float = 1.0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(3)
    h = (scale * torch.randn(rows, width, generator=generator)).requires_grad_()
    weight = torch.randn(pieces, width, generator=generator).requires_grad_()
    targets = torch.randint(pieces, (rows,), generator=generator)
    return [h, weight, targets, torch.rand(rows, generator=generator)]


def plain(h: torch.Tensor, weight: torch.Tensor, targets: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    return (F.cross_entropy(h @ weight.T, targets, reduction="none") * weights).sum()


@pytest.mark.parametrize("outer", [1.0, 0.37, -2.0])
def test_loss_and_gradients_are_those_of_cross_entropy(outer: float) -> None:
    results = []
    for function in (weighted_cross_entropy, plain):
        h, weight, targets, weights = inputs()
        loss = function(h, weight, targets, weights)
        (outer * loss).backward()
        results.append((loss.detach(), h.grad, weight.grad))
    for found, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rows", [1, 2, 4, 5, 10, 11, 12])
@pytest.mark.parametrize("budget", ["LOGITS_BYTES", "FLOAT32_BYTES"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_loss_in_chunks_is_equal(rows: int, budget: str, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> None:
    results = []
    for bytes_at_once in (1 << 20, rows * 17 * 4, 1):
        monkeypatch.setitem(getattr(loss_module, budget), "cpu", bytes_at_once)
        h, weight, targets, weights = inputs()
        low = h.detach().to(dtype).requires_grad_()
        loss = weighted_cross_entropy(low, weight, targets, weights)
        loss.backward()
        results.append((loss.detach(), low.grad.float(), weight.grad))
    tolerance = 1e-5 if dtype == torch.float32 else 0.02
    for found, other, expected in zip(*results, strict=True):
        torch.testing.assert_close(found, expected, rtol=tolerance, atol=tolerance)
        torch.testing.assert_close(other, expected, rtol=tolerance, atol=tolerance)


def test_loss_under_no_grad_makes_no_gradients() -> None:
    h, weight, targets, weights = inputs()
    with torch.no_grad():
        found = weighted_cross_entropy(h, weight, targets, weights)
    torch.testing.assert_close(found, weighted_cross_entropy(h, weight, targets, weights).detach())
    assert not found.requires_grad


def test_loss_gradients_pass_gradcheck() -> None:
    h, weight, targets, weights = (t.detach().double() if t.is_floating_point() else t for t in inputs(5, 3, 7))
    for tensor in (h, weight):
        tensor.requires_grad_()
    # The probabilities are float32 whatever goes in, so the steps are large and the tolerance is wide.
    assert torch.autograd.gradcheck(
        lambda a, b: weighted_cross_entropy(a, b, targets, weights.float()).double(), (h, weight), eps=1e-2, atol=5e-3
    )


def test_loss_of_an_impossible_target_is_large_and_finite() -> None:
    h, weight, _, weights = inputs(scale=300.0)
    targets = (h @ weight.T).argmin(1)
    loss = weighted_cross_entropy(h, weight, targets, weights)
    loss.backward()
    assert 10 < loss.item() < torch.inf
    h_again, weight_again, _, _ = inputs(scale=300.0)
    plain(h_again, weight_again, targets, weights).backward()
    torch.testing.assert_close(h.grad, h_again.grad)


def test_bfloat16_loss_and_gradients_are_close() -> None:
    h, weight, targets, weights = inputs(64, 16, 100, 0.5)
    exact = plain(h, weight, targets, weights)
    exact.backward()
    h_low = h.detach().bfloat16().requires_grad_()
    weight_again = weight.detach().clone().requires_grad_()
    loss = weighted_cross_entropy(h_low, weight_again, targets, weights)
    loss.backward()
    assert loss.dtype == torch.float32
    assert (loss - exact).abs().item() < 0.02 * exact.item()
    assert (h_low.grad.float() - h.grad).norm() < 0.03 * h.grad.norm()
    assert weight_again.grad.dtype == torch.float32  # the optimizer's precision
    assert (weight_again.grad - weight.grad).norm() < 0.03 * weight.grad.norm()


def test_sequence_loss_weighs_each_predicted_position() -> None:
    model = Transformer(SETTINGS, 20, seed=0)
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(20, (3, 9), generator=generator)
    weights = torch.rand(3, 9, generator=generator)
    weights[:, 0] = 5.0  # place 0 is never predicted
    weights[1, 4:] = 0.0  # padding
    found = language_model_loss(model, model.hidden(ids), ids, weights, torch.float32)
    each = F.cross_entropy(model(ids)[:, :-1].transpose(1, 2), ids[:, 1:], reduction="none")
    torch.testing.assert_close(found, (each * weights[:, 1:]).sum())
    parameters = list(model.parameters())
    expected = torch.autograd.grad((each * weights[:, 1:]).sum(), parameters)
    for a, b in zip(torch.autograd.grad(found, parameters), expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6)


def test_sequence_loss_ignores_padding() -> None:
    model = Transformer(SETTINGS, 20, seed=0)
    ids = torch.randint(20, (2, 6), generator=torch.Generator().manual_seed(1))
    weights = torch.full((2, 6), 0.1)
    padded = torch.cat([ids, torch.full((2, 4), 19)], 1)
    padded_weights = torch.cat([weights, torch.zeros(2, 4)], 1)
    short = language_model_loss(model, model.hidden(ids), ids, weights, torch.float32)
    long = language_model_loss(model, model.hidden(padded), padded, padded_weights, torch.float32)
    torch.testing.assert_close(short, long)
