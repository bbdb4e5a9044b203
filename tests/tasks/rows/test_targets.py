"""Soft labels: numbers of a scale as shares of its classes, and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pretrace.tasks.rows.kinds import KINDS
from pretrace.tasks.rows.targets import LabelScale

CLASSES = 6


def soft(*labels: float, classes: int = CLASSES) -> torch.Tensor:
    return torch.from_numpy(KINDS["regression"].targets(np.array(labels, dtype=float), classes, LabelScale()))


def test_soft_label_is_shared_by_the_two_nearest_classes() -> None:
    """3.6 is the example of the released code's helper, after Tai et al. (2015)."""
    expected = [[0, 0, 0, 0.4, 0.6, 0], [0.5, 0.5, 0, 0, 0, 0], [0, 0, 0, 0, 0.2, 0.8]]
    torch.testing.assert_close(soft(3.6, 0.5, 4.8), torch.tensor(expected))


def test_soft_label_of_a_whole_number_is_one_class() -> None:
    assert torch.equal(soft(0, 1, 2, 3, 4, 5), torch.eye(CLASSES))


@given(st.integers(2, 12).flatmap(lambda n: st.tuples(st.just(n), st.lists(st.floats(0, n - 1), min_size=1))))
def test_soft_label_sums_to_one_and_has_the_label_as_mean(drawn: tuple[int, list[float]]) -> None:
    classes, labels = drawn
    shares = soft(*labels, classes=classes)
    assert shares.shape == (len(labels), classes)
    assert (shares >= 0).all()
    assert ((shares > 0).sum(1) <= 2).all()
    np.testing.assert_allclose(shares.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(shares.double() @ torch.arange(classes).double(), labels, atol=1e-5)


def test_label_scale_restores_labels() -> None:
    """The mean class that the model predicts is on the labels' scale; the other form has its own way back."""
    labels = np.array([0.0, 1.5, 5.0])
    assert KINDS["regression"].label_scale(labels, CLASSES).labels(labels) is labels
    scale = KINDS["regression"].label_scale(labels, 1)
    targets = torch.from_numpy(KINDS["regression"].targets(labels, 1, scale))
    assert targets.dtype == torch.float32
    assert float(targets.mean()) == pytest.approx(0, abs=1e-6)
    assert float(targets.std(correction=0)) == pytest.approx(1)
    np.testing.assert_allclose(scale.labels(targets.numpy()), labels, atol=1e-6)


def test_label_scale_restores_constant_labels() -> None:
    scale = KINDS["regression"].label_scale(np.full(4, 2.5), 1)
    targets = torch.from_numpy(KINDS["regression"].targets(np.full(4, 2.5), 1, scale))
    assert (targets == 0).all()
    assert (scale.labels(targets.numpy()) == 2.5).all()


@pytest.mark.parametrize("kind", ["classification", "entailment", "similarity", "multiple_choice"])
def test_targets_of_classes_are_the_classes(kind: str) -> None:
    labels = np.array([2, 0, 1])
    scale = KINDS[kind].label_scale(labels, 3)
    assert KINDS[kind].targets(labels, 3, scale).tolist() == [2, 0, 1]
    assert scale.labels(labels) is labels


def test_soft_label_loss_is_least_at_its_own_shares() -> None:
    """So a model that learns them predicts, in the mean, the labels."""
    targets = soft(3.6, 2.0)
    scores = targets.clamp_min(1e-9).log()
    best = torch.nn.functional.cross_entropy(scores, targets)
    for moved in (0.3, -0.3):
        other = scores.clone()
        other[:, 3] += moved
        assert torch.nn.functional.cross_entropy(other, targets) > best
