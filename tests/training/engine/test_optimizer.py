"""Which tensors decay, and the first step of each optimizer."""

from __future__ import annotations

import pytest
import torch

from pretrace.settings import OptimizerSettings
from pretrace.training.engine.optimizer import build_optimizer

each = pytest.mark.parametrize("optimizer", ["openai_adam", "adamw", "bert_adam"])


@each
def test_decay_is_on_tensors_of_two_dimensions_and_more(optimizer: str) -> None:
    module = torch.nn.Sequential(torch.nn.Embedding(5, 4), torch.nn.Linear(4, 4), torch.nn.LayerNorm(4))
    torch.nn.init.ones_(module[2].bias)
    settings = OptimizerSettings(optimizer=optimizer, weight_decay=0.1, beta1=0.8, beta2=0.95, clip_norm=1.0)
    adam = build_optimizer(module, settings)
    before = {name: p.detach().clone() for name, p in module.named_parameters()}
    for parameter in module.parameters():
        parameter.grad = torch.zeros_like(parameter)
    for group in adam.param_groups:
        assert group["betas"] == (0.8, 0.95)
        group["lr"] = 0.5
    adam.step()
    assert {p for group in adam.param_groups for p in group["params"]} == set(module.parameters())
    share = 0.05**0.5 / 0.2 if optimizer == "openai_adam" else 1.0
    for name, parameter in module.named_parameters():
        factor = 1 - 0.5 * 0.1 * share if parameter.dim() > 1 else 1.0
        torch.testing.assert_close(parameter.detach(), before[name] * factor)


@each
def test_first_step_is_the_rate_times_the_gradients_sign(optimizer: str) -> None:
    module = torch.nn.Linear(3, 2)
    settings = OptimizerSettings(optimizer=optimizer, weight_decay=0.0, beta1=0.9, beta2=0.999, clip_norm=1.0)
    adam = build_optimizer(module, settings)
    weight, bias = module.weight.detach().clone(), module.bias.detach().clone()
    for group in adam.param_groups:
        group["lr"] = 0.01
    module.weight.grad = torch.tensor([[1.0, -2.0, 0.5], [3.0, -0.1, 7.0]])
    adam.step()
    moved = 0.01 * module.weight.grad.sign()
    if optimizer == "bert_adam":  # without correction of the bias: (1 - beta1) / sqrt(1 - beta2) times that
        moved *= 0.1 / 0.001**0.5
    torch.testing.assert_close(module.weight.detach(), weight - moved, rtol=0, atol=1e-5)
    assert torch.equal(module.bias.detach(), bias)  # without a gradient nothing moves
