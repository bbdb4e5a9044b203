"""Direct preference optimization against its formula, written out text by text."""

from __future__ import annotations

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from pretrace.settings.alignment.stages import DpoSettings
from pretrace.training.alignment.policy.dpo import dpo_loss, train_dpo
from pretrace.training.alignment.policy.sample import Sampler
from pretrace.training.alignment.reward.comparisons import Compared
from tests.helpers.small_alignment import CPU, made_texts, small_model, small_vocabulary

ROWS = [
    Compared(tuple(map(int, text.ids_T[:4])), ((5, 6, 7), (8, 9), (10, 11, 12, 13)), (1.0, 0.0, 0.5))
    for text in made_texts(6)
]


def test_loss_is_that_of_the_paper() -> None:
    policy, reference, sampler = small_model(seed=1), small_model(seed=2), Sampler(small_vocabulary(), 6, 1.0)
    never = sampler.vocabulary.unknown_id

    def log_p(model: torch.nn.Module, row: Compared, answer: int) -> float:
        ids_T = torch.tensor([*row.prompt, *row.answers[answer]])
        logits_TV = model(ids_T[None])[0, :-1].detach()
        if never is not None:
            logits_TV[:, never] = -torch.inf
        chosen_T = torch.log_softmax(logits_TV, -1).gather(1, ids_T[1:, None])[:, 0]
        return float(chosen_T[len(row.prompt) - 1 :].sum())

    losses = []
    for row in ROWS:
        ratios = [log_p(policy, row, n) - log_p(reference, row, n) for n in range(3)]
        each = [F.logsigmoid(torch.tensor(0.3 * (ratios[i] - ratios[j]))) for i, j in ((0, 1), (0, 2), (2, 1))]
        losses.append(-float(torch.stack(each).mean()))
    found = dpo_loss(policy, reference, ROWS, sampler, 0.3, CPU)
    assert found.item() == pytest.approx(np.mean(losses), abs=1e-5)


@pytest.mark.slow
def test_training_begins_at_log_2_and_lowers_the_loss(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    policy = small_model()
    settings = DpoSettings(lr=0.01, epochs=3, batch_size=6)
    sampler = Sampler(small_vocabulary(), 6, 1.0)
    curve = train_dpo("small", policy, copy.deepcopy(policy), ROWS, sampler, settings, 1, CPU, "start")
    assert curve[0]["loss"] == pytest.approx(np.log(2), abs=1e-6) and curve[-1]["loss"] < curve[0]["loss"]
