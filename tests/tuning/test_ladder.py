"""The ladder of sizes: its proportions, its fit against scipy's, and a small one from training to figure."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from scipy import stats

from pretrace.common.errors import PretraceError
from pretrace.model import build_model
from pretrace.report.figures.ladder import ladder_figure
from pretrace.schemas.models import LadderRecord
from pretrace.schemas.record import read_record
from pretrace.settings import Settings, load_settings
from pretrace.tuning.ladder import climb, ladder_lines, power_law, settings_of
from tests.helpers import REPOSITORY
from tests.helpers.small_training import make_shards, settings_with


def small(**changes: Any) -> Settings:
    few = {"pretrain.steps": 4, "pretrain.warmup_steps": 1, "pretrain.validate_every": 2} | changes
    return settings_with(few, ladder={"widths": [8, 16, 24, 32]})


def test_five_sizes_of_the_laptop_go_from_a_tenth_of_a_million_to_five() -> None:
    settings = load_settings(REPOSITORY)
    parameters, rates = [], []
    for width in settings.ladder.widths:
        own = settings_of(settings, width).scale
        with torch.device("meta"):
            model = build_model(own, own.vocabulary.size, 0)
        parameters.append(sum(parameter.numel() for parameter in model.parameters()))
        rates.append(own.pretrain.lr)
        assert own.model.width == width
        assert own.model.feed_forward == 4 * width
    assert len(parameters) == 5
    assert 0.09e6 < parameters[0] < 0.12e6
    assert 4.5e6 < parameters[-1] < 5.5e6
    assert rates == sorted(rates, reverse=True)
    scale = settings.scale
    assert settings_of(settings, scale.model.width).scale.model == scale.model


def test_fit_is_that_of_scipy_and_finds_a_power_that_is_there() -> None:
    sizes = [1000, 5000, 20_000, 100_000, 700_000]
    exact = power_law(sizes, [12 * size**-0.08 for size in sizes])
    assert exact.exponent == pytest.approx(0.08, abs=1e-6)
    assert exact.predicted == pytest.approx(12 * sizes[-1] ** -0.08, rel=1e-5)
    noisy = [
        12 * size**-0.08 * math.exp(noise) for size, noise in zip(sizes, (0.01, -0.02, 0.02, -0.01, 5), strict=True)
    ]
    law = power_law(sizes, noisy)
    line = stats.linregress(np.log(sizes[:-1]), np.log(noisy[:-1]))
    reach = stats.t.ppf(0.975, 2) * line.stderr
    assert law.exponent == pytest.approx(-line.slope, abs=1e-6)
    assert law.interval == pytest.approx([-line.slope - reach, -line.slope + reach], abs=1e-6)
    assert law.predicted == pytest.approx(math.exp(line.intercept + line.slope * math.log(sizes[-1])), rel=1e-5)
    low, high = law.predicted_interval
    assert low < law.predicted < high < noisy[-1]


def test_ladder_is_trained_recorded_and_drawn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shards = make_shards(tmp_path / "small")
    (tmp_path / "data" / "shards").mkdir(parents=True)
    shards.rename(tmp_path / "data" / "shards" / "gpt1")
    record = climb(small(), tmp_path / "data", tmp_path)
    assert read_record(tmp_path / "ladder.json", LadderRecord) == record
    assert [rung.width for rung in record.rungs] == [8, 16, 24, 32]
    assert len({rung.tokens for rung in record.rungs}) == 1
    for rung in record.rungs:
        assert [flops for flops, _ in rung.curve] == [rung.flops // 2, rung.flops]
        assert rung.curve[-1][1] == pytest.approx(rung.val_loss, abs=0.5)
    figure = ladder_figure(record)
    assert figure is not None
    assert "FLOPs" in figure
    lines = ladder_lines(record)
    assert len(lines) == len(record.rungs) + 2
    assert "without the largest, which it predicts as" in lines[-1]

    def nothing(*_: Any) -> Any:
        raise AssertionError("a finished size is trained again")

    monkeypatch.setattr("pretrace.training.pretraining.trainer.Trainer._loss", nothing)
    assert [rung.val_loss for rung in climb(small(), tmp_path / "data", tmp_path).rungs] == [
        r.val_loss for r in record.rungs
    ]


def test_without_a_ladder_there_is_no_figure() -> None:
    assert ladder_figure(None) is None


@pytest.mark.parametrize("widths", [[8, 16, 24], [8, 16, 16, 32]])
def test_widths_that_are_no_ladder_are_refused(widths: list[int]) -> None:
    with pytest.raises(ValidationError, match="widths"):
        settings_with(ladder={"widths": widths})


def test_masked_losses_make_no_ladder() -> None:
    masked = {"model.attention": "full", "pretrain.objective": {"kind": "masked"}}
    with pytest.raises(PretraceError, match="predicts masked ones"):
        climb(settings_with(masked))
