"""The arithmetic of PPO on padded tensors with masks, as pure functions.

Shapes: B answers, T tokens of the longest; a mask (B, T) is True at the tokens of each answer, which come first.
"""

from __future__ import annotations

import torch
from torch import Tensor

from pretrace.settings.alignment.stages import PenaltySettings

WHITEN_EPSILON = 1e-8
"""Added to a variance, so that equal numbers stay numbers (lm-human-preferences)."""
ADAPTION = 0.2
"""Largest relative error of the KL that the adaptive coefficient counts (lm-human-preferences)."""


def masked_mean(x_BT: Tensor, mask_BT: Tensor) -> Tensor:
    """Return the mean over tokens."""
    return torch.where(mask_BT, x_BT, 0.0).sum() / mask_BT.sum()


def whiten(x_BT: Tensor, mask_BT: Tensor, shift: bool = True) -> Tensor:
    """Return values with variance 1 and mean 0; 0 at padding. The variance is the biased one, as tf.moments has it.

    Args:
        shift: False adds the mean again, as it was (lm-human-preferences).
    """
    mean = masked_mean(x_BT, mask_BT)
    variance = masked_mean((x_BT - mean) ** 2, mask_BT)
    white_BT = (x_BT - mean) * torch.rsqrt(variance + WHITEN_EPSILON)
    return torch.where(mask_BT, white_BT if shift else white_BT + mean, 0.0)


def token_rewards(score_B: Tensor, log_ratios_BT: Tensor, mask_BT: Tensor, coefficient: float) -> Tensor:
    """Return the reward (B, T) of each token: -coefficient x log(policy / reference), and the score at the last one."""
    rewards_BT = torch.where(mask_BT, -coefficient * log_ratios_BT, 0.0)
    last_B1 = mask_BT.sum(1, keepdim=True) - 1
    return rewards_BT.scatter_add(1, last_B1, score_B[:, None].to(rewards_BT.dtype))


def advantages(rewards_BT: Tensor, values_BT: Tensor, mask_BT: Tensor, gamma: float, lam: float) -> Tensor:
    """Return generalized advantage estimates (Schulman et al. 2016, equation 16); 0 at padding.

    The value after an answer's last token is 0.
    """
    values_BT = torch.where(mask_BT, values_BT, 0.0)
    result_BT = torch.zeros_like(rewards_BT)
    running_B = torch.zeros_like(rewards_BT[:, 0])
    next_B = torch.zeros_like(running_B)
    for t in reversed(range(rewards_BT.shape[1])):
        delta_B = rewards_BT[:, t] + gamma * next_B - values_BT[:, t]
        running_B = torch.where(mask_BT[:, t], delta_B + gamma * lam * running_B, 0.0)
        result_BT[:, t], next_B = running_B, values_BT[:, t]
    return result_BT


def policy_loss(new_K: Tensor, old_K: Tensor, advantages_K: Tensor, clip: float) -> tuple[Tensor, Tensor]:
    """Return PPO's clipped loss over tokens (Schulman et al. 2017, equation 7), and each token's ratio (K,)."""
    ratio_K = torch.exp(new_K - old_K)
    clipped_K = ratio_K.clamp(1 - clip, 1 + clip)
    return -torch.minimum(ratio_K * advantages_K, clipped_K * advantages_K).mean(), ratio_K.detach()


def value_loss(new_K: Tensor, old_K: Tensor, returns_K: Tensor, clip: float | None) -> Tensor:
    """Return half the mean of the larger squared error, of the value and of the value held near its old one."""
    squares_K = (new_K - returns_K) ** 2
    if clip is not None:
        near_K = torch.clamp(new_K, old_K - clip, old_K + clip)
        squares_K = torch.maximum(squares_K, (near_K - returns_K) ** 2)
    return 0.5 * squares_K.mean()


def explained_variance(values_K: Tensor, returns_K: Tensor) -> float:
    """Return 1 - variance of the error / variance of the returns; 0 where all returns are the same."""
    spread = returns_K.var(unbiased=False)
    return float(1 - (returns_K - values_K).var(unbiased=False) / spread) if spread > 0 else 0.0


def kl_estimates(log_ratios_BT: Tensor, mask_BT: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return three estimates (B,) of an answer's KL from its own samples (Schulman 2020).

    With r = reference / policy of a token: k1 = -log r, unbiased and at times negative; k2 = (log r)^2 / 2, biased;
    k3 = (r - 1) - log r, unbiased and never negative. Reports have k1.

    Args:
        log_ratios_BT: log(policy / reference).
    """
    x_BT = torch.where(mask_BT, log_ratios_BT, 0.0)
    return x_BT.sum(1), (x_BT**2 / 2).sum(1), (torch.expm1(-x_BT) + x_BT).sum(1)


def adapted(coefficient: float, kl: float, episodes: int, settings: PenaltySettings) -> float:
    """Return the coefficient after a rollout with this KL an answer; without a target it stays."""
    if settings.target is None:
        return coefficient
    error = min(max(kl / settings.target - 1, -ADAPTION), ADAPTION)
    return coefficient * (1 + error * episodes / settings.horizon)
