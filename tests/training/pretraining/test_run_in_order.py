"""Pre-training of texts in order: it learns, gives the same bytes after a kill, and shares rows among ranks."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from pretrace.common.errors import PretraceError
from pretrace.model.segment_memory import read_segment
from pretrace.tokens.shards import open_shards
from pretrace.training.engine.flops import flops_per_token
from pretrace.training.pretraining.plan import Plan
from tests.helpers import REPOSITORY
from tests.helpers.small_training import Killed, elsewhere, killer, run, settings_with, weights_of
from tests.helpers.toy_grammar import SPECIAL, ToyWords, make_toy_shards
from tests.training.pretraining.test_run import KILLED_PROCESS

pytestmark = pytest.mark.slow
XL: dict[str, Any] = {
    **{"model.positions": "relative", "model.memory_share": 0.5, "model.activation": "relu"},
    **{"model.attention_bias": False, "model.embedding_scale": "sqrt_width", "model.output": "tied_bias"},
    "pretrain.objective": {"kind": "in_order", "evaluation_memory": [1, 2, 4]},
}
LEARNS = {
    **{"pretrain.steps": 200, "pretrain.batch_size": 8, "pretrain.micro_batch": 16, "pretrain.lr": 0.005},
    **{"pretrain.warmup_steps": 40, "pretrain.validate_every": 100, "pretrain.checkpoint_every": 400},
    **{"model.width": 32, "model.feed_forward": 64, "model.dropout": 0.0},
}


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_toy_shards(tmp_path_factory.mktemp("toy"))


def train(shards: Path, changes: dict[str, Any] | None = None, **more: Any) -> Any:
    return run(settings_with(XL | (changes or {})), shards, special=SPECIAL, **more)


def unigram_loss(shards: Path) -> float:
    stream = open_shards(shards, "train")
    shares = np.bincount(stream.read(0, stream.tokens), minlength=ToyWords.size) / stream.tokens
    return float(-(shares[shares > 0] * np.log(shares[shares > 0])).sum())


def test_the_loss_falls_far_below_that_of_single_words_and_with_memory(toy: Path) -> None:
    result = train(toy, LEARNS)
    metrics = result.metrics
    assert result.curve[0]["loss"] == pytest.approx(math.log(ToyWords.size), rel=0.3)
    assert metrics.val_loss < 0.7 * unigram_loss(toy)
    assert metrics.val_perplexity == pytest.approx(math.exp(metrics.val_loss), rel=1e-3)
    assert metrics.val_bits_per_byte > 0
    by_memory = {one.memory: one.val_loss for one in metrics.memory_losses}
    assert [*by_memory] == [0, 8, 16, 32]
    assert by_memory[8] == pytest.approx(metrics.val_loss, abs=1e-5)
    assert by_memory[8] < by_memory[0]  # a segment's first words have a beginning before them
    assert metrics.tokens == 200 * 8 * 16  # as many as others read
    assert metrics.flops == metrics.tokens * flops_per_token(result.model)


def test_rows_of_a_step_hold_as_many_tokens_as_others_read() -> None:
    own, gpt1 = Plan(settings_with(XL).scale), Plan(settings_with().scale)
    assert (own.batch_size, own.context) == (2 * gpt1.batch_size, 8)
    assert (own.steps, own.tokens) == (gpt1.steps, gpt1.tokens)
    tokens = Plan(settings_with(XL | {"pretrain.batch_size": None, "pretrain.batch_tokens": 64}).scale)
    assert tokens.batch_size == 8
    assert own.carried_bytes == 4 * 2 * 16 * 8 * own.batch_size
    assert gpt1.carried_bytes == 0


@pytest.mark.parametrize(
    "changes", [{}, {"model.norm": "pre", "model.embedding_dropout": "table", "pretrain.steps": 35}]
)
def test_weights_are_the_same_twice_and_after_a_kill(
    changes: dict[str, Any], toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where an epoch ends in between: the small text has some 15 steps."""
    undisturbed = train(toy, changes)
    elsewhere("again", monkeypatch)
    torch.manual_seed(99)
    assert weights_of(train(toy, changes)) == weights_of(undisturbed)
    elsewhere("killed", monkeypatch)
    for step in (9, 5, 9):
        with pytest.raises(Killed):
            train(toy, changes, publish=killer(step))
    after = train(toy, changes)
    assert weights_of(after) == weights_of(undisturbed)
    assert (after.curve, after.metrics) == (undisturbed.curve, undisturbed.metrics)


