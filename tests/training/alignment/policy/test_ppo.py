"""PPO at a tiny size: the exactness of its first step, of its samples, and of resuming (3.4: 1, 2, 11)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pretrace.common.errors import PretraceError
from pretrace.settings.alignment.stages import PenaltySettings, PpoSettings, PretrainingMix
from pretrace.tokens.shards import open_shards
from pretrace.training.alignment.policy.ppo import Judges, Ppo
from pretrace.training.alignment.policy.rollout import collect, prompt_numbers, with_missing_ends
from pretrace.training.alignment.policy.sample import Sampler
from pretrace.training.alignment.reward.scalar_model import ScalarModel
from pretrace.training.alignment.text.conversation import Rendered
from pretrace.training.alignment.text.packing import PackedTexts
from pretrace.training.alignment.text.roles import RoleVocabulary
from tests.helpers.small_alignment import CPU, made_texts, small_folder, small_model, small_vocabulary
from tests.helpers.small_training import Killed, killer

PROMPTS = [[int(i) for i in text.ids_T[:4]] for text in made_texts(10)]
SETTINGS = PpoSettings(
    **{"updates": 3, "episodes": 8, "minibatches": 2, "epochs": 2, "lr": 0.01, "value_lr": 0.02, "warmup_updates": 2},
    kl=PenaltySettings(coefficient=0.1),
    checkpoint_every=1,
)
SAMPLER = Sampler(small_vocabulary(), 6, 1.0)


def share_of_low_ids(update: int, texts: Sequence[Rendered]) -> np.ndarray:
    """A reward that is easily had: the share of an answer's ids below 40."""
    return np.array([float((text.ids_T[text.trained_T] < 40).mean()) for text in texts])


def training(score: Any = share_of_low_ids, sampler: Sampler = SAMPLER, **changes: Any) -> Ppo:
    size = sampler.vocabulary.size
    policy = small_model(size)
    shards = open_shards(small_folder() / "shards", "train") if "mix" in changes else None
    settings = SETTINGS.model_copy(update=changes)
    value = ScalarModel(small_model(size, 1))
    judges = Judges(score, {"gold": lambda texts: share_of_low_ids(0, texts)}, score.__name__)
    return Ppo(
        "small", policy, copy.deepcopy(policy), value, PROMPTS, judges, sampler, settings, 7, CPU, "start", shards
    )


def weights(ppo: Ppo) -> list[bytes]:
    return [p.detach().numpy().tobytes() for module in (ppo.policy, ppo.value) for p in module.parameters()]


@pytest.fixture(autouse=True)
def own_scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))


@pytest.mark.slow
def test_first_ratio_is_exactly_1_and_the_first_kl_exactly_0() -> None:
    first, *rest = training().run()
    assert (first["largest_ratio"], first["approx_kl"], first["clip_fraction"], first["kl"]) == (1.0, 0.0, 0.0, 0.0)
    assert all(row["largest_ratio"] > 1 for row in rest if row["step"] % 4 != 1)
    assert [row["largest_ratio"] for row in rest if row["step"] % 4 == 1] == [1.0, 1.0]
    assert len(rest) == 11


@pytest.mark.slow
@pytest.mark.parametrize("step", [2, 5, 9])
@pytest.mark.parametrize("changes", [{}, {"ema": 0.9, "kl": PenaltySettings(coefficient=0.1, target=0.5, horizon=50)}])
def test_killed_training_ends_with_the_same_bytes(
    step: int, changes: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = training(**changes)
    curve = undisturbed.run()
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "other"))
    with pytest.raises(Killed):
        training(**changes).run(killer(step))
    resumed = training(**changes)
    assert resumed.run() == curve
    assert weights(resumed) == weights(undisturbed)
    again = training(**changes)
    assert again.run(killer(1)) == curve  # nothing is left to do
    assert weights(again) == weights(undisturbed)


@pytest.mark.slow
def test_reward_rises_and_shuffled_rewards_do_not_lead_there() -> None:
    def shuffled(update: int, texts: Sequence[Rendered]) -> np.ndarray:
        return np.random.default_rng(update).permutation(share_of_low_ids(update, texts))

    more = {"updates": 14, "episodes": 32, "kl": PenaltySettings(coefficient=0.0)}
    ends = []
    for score in (share_of_low_ids, shuffled):
        rewards = [row["gold"] for row in training(score, **more).run() if "gold" in row]
        ends.append(np.mean(rewards[-3:]) - np.mean(rewards[:3]))
    assert ends[0] > 0.15 and abs(ends[1]) < 0.12


