"""Adam with decoupled weight decay, as the released code writes it (paper.md, section 2).

GPT-1 (section 4.1) says "Adam" and "a modified version of L2 regularization", and gives the rates. How they combine
is only in the code, which differs from `torch.optim.AdamW` in what it does with its epsilon and with the decay.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import nn

from pretrace.settings import OptimizerSettings

EPSILON = 1e-8
BERT_EPSILON = 1e-6


def build_optimizer(module: nn.Module, settings: OptimizerSettings) -> torch.optim.Optimizer:
    """Return the optimizer of the settings, which decays tensors of two and more dimensions; the loop sets the rate."""
    decayed = [p for p in module.parameters() if p.dim() > 1]
    plain = [p for p in module.parameters() if p.dim() <= 1]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    betas = (settings.beta1, settings.beta2)
    if settings.optimizer == "openai_adam":
        return OpenAIAdam(groups, betas)
    if settings.optimizer == "bert_adam":
        return BertAdam(groups, betas)
    return torch.optim.AdamW(groups, lr=0.0, betas=betas, eps=EPSILON, fused=True)


class BertAdam(torch.optim.AdamW):
    """Adam as BERT's code writes it (`optimization.py` of google-research/bert), in PyTorch's fused kernel.

        p -= rate * (m / (sqrt(v) + epsilon) + decay * p)

    The moments are not corrected for the bias of the first steps, so these are up to three times as large (betas 0.9,
    0.999). The kernel corrects them; it gets a rate, an epsilon and a decay with which that cancels out.

    Args:
        params: groups with a `weight_decay` each.
        betas: how much of the running means of gradients and of their squares is kept each step.
    """

    def __init__(self, params: Iterable[Any], betas: tuple[float, float]) -> None:
        super().__init__(params, lr=0.0, betas=betas, eps=BERT_EPSILON, fused=True)

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # nobody here has a closure
        """Make a step with the groups' current rates."""
        given = [(group["lr"], group["eps"], group["weight_decay"]) for group in self.param_groups]
        for group in self.param_groups:
            beta1, beta2 = group["betas"]
            done = [state["step"] for p in group["params"] if p.grad is not None and (state := self.state.get(p))]
            t = 1 + (int(done[0]) if done else 0)
            of_mean, of_root = 1 - beta1**t, math.sqrt(1 - beta2**t)
            group["lr"] *= of_mean / of_root
            group["eps"] /= of_root
            group["weight_decay"] *= of_root / of_mean
        super().step()
        for group, (rate, epsilon, decay) in zip(self.param_groups, given, strict=True):
            group["lr"], group["eps"], group["weight_decay"] = rate, epsilon, decay


class OpenAIAdam(torch.optim.Optimizer):
    """Adam as the released code writes it (`opt.py` of finetune-transformer-lm).

        rate_t = rate * sqrt(1 - beta2^t) / (1 - beta1^t)
        p -= rate_t * (m / (sqrt(v) + epsilon) + decay * p)

    So epsilon is not corrected for the bias of the first steps, and decay is: it is scaled by the same factor as the
    rest. For AdamW it is `rate * decay * p`. The factor is 0.32 at t = 1 and 0.15 at t = 10 (betas 0.9, 0.999), so for
    the first thousands of steps this Adam decays weights less.

    Args:
        params: groups with a `weight_decay` each.
        betas: how much of the running means of gradients and of their squares is kept each step.
        epsilon: added to the root of the mean square.
    """

    def __init__(self, params: Iterable[Any], betas: tuple[float, float], epsilon: float = EPSILON) -> None:
        super().__init__(params, {"lr": 0.0, "betas": betas, "eps": epsilon, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # nobody here has a closure
        """Make a step with the groups' current rates."""
        for group in self.param_groups:
            parameters = [p for p in group["params"] if p.grad is not None]
            if not parameters:
                continue
            gradients = [p.grad for p in parameters]
            states = [self._state_of(p) for p in parameters]
            for state in states:
                state["step"] += 1
            means, squares = [s["exp_avg"] for s in states], [s["exp_avg_sq"] for s in states]
            beta1, beta2 = group["betas"]
            t = int(states[0]["step"])
            rate = group["lr"] * math.sqrt(1 - beta2**t) / (1 - beta1**t)
            torch._foreach_lerp_(means, gradients, 1 - beta1)
            torch._foreach_mul_(squares, beta2)
            torch._foreach_addcmul_(squares, gradients, gradients, 1 - beta2)
            roots = torch._foreach_sqrt(squares)
            torch._foreach_add_(roots, group["eps"])
            steps = torch._foreach_div(means, roots)
            if group["weight_decay"]:
                torch._foreach_add_(steps, parameters, alpha=group["weight_decay"])
            torch._foreach_add_(parameters, steps, alpha=-rate)

    def _state_of(self, parameter: torch.Tensor) -> dict[str, Any]:
        """Return the running means of a parameter, under the names that torch's own Adam gives them."""
        state: dict[str, Any] = self.state[parameter]
        if not state:
            state["step"] = torch.zeros(())
            state["exp_avg"] = torch.zeros_like(parameter)
            state["exp_avg_sq"] = torch.zeros_like(parameter)
        return state
