"""Pre-training by unit: the same bytes from any number of processes, and after a restart with another number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pretrace.common.errors import PretraceError
from tests.helpers.small_training import Killed, elsewhere, killer, run, settings_with, weights_of
from tests.helpers.toy_grammar import SPECIAL, make_toy_shards, masked_settings
from tests.training.pretraining.test_run_in_order import XL

pytestmark = pytest.mark.slow
BY_UNIT: dict[str, Any] = {
    **{"pretrain.batch_size": 8, "pretrain.micro_batch": 4, "pretrain.unit": 1, "pretrain.steps": 8},
    **{"pretrain.checkpoint_every": 3, "pretrain.validate_every": 8},
    **{"model.width": 64, "model.heads": 4, "model.feed_forward": 128, "model.context": 32},
}
GPT2 = {
    **{"model.norm": "pre", "model.residual_init": "depth", "model.activation": "gelu_tanh"},
    **{"model.attention": "banded", "model.window": 5},
}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_shards(tmp_path_factory.mktemp("toy"))


def results(settings: Any, shards: Path, monkeypatch: pytest.MonkeyPatch, processes: tuple[int, ...]) -> list[Any]:
    """Train with each number of processes, in folders that know nothing of each other."""
    found = []
    for number in processes:
        elsewhere(f"with {number}", monkeypatch)
        found.append(run(settings({**BY_UNIT, "processes": number}), shards, special=SPECIAL))
    return found


def check_same(found: list[Any]) -> None:
    for other in found[1:]:
        assert weights_of(other) == weights_of(found[0])
        assert (other.curve, other.metrics) == (found[0].curve, found[0].metrics)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"model.embedding_dropout": "table", "pretrain.unit": 2, "pretrain.batch_size": 12},
        {**GPT2, "pretrain.batch_growth": {"from_tokens": 32, "over_tokens": 700}},
    ],
)
def test_any_number_of_processes_gives_the_same_bytes(
    changes: dict[str, Any], precision: str, shards: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = {**changes, "pretrain.precision": precision}
    check_same(results(lambda more: settings_with({**more, **changes}), shards, monkeypatch, (1, 2, 4, 8)))


def test_more_processes_than_units_and_an_lstm(shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {"kind": "lstm", "pretrain.batch_size": 3}
    check_same(results(lambda more: settings_with({**more, **changes}), shards, monkeypatch, (1, 2, 4, 8)))


@pytest.mark.parametrize("pairs", [False, True])
def test_masked_tokens_by_unit(pairs: bool, toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_same(results(lambda more: masked_settings(more, pairs), toy, monkeypatch, (1, 4)))


def test_memory_by_unit(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    check_same(results(lambda more: settings_with({**XL, **more}), toy, monkeypatch, (1, 2, 4)))


def test_a_killed_run_goes_on_with_another_number_of_processes(
    shards: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    undisturbed = run(settings_with({**BY_UNIT, "processes": 1}), shards)
    elsewhere("killed", monkeypatch)
    for processes, step in ((4, 5), (2, 5)):
        with pytest.raises(Killed):
            run(settings_with({**BY_UNIT, "processes": processes}), shards, killer(step))
    after = run(settings_with({**BY_UNIT, "processes": "auto"}), shards)
    assert "resuming from the checkpoint at step 6" in capfd.readouterr().err
    assert weights_of(after) == weights_of(undisturbed)
    assert after.curve == undisturbed.curve


@pytest.mark.parametrize("positions", ["learned", "sinusoidal"])
def test_units_change_the_last_bits_alone(positions: str, shards: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = {**BY_UNIT, "model.embedding_dropout": "table", "model.positions": positions}
    own = run(settings_with(changes), shards)
    elsewhere("without", monkeypatch)
    without = run(settings_with({**changes, "pretrain.unit": None}), shards)
    assert weights_of(own) != weights_of(without)
    assert own.metrics.val_loss == pytest.approx(without.metrics.val_loss, abs=1e-4)


def test_three_processes_share_no_tree(shards: Path) -> None:
    with pytest.raises(PretraceError, match=r"pretrain\.unit: 3 processes cannot share .*; takes 1, 2, 4, 8"):
        run(settings_with({**BY_UNIT, "processes": 3}), shards)


def test_a_batch_has_whole_units(shards: Path) -> None:
    with pytest.raises(
        PretraceError, match=r"pretrain\.unit: a batch of 8 sequences has no whole number of units of 3"
    ):
        run(settings_with({**BY_UNIT, "pretrain.unit": 3}), shards)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"processes": "auto"}, r"processes: with `auto` the bytes would depend on the machine"),
        ({"pretrain.unit": 2, "pretrain.sharded": True}, r"pretrain\.unit: with `sharded`"),
        ({"pretrain.unit": 2, "pretrain.compile": "on"}, r"pretrain\.unit: kernels"),
        ({"pretrain.unit": 0}, r"pretrain\.unit"),
    ],
)
def test_settings_that_do_not_fit_units(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        settings_with(changes)
