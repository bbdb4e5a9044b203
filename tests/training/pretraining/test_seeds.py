"""Several pre-trainings: one for each of `pretrain.seeds`, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pretrace.common.files import read_json
from pretrace.schemas.models import PretrainReport
from pretrace.schemas.record import read_record
from pretrace.settings import Settings
from pretrace.training.pretraining.artifacts import total_cost, write_results
from pretrace.training.pretraining.result import Pretrained
from tests.helpers.small_training import Killed, killer, run, settings_with, weights_of

FIRST, SECOND = 3, 11


def seeded(*seeds: int, kind: str = "transformer") -> Settings:
    return settings_with({"kind": kind}, pretrain={"seeds": list(seeds)})


def pretrained(settings: Settings, shards: Path, **more: Any) -> dict[str, Pretrained]:
    return {name: run(settings, shards, seed=seed, **more) for name, seed in settings.pretrainings().items()}


def test_first_pre_training_is_called_like_the_model() -> None:
    assert seeded(FIRST, SECOND).pretrainings() == {"transformer": 3, "transformer-seed-11": 11}
    assert seeded(SECOND, FIRST, kind="lstm").pretrainings() == {"lstm": 11, "lstm-seed-3": 3}


def test_weights_from_elsewhere_have_no_seed() -> None:
    settings = settings_with(pretrain={"seeds": [FIRST, SECOND], "init_from": "somewhere"})
    assert settings.pretrainings() == {"transformer": None}


@pytest.mark.slow
def test_seed_trains_alike_alone_and_beside_others(shards: Path) -> None:
    alone = run(seeded(FIRST), shards)
    both = pretrained(seeded(FIRST, SECOND), shards, publish=killer(21))  # 20 steps of the second, none of the first
    assert weights_of(both["transformer"]) == weights_of(alone)
    assert weights_of(both["transformer-seed-11"]) != weights_of(alone)
    turned = pretrained(seeded(SECOND, FIRST), shards, publish=killer(1))
    assert weights_of(turned["transformer"]) == weights_of(both["transformer-seed-11"])


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["transformer", "lstm"])
def test_each_pre_training_has_its_model_its_curve_and_its_loss(kind: str, shards: Path) -> None:
    results = pretrained(seeded(FIRST, SECOND, kind=kind), shards)
    vocabulary, folders = shards.parent / "vocabulary", (Path("models"), Path("reports"))
    write_results(results, vocabulary, *folders, "gpt1", lambda model: [])
    first, second = names = [kind, f"{kind}-seed-11"]
    assert {path.parent.name for path in Path("models").glob("*/model.safetensors")} == set(names)
    assert all((Path("models") / name / "vocabulary").is_dir() for name in names)
    curves = {f"{name}{part}.json" for name in names for part in ("", "-validation")}
    assert {path.name for path in Path("reports/curves/gpt1").iterdir()} == curves
    assert read_json(f"reports/curves/gpt1/{first}.json") != read_json(f"reports/curves/gpt1/{second}.json")
    report = read_record("reports/pretrain/gpt1.json", PretrainReport)
    assert report.model == kind
    assert ("kind" in read_json("reports/pretrain/gpt1.json")) == (kind == "lstm")
    losses = [results[name].metrics.val_loss for name in names]
    assert (report.seeds, report.val_losses) == ([FIRST, SECOND], losses)
    assert report.val_loss == losses[0] != losses[1]
    cost = total_cost(results)
    assert cost["more_seeds"] == {second: results[second].cost}
    assert cost["hours"] == results[first].cost["hours"]


@pytest.mark.slow
def test_lines_name_the_pre_training(shards: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = seeded(FIRST, SECOND)
    with pytest.raises(Killed):
        run(settings, shards, seed=SECOND, publish=killer(8))
    with pytest.raises(Killed):
        run(settings, shards, seed=SECOND, publish=killer(2))
    assert "transformer-seed-11: resuming from the checkpoint at step 6" in capfd.readouterr().err
