"""The settings of one fine-tuning: which of several values wins."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError

from pretrace.tasks.rows.encoded import EncodedSplit
from pretrace.training.finetuning.config import training_rows
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


def test_variant_has_a_factor_of_whatever_rate_applies() -> None:
    factor = {"lr_factor": 3.0}
    assert recipe(variant=factor).lr == pytest.approx(0.03)
    assert recipe(variant=factor, lr=0.02).lr == pytest.approx(0.06)
    assert recipe({"lr": 0.1}, factor, lr=0.02).lr == pytest.approx(0.3)
    with pytest.raises(ValidationError, match="`lr` and `lr_factor` exclude each other"):
        recipe(variant={"lr": 0.1, **factor})


def test_variant_has_passes_by_task() -> None:
    assert recipe(variant={"epochs": {"task": 5, "other": 6}}).epochs == 5
    assert recipe({"epochs": 4}, variant={"epochs": {"other": 6}}).epochs == 4
    assert recipe(variant={"epochs": {"other": 6}}).epochs == 3
    assert recipe(variant={"head_strength": 0.1}).head_strength == 0.1


def test_smaller_share_of_rows_is_part_of_a_larger_one() -> None:
    labels = np.arange(40)
    ids, offsets = np.arange(80), np.arange(0, 81, 2)
    rows = EncodedSplit(ids, offsets, labels, 1)
    kept = {share: training_rows(rows, recipe(variant={"train_share": share})) for share in (0.1, 0.5, 1.0)}
    assert [len(part) for part in kept.values()] == [4, 20, 40]
    assert set(kept[0.1].labels) < set(kept[0.5].labels) < set(kept[1.0].labels)
    for part in kept.values():
        assert all(part.row(n)[0].tolist() == [2 * label, 2 * label + 1] for n, label in enumerate(part.labels))
    assert not np.array_equal(kept[0.5].labels, labels[:20]), "rows of a file may be sorted"


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
        **{"kind": "classification", "metric": "accuracy", "outputs": 3, "train_share": 1.0, "head_strength": None},
        **{"first_id": None, "separator_id": None},
    }
    assert not any(isinstance(value, dict) for value in resolved.model_dump().values())
    with pytest.raises(ValidationError, match="frozen"):
        resolved.lr = 0.1  # type: ignore[misc]
