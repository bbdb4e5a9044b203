"""The arithmetic of PPO, against plain loops and closed forms: 3 to 7 of the list of what exactness needs."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from pretrace.settings.alignment.stages import PenaltySettings
from pretrace.training.alignment.policy import arithmetic


def example(seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    draw = torch.Generator().manual_seed(seed)
    rewards_BT, values_BT = (torch.randn(5, 7, generator=draw) for _ in range(2))
    mask_BT = torch.arange(7) < torch.tensor([7, 1, 3, 5, 2])[:, None]
    return torch.where(mask_BT, rewards_BT, 0.0), torch.where(mask_BT, values_BT, 0.0), mask_BT


@pytest.mark.parametrize(("gamma", "lam"), [(1.0, 0.95), (0.9, 0.7), (1.0, 1.0), (1.0, 0.0)])
def test_advantages_are_those_of_a_plain_double_loop(gamma: float, lam: float) -> None:
    rewards_BT, values_BT, mask_BT = example()
    found_BT = arithmetic.advantages(rewards_BT, values_BT, mask_BT, gamma, lam)
    for row in range(len(mask_BT)):
        length = int(mask_BT[row].sum())
        r, v = rewards_BT[row, :length].tolist(), [*values_BT[row, :length].tolist(), 0.0]
        for t in range(length):
            expected = sum((gamma * lam) ** k * (r[t + k] + gamma * v[t + k + 1] - v[t + k]) for k in range(length - t))
            assert float(found_BT[row, t]) == pytest.approx(expected, abs=1e-5)
        assert not found_BT[row, length:].any()


def test_advantages_without_discount_are_returns_minus_values() -> None:
    rewards_BT, values_BT, mask_BT = example()
    found_BT = arithmetic.advantages(rewards_BT, values_BT, mask_BT, 1.0, 1.0)
    returns_BT = rewards_BT.flip(1).cumsum(1).flip(1)
    torch.testing.assert_close(found_BT, torch.where(mask_BT, returns_BT - values_BT, 0.0))


def test_padding_changes_no_advantage() -> None:
    rewards_BT, values_BT, mask_BT = example()
    wider = [torch.nn.functional.pad(x, (0, 4), value=9.0) for x in (rewards_BT, values_BT)]
    mask = torch.nn.functional.pad(mask_BT, (0, 4))
    found_BT = arithmetic.advantages(*wider, mask, 1.0, 0.95)
    assert torch.equal(found_BT[:, :7], arithmetic.advantages(rewards_BT, values_BT, mask_BT, 1.0, 0.95))


def test_score_is_at_the_last_real_token_and_the_penalty_at_every_one() -> None:
    _, ratios_BT, mask_BT = example()
    found_BT = arithmetic.token_rewards(torch.arange(5.0) + 1, ratios_BT, mask_BT, 0.5)
    expected_BT = -0.5 * ratios_BT
    for row, length in enumerate(mask_BT.sum(1).tolist()):
        expected_BT[row, length - 1] += row + 1
    torch.testing.assert_close(found_BT, expected_BT)


def test_whitening_has_the_biased_variance_and_keeps_the_mean_if_asked_to() -> None:
    x_BT, _, mask_BT = example()
    real = x_BT[mask_BT].numpy()
    for shift in (True, False):
        found = arithmetic.whiten(x_BT, mask_BT, shift)
        expected = (real - real.mean()) / np.sqrt(real.var() + arithmetic.WHITEN_EPSILON) + (
            0 if shift else real.mean()
        )
        np.testing.assert_allclose(found[mask_BT].numpy(), expected, rtol=1e-5, atol=1e-6)
        assert not found[~mask_BT].any()


def test_whitening_of_equal_numbers_is_a_number() -> None:
    mask_BT = torch.ones(3, 4, dtype=torch.bool)
    assert not arithmetic.whiten(torch.full((3, 4), 2.0), mask_BT).any()


def test_policy_loss_is_clipped_on_one_side() -> None:
    old_K, new_K = torch.zeros(4), torch.tensor([0.5, -0.5, 0.5, -0.5])
    advantages_K = torch.tensor([1.0, 1.0, -1.0, -1.0])
    loss, ratio_K = arithmetic.policy_loss(new_K, old_K, advantages_K, 0.2)
    expected = -(1.2 + np.exp(-0.5) - np.exp(0.5) - 0.8) / 4
    assert float(loss) == pytest.approx(expected, abs=1e-6)
    torch.testing.assert_close(ratio_K, new_K.exp())


def test_value_loss_is_half_the_larger_squared_error() -> None:
    new_K, old_K, returns_K = torch.tensor([1.0, 0.1]), torch.tensor([0.0, 0.0]), torch.tensor([1.0, 1.0])
    assert float(arithmetic.value_loss(new_K, old_K, returns_K, 0.2)) == pytest.approx(0.5 * (0.8**2 + 0.9**2) / 2)
    assert float(arithmetic.value_loss(new_K, old_K, returns_K, None)) == pytest.approx(0.5 * 0.9**2 / 2)


def test_kl_estimates_agree_with_the_kl_of_two_distributions() -> None:
    draw = torch.Generator().manual_seed(1)
    p, q = (torch.randn(6, generator=draw).softmax(0) for _ in range(2))
    drawn = torch.multinomial(p, 200_000, replacement=True, generator=draw)
    ratios_B1 = (p.log() - q.log())[drawn][:, None]
    k1, k2, k3 = arithmetic.kl_estimates(ratios_B1, torch.ones_like(ratios_B1, dtype=torch.bool))
    exact = float((p * (p.log() - q.log())).sum())
    for estimate in (k1, k3):
        assert float(estimate.mean()) == pytest.approx(exact, abs=4 * float(estimate.std()) / 200_000**0.5)
    assert (k3 >= 0).all() and (k2 >= 0).all() and float(k3.std()) < float(k1.std())


def test_adaptive_coefficient_moves_towards_the_target() -> None:
    settings = PenaltySettings(coefficient=0.1, target=6.0, horizon=1000)
    assert arithmetic.adapted(0.1, 60.0, 100, settings) == pytest.approx(0.1 * (1 + 0.2 * 0.1))
    assert arithmetic.adapted(0.1, 5.4, 100, settings) == pytest.approx(0.1 * (1 - 0.1 * 0.1))
    assert arithmetic.adapted(0.1, 60.0, 100, settings.model_copy(update={"target": None})) == 0.1


def test_explained_variance() -> None:
    returns = torch.tensor([1.0, 2.0, 3.0])
    assert arithmetic.explained_variance(returns, returns) == 1.0
    assert arithmetic.explained_variance(torch.zeros(3), returns) == 0.0
    assert arithmetic.explained_variance(torch.zeros(3), torch.ones(3)) == 0.0
