"""The reward model: its loss, its calibration, and that all of a prompt's answers in one pass are its pairs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pretrace.common.errors import PretraceError
from pretrace.settings.alignment.stages import RewardSettings
from pretrace.training.alignment.reward.comparisons import Compared, Pairs, accuracy
from pretrace.training.alignment.reward.scalar_model import (
    ScalarModel,
    calibrate,
    load_scalar_model,
    rewards,
    save_scalar_model,
)
from pretrace.training.alignment.reward.train import reward_loss, train_reward_model
from tests.helpers.small_alignment import CPU, made_texts, small_model
from tests.helpers.small_training import Killed, killer


def compared(count: int, answers: int = 4, seed: int = 0) -> list[Compared]:
    """Prompts whose better answers have lower ids."""
    draw = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        own = [tuple(draw.integers(2, 80, 5).tolist()) for _ in range(answers)]
        rows.append(Compared(tuple(draw.integers(2, 80, 4).tolist()), tuple(own), tuple(-np.mean(ids) for ids in own)))
    return rows


def test_loss_of_ranked_answers_is_the_mean_over_their_pairs() -> None:
    model, rows = ScalarModel(small_model()), compared(3)
    each = []
    for row in rows:
        alone = [rewards(model, [text], CPU)[0] for text in row.texts]
        pairs = [F.logsigmoid(torch.tensor(alone[i] - alone[j])) for i, j in row.pairs]
        assert len(pairs) == 6
        each.append(-float(torch.stack(pairs).mean()))
    assert reward_loss(model, rows, False, CPU).item() == pytest.approx(np.mean(each), abs=1e-5)


def test_ties_make_no_pair_and_margins_are_subtracted() -> None:
    row = Compared((1,), ((2,), (3,), (4,)), (2.0, 2.0, 0.5), margins=True)
    assert row.pairs == [(0, 2), (1, 2)]
    rewards_B = torch.tensor([1.0, 0.0, 0.0])
    plain, margin = Pairs.of([row]).loss(rewards_B), Pairs.of([row], use_margin=True).loss(rewards_B)
    assert float(plain) == pytest.approx((np.log1p(np.exp(-1)) + np.log(2)) / 2)
    assert float(margin) == pytest.approx((np.log1p(np.exp(0.5)) + np.log1p(np.exp(1.5))) / 2)


def test_constant_added_to_all_rewards_changes_no_loss() -> None:
    rows, rewards_B = compared(2), torch.randn(8)
    assert float(Pairs.of(rows).loss(rewards_B)) == pytest.approx(float(Pairs.of(rows).loss(rewards_B + 3)), abs=1e-6)


def test_accuracy_counts_each_prompt_the_same() -> None:
    rows = [Compared((1,), ((2,), (3,)), (1.0, 0.0)), Compared((1,), ((2,), (3,), (4,)), (3.0, 2.0, 1.0))]
    share, stderr = accuracy(rows, np.array([0.0, 0.0, 3.0, 2.0, 1.0]))
    assert share == 0.75 and stderr == pytest.approx(0.25)


def test_calibrated_rewards_have_mean_0_and_variance_1(tmp_path: Path) -> None:
    model, texts = ScalarModel(small_model()), made_texts(40)
    calibrate(model, texts, CPU)
    found = rewards(model, texts, CPU, 7)
    assert found.mean() == pytest.approx(0, abs=1e-5) and found.std() == pytest.approx(1, abs=1e-4)
    save_scalar_model(tmp_path, model)
    np.testing.assert_array_equal(rewards(load_scalar_model(tmp_path), texts, CPU, 7), found)


def test_reward_that_is_no_number_is_named() -> None:
    model = ScalarModel(small_model())
    model.offset = float("nan")
    with pytest.raises(PretraceError, match="reward of text 1 of 3 is nan"):
        rewards(model, made_texts(3), CPU)


@pytest.mark.slow
def test_reward_model_learns_what_answers_are_ranked_by_and_resumes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = RewardSettings(lr=0.01, epochs=2, batch_size=8, checkpoint_every=7)
    rows, fresh, texts = compared(120), compared(40, seed=1), made_texts(40)

    def train(scratch: str, kill: int = 10**6) -> ScalarModel:
        monkeypatch.setenv("DVC_ROOT", str(tmp_path / scratch))
        model = ScalarModel(small_model())
        train_reward_model("small", model, rows, texts, settings, 3, CPU, "start", killer(kill))
        return model

    model = train("one")
    right, stderr = accuracy(fresh, rewards(model, [text for row in fresh for text in row.texts], CPU))
    assert right > 0.65 and 0 < stderr < 0.06
    with pytest.raises(Killed):
        train("two", 20)
    again = train("two")
    assert all(torch.equal(a, b) for a, b in zip(model.parameters(), again.parameters(), strict=True))
    assert (again.gain, again.offset) == (model.gain, model.offset)


def test_prompts_without_a_pair_are_refused() -> None:
    rows = [Compared((1,), ((2,), (3,)), (1.0, 1.0))]
    settings = RewardSettings(lr=0.01, batch_size=8)
    with pytest.raises(PretraceError, match="1 prompts, and no two answers of one of them differ in preference"):
        train_reward_model("small", ScalarModel(small_model()), rows, made_texts(4), settings, 3, CPU, "start")