def test_without_its_memory_a_resumed_run_would_be_another(toy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    undisturbed = train(toy)
    elsewhere("killed", monkeypatch)
    with pytest.raises(Killed):
        train(toy, publish=killer(9))
    carried = "pretrace.training.distributed.carried_states.CarriedStates.scatter"
    monkeypatch.setattr(carried, lambda *_: None)
    assert weights_of(train(toy)) != weights_of(undisturbed)


def test_two_ranks_and_micro_batches_change_only_rounding_and_survive_sigkill(
    toy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes = XL | {"model.dropout": 0.2, "pretrain.batch_size": 3}  # six rows
    one = train(toy, changes)
    shared = changes | {"processes": 2, "pretrain.micro_batch": 1}
    two = train(toy, shared)
    for a, b in zip(one.curve, two.curve, strict=True):
        assert a["loss"] == pytest.approx(b["loss"], abs=1e-4)
    elsewhere("killed", monkeypatch)
    script = Path("killed.py")
    script.write_text(KILLED_PROCESS.format(repository=str(REPOSITORY), changes=shared, shards=toy))
    script.write_text(script.read_text().replace("PosixPath(", "__import__('pathlib').Path("))
    assert subprocess.run([sys.executable, script], env=os.environ, timeout=120).returncode == -9
    after = train(toy, shared)
    assert weights_of(after) == weights_of(two)
    assert (after.curve, after.metrics) == (two.curve, two.metrics)


def test_second_step_attends_to_what_the_first_read(toy: Path) -> None:
    """Two rows of the curve, worked out from the initial model: the weights of the first step stay as they are."""
    settings = settings_with(XL | {"model.dropout": 0.0, "pretrain.lr": 1e-30})
    with pytest.raises(Killed):
        run(settings, toy, publish=killer(3))
    (folder,) = Path(".pretrace/checkpoints").iterdir()
    losses = [eval(line)["loss"] for line in (folder / "curve.jsonl").read_text().splitlines()]
    from pretrace.model import build_model
    from pretrace.tokens.shards.streams import Streams

    model = build_model(settings.scale, ToyWords.size, 3)
    streams, memory = Streams(open_shards(toy, "train"), 8, 8, 3), None
    for step, loss in enumerate(losses[:2]):
        ids = torch.from_numpy(streams.read(step, range(8)))
        with torch.no_grad():
            h_BTC, memory = read_segment(model, ids[:, :-1], memory, 8)
            expected = torch.nn.functional.cross_entropy(model.logits(h_BTC).transpose(1, 2), ids[:, 1:])
        assert loss == pytest.approx(float(expected), abs=1e-5)


def test_too_little_text_and_a_mix_are_one_line(toy: Path, tmp_path: Path) -> None:
    with pytest.raises(PretraceError, match=r"train: \d+ tokens are too few for 8000 rows of 8 and one more"):
        train(toy, {"pretrain.batch_size": 4000})
    with pytest.raises(PretraceError, match=r"validation has \d+ tokens, fewer than a sequence of 2000 and one more"):
        train(toy, {"model.context": 2000})
    mixed = make_toy_shards(tmp_path / "mixed", mix={"0": 1, "1": 1, "2": 1, "3": 1})
    with pytest.raises(PretraceError, match=r"corpus\.mix: sources by weight are drawn"):
        train(mixed)