def test_samples_do_not_depend_on_what_else_is_drawn() -> None:
    model, seeds = small_model(), list(range(10))
    together = SAMPLER.draw(model, PROMPTS, seeds)
    assert together == [SAMPLER.draw(model, [ids], [seed])[0] for ids, seed in zip(PROMPTS, seeds, strict=True)]
    assert SAMPLER.draw(model, PROMPTS, [seed + 100 for seed in seeds]) != together


@pytest.mark.parametrize("temperature", [1.0, 0.7])
def test_likelihoods_are_of_the_distribution_that_is_drawn_from(temperature: float) -> None:
    """Drawn often, the first token of an answer has the frequencies that training computes."""
    model, sampler = small_model(), Sampler(small_vocabulary(), 1, temperature)
    drawn = np.array(sampler.draw(model, [PROMPTS[0]] * 4000, range(4000)))[:, 0]
    each = [Rendered(np.array([*PROMPTS[0], token]), np.arange(5) == 4) for token in range(80)]
    p = sampler.likelihoods(model, PackedTexts.of(each), CPU).chosen_K.exp().detach().double().numpy()
    assert p.sum() == pytest.approx(1, abs=1e-5)
    unknown = sampler.vocabulary.unknown_id
    assert unknown is None or p[unknown] == 0
    frequencies = np.bincount(drawn, minlength=80) / 4000
    assert (np.abs(frequencies - p) <= 5 * np.sqrt(p * (1 - p) / 4000) + 1e-3).all()


def test_every_prompt_comes_once_before_any_comes_again() -> None:
    numbers = [number for update in range(5) for number in prompt_numbers(10, update, 4, seed=3)]
    assert sorted(numbers[:10]) == sorted(numbers[10:]) == list(range(10)) and numbers[:10] != numbers[10:]


@pytest.mark.slow
def test_answers_with_an_end_mark_end_and_those_without_are_judged_as_set() -> None:
    vocabulary = RoleVocabulary(small_vocabulary())
    sampler = Sampler(vocabulary, 50, 1.0)
    ppo = training(sampler=sampler, missing_end=-5.0, episodes=64)
    rollout = collect(
        ppo.policy, ppo.reference, ppo.value, PROMPTS, share_of_low_ids, sampler, ppo.settings, 0.0, 7, 0, CPU
    )
    ended = np.array([text.ids_T[-1] == vocabulary.end_id for text in rollout.texts])
    assert all(vocabulary.end_id not in text.ids_T[text.trained_T][:-1] for text in rollout.texts)
    assert 0 < ended.sum() < len(ended)
    scores_B = with_missing_ends(
        rollout.scores_B, [tuple(text.ids_T) for text in rollout.texts], vocabulary.end_id, -5.0
    )
    assert (scores_B[~ended] == -5).all() and (scores_B[ended] == rollout.scores_B[ended]).all()


@pytest.mark.slow
def test_reward_that_is_not_finite_stops_before_the_step_and_names_the_answer() -> None:
    def broken(update: int, texts: Sequence[Rendered]) -> np.ndarray:
        return np.where(np.arange(len(texts)) == 5, np.nan, 0.0) if update else np.zeros(len(texts))

    ppo = training(broken)
    with pytest.raises(PretraceError, match="update 2: the reward of answer 6 of 8 is nan, not a finite number"):
        ppo.run()
    assert all(bool(torch.isfinite(p).all()) for p in ppo.policy.parameters())


@pytest.mark.slow
def test_pretraining_gradients_are_mixed_in() -> None:
    plain, mixed = training(), training(mix=PretrainingMix(coefficient=5.0, sequences=2))
    first = [ppo.run()[0]["loss"] for ppo in (plain, mixed)]
    assert first[1] > first[0] + 1
    assert weights(plain) != weights(mixed)


@pytest.mark.slow
def test_kl_that_runs_away_is_told_once(capsys: pytest.CaptureFixture[str]) -> None:
    training(warn_kl=1e-3, updates=3).run()
    assert capsys.readouterr().err.count("runs away") == 1
