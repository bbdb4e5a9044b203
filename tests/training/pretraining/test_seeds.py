"""Several pre-trainings: one for each of `pretrain.seeds`, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pretrace.common.files import read_json
from pretrace.schemas.models import PretrainReport
from pretrace.schemas.record import read_record
from pretrace.settings import Settings
from pretrace.training.pretraining.artifacts import models_to_pretrain, total_cost, write_results
from pretrace.training.pretraining.result import Pretrained
from tests.helpers.small_training import SCALE, Killed, killer, run, settings_with, weights_of

FIRST, SECOND = 3, 11


def seeded(*seeds: int, **top: Any) -> Settings:
    return settings_with(pretrain={"seeds": list(seeds)}, **top)


def pretrained(settings: Settings, shards: Path, kind: str = "transformer", **more: Any) -> dict[str, Pretrained]:
    return {name: run(settings, shards, kind, seed=seed, **more) for name, seed in settings.pretrainings(kind).items()}


def test_first_pre_training_is_called_like_the_model() -> None:
    assert seeded(FIRST, SECOND).pretrainings("transformer") == {"transformer": 3, "transformer-seed-11": 11}
    assert seeded(SECOND, FIRST).pretrainings("lstm") == {"lstm": 11, "lstm-seed-3": 3}


def test_weights_from_elsewhere_have_no_seed() -> None:
    settings = settings_with(pretrain={"seeds": [FIRST, SECOND], "init_from": "somewhere"})
    assert settings.pretrainings("transformer") == {"transformer": None}
    assert settings.pretrainings("lstm") == {"lstm": 3, "lstm-seed-11": 11}


@pytest.mark.slow
def test_seed_trains_alike_alone_and_beside_others(shards: Path) -> None:
    alone = run(seeded(FIRST), shards)
    both = pretrained(seeded(FIRST, SECOND), shards, publish=killer(21))  # 20 steps of the second, none of the first
    assert weights_of(both["transformer"]) == weights_of(alone)
    assert weights_of(both["transformer-seed-11"]) != weights_of(alone)
    turned = pretrained(seeded(SECOND, FIRST), shards, publish=killer(1))
    assert weights_of(turned["transformer"]) == weights_of(both["transformer-seed-11"])


@pytest.mark.slow
def test_each_pre_training_has_its_model_its_curve_and_its_loss(shards: Path) -> None:
    variants = {"full": {}, "lstm": {"model": "lstm"}}
    settings = seeded(FIRST, SECOND, variants=variants)
    results = pretrained(settings, shards) | pretrained(settings, shards, "lstm")
    vocabulary, folders = shards.parent / "vocabulary", (Path("models"), Path("reports"))
    write_results(results, vocabulary, *folders, "gpt1", lambda model: [])
    names = {"transformer", "transformer-seed-11", "lstm", "lstm-seed-11"}
    assert {path.parent.name for path in Path("models").glob("*/model.safetensors")} == names
    assert all((Path("models") / name / "vocabulary").is_dir() for name in names)
    curves = {f"{name}{part}.json" for name in names for part in ("", "-validation")}
    assert {path.name for path in Path("reports/curves/gpt1").iterdir()} == curves
    assert read_json("reports/curves/gpt1/lstm.json") != read_json("reports/curves/gpt1/lstm-seed-11.json")
    report = read_record("reports/pretrain/gpt1.json", PretrainReport)
    assert report.lstm is not None
    for kind, metrics in (("transformer", report), ("lstm", report.lstm)):
        losses = [results[name].metrics.val_loss for name in (kind, f"{kind}-seed-11")]
        assert (metrics.seeds, metrics.val_losses) == ([FIRST, SECOND], losses)
        assert metrics.val_loss == losses[0] != losses[1]
    cost = total_cost(results)
    assert cost["lstm"] == results["lstm"].cost
    assert cost["more_seeds"] == {name: results[name].cost for name in ("transformer-seed-11", "lstm-seed-11")}
    assert cost["hours"] == results["transformer"].cost["hours"]


@pytest.mark.slow
def test_lines_name_the_pre_training(shards: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = seeded(FIRST, SECOND)
    with pytest.raises(Killed):
        run(settings, shards, seed=SECOND, publish=killer(8))
    with pytest.raises(Killed):
        run(settings, shards, seed=SECOND, publish=killer(2))
    assert "transformer-seed-11: resuming from the checkpoint at step 6" in capfd.readouterr().err


def test_lstm_is_pre_trained_for_the_systems_whose_variants_use_it() -> None:
    systems = {name: {"source": name, "scale": SCALE} for name in ("gpt1", "other")}
    variants = {"full": {}, "beside": {"system": "other", "model": "lstm"}}
    settings = settings_with(systems=systems, variants=variants)
    assert models_to_pretrain(settings) == ["transformer"]
    assert models_to_pretrain(settings.of_system("other")) == ["transformer", "lstm"]
