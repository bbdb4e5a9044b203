"""A rollout: answers of the newest policy, their rewards, and what an update learns from them.

Which prompts an update has, how answers are drawn and into which parts they are divided are functions of (seed, update,
row), so nothing depends on how many are drawn at once, and a resumed run has the same.

Shapes: B answers, T tokens of the longest, K tokens of a part.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.model.language_model import LanguageModel
from pretrace.settings.alignment.stages import PpoSettings
from pretrace.training.alignment.loop import seed_of
from pretrace.training.alignment.policy import arithmetic
from pretrace.training.alignment.policy.sample import Sampler
from pretrace.training.alignment.reward.scalar_model import ScalarModel
from pretrace.training.alignment.text.conversation import Rendered, continuation
from pretrace.training.alignment.text.packing import PackedTexts
from pretrace.training.engine.device import Device

Ids = Sequence[int]
Score = Callable[[int, Sequence[Rendered]], np.ndarray]
"""Rewards (B,) of the texts of an update, which are prompts with answers."""
PROMPTS, DIVISION, ANSWER = 0, 1, 2
"""Purposes of random numbers: none shares a seed with another."""


@dataclass(frozen=True)
class Rollout:
    """Answers of an update. Padded tensors are (B, T), and 0 at padding."""

    texts: list[Rendered]
    parts: list[np.ndarray]
    """Answers of each minibatch of the first pass, by their numbers."""
    mask_BT: Tensor
    old_BT: Tensor
    """Log-probabilities by the policy before the update."""
    log_ratios_BT: Tensor
    """log(policy / reference)."""
    values_BT: Tensor
    advantages_BT: Tensor
    returns_BT: Tensor
    scores_B: np.ndarray
    """Of the reward function, before anything is put in their place."""
    entropy: float
    """Mean over tokens, nats."""

    def packed(self, part: np.ndarray, device: Device) -> PackedTexts:
        """Return the texts of a minibatch."""
        return PackedTexts.of([self.texts[number] for number in part], device.name)

    def of(self, x_BT: Tensor, part: np.ndarray) -> Tensor:
        """Return the tokens (K,) of a minibatch, in the order of its texts."""
        rows = torch.from_numpy(part)
        return x_BT[rows][self.mask_BT[rows]]

    @property
    def kl(self) -> float:
        """Mean KL of an answer by k1, nats."""
        return float(arithmetic.kl_estimates(self.log_ratios_BT, self.mask_BT)[0].mean())


def prompt_numbers(prompts: int, update: int, episodes: int, seed: int) -> list[int]:
    """Return the prompts of an update: each comes once before any comes again, in an order of its own each time."""
    numbers = []
    orders: dict[int, np.ndarray] = {}
    for place in range(update * episodes, (update + 1) * episodes):
        turn, at = divmod(place, prompts)
        if turn not in orders:
            orders[turn] = np.random.default_rng(seed_of(seed, PROMPTS, turn)).permutation(prompts)
        numbers.append(int(orders[turn][at]))
    return numbers


def division(settings: PpoSettings, seed: int, update: int, epoch: int) -> list[np.ndarray]:
    """Return the minibatches of a pass over an update's answers."""
    draw = np.random.default_rng(seed_of(seed, DIVISION, update, epoch))
    return np.split(draw.permutation(settings.episodes), settings.minibatches)


@torch.no_grad()
def collect(
    policy: LanguageModel,
    reference: LanguageModel,
    value: ScalarModel,
    prompts: Sequence[Ids],
    score: Score,
    sampler: Sampler,
    settings: PpoSettings,
    coefficient: float,
    seed: int,
    update: int,
    device: Device,
) -> Rollout:
    """Draw the answers of an update, and judge them.

    Raises:
        PretraceError: a reward is not finite; names the answer.
    """
    chosen = [prompts[number] for number in prompt_numbers(len(prompts), update, settings.episodes, seed)]
    seeds = [seed_of(seed, ANSWER, update, row) for row in range(settings.episodes)]
    answers = sampler.draw(policy, chosen, seeds)
    texts = [continuation(prompt, answer) for prompt, answer in zip(chosen, answers, strict=True)]
    scores_B = score(update, texts)
    if bad := np.flatnonzero(~np.isfinite(scores_B)).tolist():
        raise PretraceError(
            f"update {update + 1}: the reward of answer {bad[0] + 1} of {len(texts)} is {scores_B[bad[0]]}, not a "
            "finite number; training stopped before the weights changed"
        )
    lengths = torch.tensor([len(answer) for answer in answers])
    mask_BT = torch.arange(int(lengths.max())) < lengths[:, None]
    old_BT, other_BT, values_BT, entropy_BT = (torch.zeros(mask_BT.shape) for _ in range(4))
    parts = division(settings, seed, update, 0)
    for part in parts:  # those of the first pass, whose tensors have the same shapes: the first ratio is exactly 1
        packed, rows = PackedTexts.of([texts[number] for number in part], device.name), torch.from_numpy(part)
        with torch.enable_grad():  # as in training: without gradients other kernels run, which round differently
            own, other = (sampler.likelihoods(model, packed, device) for model in (policy, reference))
        for padded_BT, found_K in (
            (old_BT, own.chosen_K),
            (entropy_BT, own.entropy_K),
            (other_BT, other.chosen_K),
            (values_BT, _values(value, packed, device)),
        ):
            own_BT = torch.zeros(len(part), mask_BT.shape[1])
            own_BT[mask_BT[rows]] = found_K.detach().float().cpu()
            padded_BT[rows] = own_BT
    log_ratios_BT = old_BT - other_BT
    scored_B = torch.from_numpy(with_missing_ends(scores_B, answers, sampler.end_id, settings.missing_end)).float()
    rewards_BT = arithmetic.token_rewards(scored_B, log_ratios_BT, mask_BT, coefficient)
    if settings.whiten_rewards:
        rewards_BT = arithmetic.whiten(rewards_BT, mask_BT, shift=False)
    advantages_BT = arithmetic.advantages(rewards_BT, values_BT, mask_BT, settings.gamma, settings.gae_lambda)
    returns_BT = advantages_BT + values_BT
    if settings.whiten_advantages:
        advantages_BT = arithmetic.whiten(advantages_BT, mask_BT)
    entropy = float(arithmetic.masked_mean(entropy_BT, mask_BT))
    return Rollout(
        texts, parts, mask_BT, old_BT, log_ratios_BT, values_BT, advantages_BT, returns_BT, scores_B, entropy
    )


def _values(value: ScalarModel, packed: PackedTexts, device: Device) -> Tensor:
    """Return the value (K,) before each token of the answers."""
    with device.autocast():
        found_K: Tensor = value(packed, packed.places_K)
    return found_K


def with_missing_ends(
    scores_B: np.ndarray, answers: Sequence[Ids], end_id: int | None, missing_end: float | None
) -> np.ndarray:
    """Return the scores, with `missing_end` for answers without an end mark."""
    if end_id is None or missing_end is None:
        return scores_B
    ended_B = np.array([answer[-1] == end_id for answer in answers])
    return np.where(ended_B, scores_B, missing_end)
