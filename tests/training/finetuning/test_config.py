"""The settings of one fine-tuning: which of several values wins."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from tests.helpers.small_finetuning import recipe
from tests.helpers.small_training import settings_with


def test_recipe_takes_the_more_particular_setting() -> None:
    assert recipe().lr == 0.01
    assert recipe(lr=0.02).lr == 0.02
    assert recipe({"lr": 0.03}, lr=0.02).lr == 0.03
    assert recipe({"lr": 0.03}, {"lr": 0.04}, lr=0.02).lr == 0.04
    assert recipe().epochs == 3
    assert recipe({"epochs": 4}).epochs == 4
    assert recipe({"epochs": 4}, {"epochs": 5}).epochs == 5
    assert recipe().lm_weight == 0.5
    assert recipe(variant={"lm_weight": 0.0}).lm_weight == 0.0
    assert recipe({"lm_weight": 0.0}).lm_weight == 0.0
    assert recipe({"lm_weight": 0.0}, variant={"lm_weight": 0.7}).lm_weight == 0.7
    assert recipe().batch_size == 8
    assert recipe({"batch_size": 16, "dropout": 0.0}).batch_size == 16
    assert recipe({"batch_size": 16, "dropout": 0.0}).dropout == 0.0


def test_recipe_outputs_are_the_labels_or_one() -> None:
    assert recipe().outputs == 3
    for kind in ("regression", "multiple_choice"):
        found = recipe(labels=None, kind=kind, metric="pearson")
        assert (found.outputs, found.kind, found.metric) == (1, kind, "pearson")


CLASSES = 6


def test_recipe_outputs_are_the_soft_classes() -> None:
    for overrides, outputs in (({"soft_classes": CLASSES}, CLASSES), ({}, 1)):
        assert recipe(overrides, kind="regression", metric="pearson", labels=None).outputs == outputs


def test_recipe_has_each_setting_once() -> None:
    resolved = recipe({"lr": 0.03, "dropout": 0.2, "batch_size": 4}, {"epochs": 7, "lm_weight": 0.0})
    scale = settings_with().scale.finetune
    own = {"lr": 0.03, "dropout": 0.2, "batch_size": 4, "epochs": 7, "lm_weight": 0.0}
    assert resolved.model_dump() == {
        **scale.model_dump(),
        **own,
        **{"kind": "classification", "metric": "accuracy", "outputs": 3},
    }
    assert not any(isinstance(value, dict) for value in resolved.model_dump().values())
    with pytest.raises(ValidationError, match="frozen"):
        resolved.lr = 0.1  # type: ignore[misc]
