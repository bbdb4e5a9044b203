"""The loss of both directions against a plain computation, and a pre-training with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch.nn.functional import cross_entropy

from pretrace.model.elmo import Elmo
from pretrace.settings.models.elmo import ElmoSettings
from pretrace.training.engine.device import Device
from pretrace.training.objectives import MicroBatch
from pretrace.training.objectives.both_directions import BothDirections
from tests.helpers.small_training import Killed, elsewhere, killer, run, settings_with, weights_of

CPU = Device("cpu", torch.float32, "")
SIZES: dict[str, Any] = {"layers": 2, "width": 12, "embedding": 6, "dropout": 0.0, "initial_std": 0.2}
CHANGES = {"kind": "elmo", "elmo": SIZES, "pretrain.objective": {"kind": "both_directions"}}


def test_loss_is_the_mean_of_both_directions() -> None:
    model = Elmo(ElmoSettings.model_validate(SIZES), 20, 9, 1)
    ids = torch.randint(20, (3, 9), generator=torch.Generator().manual_seed(0))
    batch = MicroBatch(ids, range(3), 3, seed=0, step=0)
    forward, backward = model.predicting_states(ids)
    table = model.token_embedding.weight
    wanted = sum(
        cross_entropy((states @ table.T).reshape(-1, 20), targets.reshape(-1)) / 2
        for states, targets in ((forward, ids[:, 1:]), (backward, ids[:, :-1]))
    )
    loss = BothDirections().loss(model, batch, 0.0, CPU)
    torch.testing.assert_close(loss, wanted)
    loss.backward()
    assert all(parameter.grad is not None and parameter.grad.any() for parameter in model.parameters())


def test_pretraining_learns_and_resumes_to_the_same_bytes(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {**CHANGES, "elmo": {**SIZES, "dropout": 0.1}, "pretrain.steps": 40}
    settings = settings_with(changes, variants={"own": {"transfer": "features"}})
    whole = run(settings, shards)
    assert whole.metrics.loss[0] == "val_both_loss"
    assert whole.metrics.val_bits_per_byte is not None
    losses = [row["val_both_loss"] for row in whole.curve if "val_both_loss" in row]
    assert losses[-1] < losses[0] - 0.1
    elsewhere("again", monkeypatch)
    with pytest.raises(Killed):
        run(settings, shards, publish=killer(15))
    assert weights_of(run(settings, shards)) == weights_of(whole)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"kind": "elmo"}, "got `next_token` for a model of kind `elmo`"),
        ({"pretrain.objective": {"kind": "both_directions"}}, "`both_directions` for a model of kind `transformer`"),
        ({**CHANGES, "pretrain.sample_every": 5}, "sample_every: a model of both directions writes no text"),
    ],
)
def test_objective_and_kind_belong_together(changes: dict[str, Any], error: str) -> None:
    with pytest.raises(ValueError, match=error):
        settings_with(changes)
