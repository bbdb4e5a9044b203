"""Objectives that do not fit the model, in one line each."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pretrace.settings import ObjectiveSettings
from tests.helpers.small_training import settings_with

MASKED = {"kind": "masked"}
FULL = {"model.attention": "full", "pretrain.objective": MASKED}
PAIRS = {**MASKED, "next_sentence": True}
IN_ORDER = {"kind": "in_order"}
RELATIVE = {"model.positions": "relative", "model.memory_share": 0.5}
GROWTH = {"from_tokens": 32, "over_tokens": 700}


def test_the_default_is_in_no_dump_of_what_was_set() -> None:
    section = settings_with().scale.pretrain
    assert section.objective == ObjectiveSettings()
    later = {"objective", "tokens", "batch_tokens", "batch_growth", "warmup_tokens", "schedule", "floor_share"}
    assert not later & section.model_dump(exclude_defaults=True).keys()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        (
            {"model.attention": "full"},
            "sees the token that pre-training has it predict; takes `causal` or ",
        ),
        ({"pretrain.objective": MASKED}, "`model.attention: full`, and not `causal`"),
        ({**FULL, "pretrain.sample_every": 5}, "a model of masked tokens writes no text; takes null"),
        (
            {**FULL, "model.next_sentence": True, "pretrain.objective": PAIRS},
            "model.segments: .* takes 2 or more, and not 0",
        ),
        (
            {**FULL, "model.segments": 2, "pretrain.objective": PAIRS},
            "model.next_sentence: got false, but the objective needs it",
        ),
        ({**FULL, "model.next_sentence": True}, "model.next_sentence: got true, but .*next_sentence: true` trains it"),
        ({"pretrain.objective": {"mask_rate": 0.3}}, "`mask_rate` is for `kind: masked`"),
        (
            {**FULL, "pretrain.objective": {**MASKED, "random_share": 0.3}},
            "mask_share 0.8 and random_share 0.3 are more than 1",
        ),
        ({**FULL, "pretrain.objective": {**MASKED, "mask_rate": 0.0}}, "greater than 0"),
        ({"pretrain.objective": IN_ORDER}, "`in_order` is for a transformer with `model.memory_share`; others take"),
        ({**RELATIVE, "pretrain.objective": IN_ORDER, "kind": "lstm"}, "`in_order` is for a transformer with"),
        (RELATIVE, "model.memory_share: got 0.5; texts not read in order have no memory; takes 0, or"),
        (
            {**RELATIVE, "pretrain.objective": IN_ORDER, "pretrain.batch_growth": GROWTH},
            "pretrain.batch_growth: rows that begin later would have no memory; .* takes null",
        ),
        ({"pretrain.objective": {"evaluation_memory": [2]}}, "`evaluation_memory` is for `kind: in_order`"),
        ({**FULL, "pretrain.objective": {**MASKED, "evaluation_memory": [2]}}, "`evaluation_memory` is for `kind: in"),
        ({"pretrain.objective": {**IN_ORDER, "mask_rate": 0.3}}, "`mask_rate` is for `kind: masked`"),
        ({"pretrain.objective": {**IN_ORDER, "evaluation_memory": [2, 2]}}, "the same length twice"),
        ({"pretrain.objective": {**IN_ORDER, "evaluation_memory": [0]}}, "greater than or equal to 1"),
    ],
)
def test_objectives_that_do_not_fit_are_one_line(changes: dict[str, Any], reason: str) -> None:
    with pytest.raises(ValidationError, match=reason):
        settings_with(changes)


def test_a_mix_of_sources_is_not_read_in_order() -> None:
    corpus = {"source": "installed", "packages": ["any"], "mix": {"any": 1.0}}
    with pytest.raises(
        ValidationError, match=r"corpus\.mix: .* system gpt1 reads the text in order; leave one of them"
    ):
        settings_with({**RELATIVE, "pretrain.objective": IN_ORDER}, corpus=corpus)


def test_an_lstm_predicts_no_masked_tokens() -> None:
    with pytest.raises(ValidationError, match=r"kind: `masked` is for a transformer; the lstm never sees both sides"):
        settings_with({"kind": "lstm", **FULL})
