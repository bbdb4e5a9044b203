"""Pre-training on masked tokens: it learns, gives the same bytes after a kill, and shares batches among ranks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pretrace.tokens.shards import open_shards
from pretrace.training.engine.curves import write_curve
from pretrace.training.engine.flops import flops_per_token
from pretrace.training.pretraining.artifacts import write_results
from tests.helpers.small_training import Killed, elsewhere, killer, run, weights_of
from tests.helpers.toy_grammar import SPECIAL, ToyWords, make_toy_shards, masked_settings

pytestmark = pytest.mark.slow
LEARNS = {
    **{"pretrain.steps": 400, "pretrain.batch_size": 16, "pretrain.micro_batch": 16, "pretrain.lr": 0.01},
    **{"pretrain.warmup_steps": 40, "pretrain.validate_every": 100, "pretrain.checkpoint_every": 400},
    **{"model.width": 32, "model.feed_forward": 64, "model.dropout": 0.0},
}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_shards(tmp_path_factory.mktemp("toy"))


def train(shards: Path, changes: dict[str, Any], pairs: bool, **more: Any) -> Any:
    return run(masked_settings(changes, pairs), shards, special=SPECIAL, **more)


def unigram_loss(shards: Path) -> float:
    """The entropy of the words of the training text, in nats: the best loss without a look at the neighbors."""
    stream = open_shards(shards, "train")
    counts = np.bincount(stream.read(0, stream.tokens), minlength=ToyWords.size).astype(float)
    counts[SPECIAL.separator] = 0
    shares = counts[counts > 0] / counts.sum()
    return float(-(shares * np.log(shares)).sum())


@pytest.mark.parametrize("pairs", [False, True])
def test_the_loss_falls_far_below_that_of_single_words(toy: Path, pairs: bool) -> None:
    result = train(toy, LEARNS, pairs)
    metrics = result.metrics.as_json()
    assert metrics["val_masked_loss"] < 0.7 * unigram_loss(toy)
    assert not {"val_loss", "val_perplexity", "val_bits_per_byte"} & metrics.keys()
    assert result.curve[0]["loss"] == pytest.approx(math.log(ToyWords.size) + pairs * math.log(2), rel=0.2)
    assert [row["step"] for row in result.curve if "val_masked_loss" in row] == [100, 200, 300, 400]
    assert not any("val_loss" in row for row in result.curve)
    assert ("val_next_sentence_loss" in metrics) == pairs
    if pairs:
        assert metrics["val_next_sentence_loss"] < 0.9 * math.log(2)
    assert metrics["flops"] == metrics["tokens"] * flops_per_token(result.model, 0.15)
    assert flops_per_token(result.model, 0.15) < flops_per_token(result.model)


@pytest.mark.parametrize(
    ("pairs", "changes"),
    [
        (False, {}),
        (True, {"pretrain.objective": {"kind": "masked", "next_sentence": True, "masks": "static", "copies": 2}}),
    ],
)
def test_weights_are_the_same_after_a_kill(
    pairs: bool, changes: dict[str, Any], toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = train(toy, changes, pairs)
    elsewhere("killed", monkeypatch)
    with pytest.raises(Killed):
        train(toy, changes, pairs, publish=killer(9))
    after = train(toy, changes, pairs)
    assert weights_of(after) == weights_of(undisturbed)
    assert (after.curve, after.metrics) == (undisturbed.curve, undisturbed.metrics)


@pytest.mark.parametrize("pairs", [False, True])
def test_two_ranks_and_micro_batches_change_only_rounding(toy: Path, pairs: bool) -> None:
    changes = {"model.dropout": 0.2, "pretrain.batch_growth": {"from_tokens": 32, "over_tokens": 700}}
    one = train(toy, changes, pairs)
    two = train(toy, {**changes, "processes": 2, "pretrain.micro_batch": 1}, pairs)
    assert len(one.curve) == 20
    for a, b in zip(one.curve, two.curve, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], abs=1e-4)
    assert one.metrics.val_masked_loss == pytest.approx(two.metrics.val_masked_loss, abs=1e-3)


def test_files_say_masked_loss_and_hold_no_samples(toy: Path, tmp_path: Path) -> None:
    result = train(toy, {"pretrain.steps": 4}, pairs=False)
    (tmp_path / "vocabulary").mkdir()
    out = tmp_path / "out"
    folders = tmp_path / "vocabulary", out / "models", out
    write_results({"transformer": result}, *folders, "bert", lambda model: pytest.fail())
    assert (out / "samples/bert.json").read_text().strip() == "[]"
    report = (out / "pretrain/bert.json").read_text()
    assert '"val_masked_loss"' in report
    assert '"val_loss"' not in report
    curve = write_curve(tmp_path, "curve", result.curve, 4)[1].read_text()
    assert '"val_masked_loss"' in curve
