"""Sizes that the settings take: a training of them runs, or stops with one line. No traceback, no filled memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pydantic import ValidationError

from pretrace.common.errors import PretraceError
from tests.helpers.small_training import run, settings_with

CHOICES: dict[str, list[Any]] = {
    "model.layers": [1, 3],
    "model.width": [1, 2, 6, 15, 1 << 20],
    "model.heads": [1, 2, 3, 6, 16],
    "model.feed_forward": [1, 7, 1 << 20],
    "model.context": [8, 9, 64, 1 << 20],
    "model.dropout": [0.0, 0.999999],
    "model.embedding_dropout": ["sum", "table"],
    "model.initial_std": [1e-300, 1e3, 1e9],
    "lstm.layers": [1, 2],
    "lstm.width": [1, 5, 1 << 20],
    "lstm.embedding": [1, 7],
    "pretrain.steps": [1, 3],
    "pretrain.warmup_steps": [1, 3, 4],
    "pretrain.batch_size": [1, 3, 10**6],
    "pretrain.micro_batch": [None, 1, 5, 10**9],
    "pretrain.lr": [1e-300, 1.0],
    "pretrain.optimizer": ["openai_adam", "adamw", "bert_adam"],
    "pretrain.schedule": ["cosine", "linear", "inverse_sqrt"],
    "pretrain.floor_share": [0.0, 0.999999],
    "pretrain.batch_growth": [{"from_tokens": 1, "over_tokens": 1}, {"from_tokens": 1, "over_tokens": 10**15}],
    "pretrain.weight_decay": [0.0, 1e9],
    "pretrain.beta1": [0.0, 0.9999999],
    "pretrain.beta2": [0.0, 0.9999999],
    "pretrain.clip_norm": [1e-300, 1e9],
    "pretrain.precision": ["auto", "tf32", "bfloat16"],
    "pretrain.validate_every": [1, 10**12],
    "pretrain.checkpoint_every": [1, 10**12],
    "pretrain.sample_every": [None, 1],
    "pretrain.save_at_powers_of_two": [True, False],
    "pretrain.sharded": [True, False],
}
SLOW = ({"model.feed_forward": 1 << 20}, {"model.context": 1 << 20})
CHANGES = st.lists(st.sampled_from(sorted(CHOICES)), min_size=2, max_size=8, unique=True).flatmap(
    lambda keys: st.fixed_dictionaries({key: st.sampled_from(CHOICES[key]) for key in keys})
)


@pytest.mark.slow
@given(changes=CHANGES, seed=st.sampled_from([0, 2**32 - 1]), kind=st.sampled_from(["transformer", "lstm"]))
@example(
    {"pretrain.optimizer": "openai_adam", "pretrain.weight_decay": 1e9}, 2**32 - 1, "transformer"
)  # no finite loss
@hypothesis_settings(max_examples=25, suppress_health_check=list(HealthCheck))
def test_valid_settings_train_or_stop_with_one_line(
    shards: Path, changes: dict[str, Any], seed: int, kind: str
) -> None:
    changes = {"pretrain.steps": 3, "pretrain.warmup_steps": 1, **changes}
    if any(slow.items() <= changes.items() for slow in SLOW) and "model.width" not in changes:
        changes["model.width"] = 1 << 20  # then it is refused at once
    try:
        settings = settings_with({"kind": kind, **changes}, pretrain={"seeds": [seed]})
    except ValidationError:
        return
    try:
        result = run(settings, shards)
    except PretraceError as error:
        assert str(error)
    else:
        assert result.metrics.steps == settings.scale.pretrain.steps


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("transformer", {"model.width": 1 << 20, "model.heads": 1 << 10}),
        ("transformer", {"model.width": 1 << 17, "model.layers": 100, "model.heads": 8}),
        ("lstm", {"lstm.width": 1 << 20, "lstm.layers": 50}),
    ],
)
def test_sizes_too_large_for_memory_are_refused_at_once(shards: Path, kind: str, changes: dict[str, Any]) -> None:
    with pytest.raises(PretraceError, match=rf"memory: {kind}: at least .* this machine has .*; lower .*model\.width"):
        run(settings_with({"kind": kind, **changes}), shards)
