"""Soft labels: numbers of a scale as shares of its classes, and back; what is outside of the scale is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from pretrace.errors import PretraceError
from pretrace.settings import Task
from pretrace.tasks.prepare import prepare_task
from pretrace.tasks.rows import Row, TaskData
from pretrace.training.predictions import LabelScale, label_scale, targets_of
from pretrace.training.recipe import resolve_recipe
from tests.helpers.small_training import settings_with

CLASSES = 6
FILES = {"train": "train.csv", "dev": "dev.csv", "test": "test.csv"}


def soft(*labels: float, classes: int = CLASSES) -> torch.Tensor:
    return targets_of("regression", classes, np.array(labels, dtype=float), LabelScale())


def test_a_number_between_two_classes_is_a_share_of_each() -> None:
    """3.6 is the example of the released code's helper, after Tai et al. (2015)."""
    expected = [[0, 0, 0, 0.4, 0.6, 0], [0.5, 0.5, 0, 0, 0, 0], [0, 0, 0, 0, 0.2, 0.8]]
    torch.testing.assert_close(soft(3.6, 0.5, 4.8), torch.tensor(expected))


def test_a_whole_number_is_one_class() -> None:
    assert torch.equal(soft(0, 1, 2, 3, 4, 5), torch.eye(CLASSES))


@given(st.integers(2, 12).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.floats(0, n - 1), min_size=1))))
def test_shares_are_of_one_and_their_mean_is_the_label(drawn: tuple[int, list[float]]) -> None:
    classes, labels = drawn
    shares = soft(*labels, classes=classes)
    assert shares.shape == (len(labels), classes)
    assert (shares >= 0).all()
    assert ((shares > 0).sum(1) <= 2).all()
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(shares.double() @ torch.arange(classes).double(), labels, atol=1e-5)


def test_predictions_are_labels_already() -> None:
    """The mean class that the model predicts is on the labels' scale; the other form has its own way back."""
    labels = np.array([0.0, 1.5, 5.0])
    assert label_scale("regression", CLASSES, labels).labels(labels) is labels
    scale = label_scale("regression", 1, labels)
    targets = targets_of("regression", 1, labels, scale)
    assert targets.dtype == torch.float32
    assert float(targets.mean()) == pytest.approx(0, abs=1e-6)
    assert float(targets.std(correction=0)) == pytest.approx(1)
    np.testing.assert_allclose(scale.labels(targets.numpy()), labels, atol=1e-6)


def test_labels_that_are_all_the_same_have_a_way_back_too() -> None:
    scale = label_scale("regression", 1, np.full(4, 2.5))
    targets = targets_of("regression", 1, np.full(4, 2.5), scale)
    assert (targets == 0).all()
    assert (scale.labels(targets.numpy()) == 2.5).all()


@pytest.mark.parametrize("kind", ["classification", "entailment", "similarity", "multiple_choice"])
def test_classes_are_themselves(kind: str) -> None:
    labels = np.array([2, 0, 1])
    scale = label_scale(kind, 3, labels)
    assert torch.equal(targets_of(kind, 3, labels, scale), torch.tensor([2, 0, 1]))
    assert scale.labels(labels) is labels


def test_the_best_loss_is_that_of_the_labels_own_shares() -> None:
    """So a model that learns them predicts, in the mean, the labels."""
    targets = soft(3.6, 2.0)
    scores = targets.clamp_min(1e-9).log()
    best = torch.nn.functional.cross_entropy(scores, targets)
    for moved in (0.3, -0.3):
        other = scores.clone()
        other[:, 3] += moved
        assert torch.nn.functional.cross_entropy(other, targets) > best


def a_task(**changes: object) -> dict:
    return {"mine": {"kind": "regression", **FILES, "soft_classes": CLASSES, **changes}}


def test_the_number_of_outputs_is_that_of_the_classes() -> None:
    note = {"kind": "regression", "metric": "pearson", "labels": None}
    for overrides, outputs in (({"soft_classes": CLASSES}, CLASSES), ({}, 1)):
        assert resolve_recipe(settings_with(), "full", {**note, "overrides": overrides}).outputs == outputs


@pytest.mark.parametrize("kind", ["classification", "entailment", "similarity", "multiple_choice"])
def test_other_kinds_have_no_soft_classes(kind: str) -> None:
    with pytest.raises(ValidationError, match=f"`soft_classes` is for `kind: regression`, this task is of kind {kind}"):
        Task(kind=kind, train="a.csv", test="b.csv", soft_classes=6)


@pytest.mark.parametrize("classes", [1, 0, 2.5])
def test_a_scale_has_two_classes_or_more(classes: float) -> None:
    with pytest.raises(ValidationError, match="soft_classes"):
        Task(kind="regression", train="a.csv", test="b.csv", soft_classes=classes)


class Words:
    """A vocabulary of words' lengths."""

    def encode_array(self, text: str) -> np.ndarray:
        return np.array([len(word) for word in text.split()], np.uint16)


def write_rows(split: str, labels: list[object]) -> None:
    rows = [f"the cat sat {n},a cat was there {n},{label}\n" for n, label in enumerate(labels)]
    Path(FILES[split]).write_text("first,second,label\n" + "".join(rows))


def prepared(out: str) -> dict:
    return prepare_task(settings_with(tasks=a_task()), "mine", Path("none"), Words(), Path(out))


def test_labels_on_the_scale_are_taken() -> None:
    for split in FILES:
        write_rows(split, [0, 0.4, 2.6, 5, 5.0, 3, 4, 1])
    assert prepared("tasks")["n_train"] == 8


@pytest.mark.parametrize("split", FILES)
@pytest.mark.parametrize("label", [5.2, -0.1, 50])
def test_a_label_outside_of_the_scale_is_one_line(split: str, label: float) -> None:
    for name in FILES:
        write_rows(name, [0, 0.4, 2.6, 5])
    write_rows(split, [0, 0.4, label, 5])
    with pytest.raises(PretraceError) as error:
        prepared("tasks")
    assert str(error.value) == (f"{FILES[split]}: row 3: label {label:g}; `soft_classes: 6` takes numbers from 0 to 5")
    assert not Path("tasks").exists()


def test_a_probe_with_labels_above_the_scale_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [Row(("a cat", "a mat"), label) for label in range(4)]
    monkeypatch.setattr(
        "pretrace.tasks.prepare.make_probe", lambda *_: TaskData("regression", "pearson", None, {"train": rows})
    )
    monkeypatch.setattr("pretrace.tasks.prepare.read_documents", lambda _: [])
    tasks = {"near": {"kind": "regression", "probe": "nearness", "soft_classes": 3}}
    with pytest.raises(PretraceError, match=r"^params\.yaml: tasks\.near\.soft_classes: 3 .* go to 3$"):
        prepare_task(settings_with(tasks=tasks), "near", Path("none"), Words(), Path("tasks"))
