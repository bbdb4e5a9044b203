"""The search for rates of pre-training: the same for every system, shorter by a share, nothing twice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pretrace.common.errors import PretraceError
from pretrace.schemas.models import RatesRecord
from pretrace.schemas.record import read_record
from pretrace.settings import Settings
from pretrace.training.pretraining.plan import Plan
from pretrace.tuning.rates import rates_lines, search_rates, shortened
from tests.helpers.small_training import SCALE, make_shards, settings_with

FACTORS = [0.5, 2.0]


def small(**top: Any) -> Settings:
    scales = {"gpt1": SCALE, "lstm": {**SCALE, "kind": "lstm", "pretrain": {**SCALE["pretrain"], "lr": 0.3}}}
    systems = {name: {"source": name, "scale": scale} for name, scale in scales.items()}
    return settings_with(systems=systems, rates={"lr_factors": FACTORS, "share": 0.2}, **top)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A project with the shards of both systems."""
    (tmp_path / "scales").mkdir()
    (tmp_path / "scales" / "small.yaml").write_text(yaml.safe_dump(SCALE))
    for system in ("gpt1", "lstm"):
        made = make_shards(tmp_path / "made" / system).parent
        for name, place in (("shards", "data/shards"), ("vocabulary", "models/vocabulary")):
            (tmp_path / place).mkdir(parents=True, exist_ok=True)
            (made / name).rename(tmp_path / place / system)
    return tmp_path


def test_every_system_is_tried_with_every_rate(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = search_rates(small(), root)
    assert read_record(root / "reports" / "rates.json", RatesRecord) == record
    assert record.lr == 0.01
    for system in record.systems.values():
        assert system.steps == 4
        assert [one.lr for one in system.tried] == [0.005, 0.02]  # of the scale's rate, not of the system's own
        assert system.best == min(system.tried, key=lambda one: one.loss).lr
    assert len({one.loss for system in record.systems.values() for one in system.tried}) == 4
    lines = rates_lines(record)
    assert lines[2] == "| system | loss | steps | 0.005 | 0.02 |"
    assert [line.count("**") for line in lines[4:]] == [2, 2]

    def nothing(*_: Any) -> Any:
        raise AssertionError("a finished training is run again")

    monkeypatch.setattr("pretrace.training.pretraining.trainer.Trainer._loss", nothing)
    assert search_rates(small(), root).systems == record.systems


def test_a_short_training_warms_up_and_decays_as_much_shorter() -> None:
    short = shortened(small(), 0.5).scale
    assert (short.pretrain.steps, short.pretrain.warmup_steps, short.pretrain.lr) == (4, 1, 0.5)
    whole = Plan(small().scale)
    assert Plan(short).tokens * 5 == whole.tokens


def test_weights_from_elsewhere_are_refused() -> None:
    with pytest.raises(PretraceError, match="begins with random weights"):
        search_rates(settings_with(pretrain={"init_from": "somewhere"}))
