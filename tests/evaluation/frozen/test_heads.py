"""The linear classifier on states that are made up, so that one layer has the answer and the others have none."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pretrace.evaluation.frozen.heads import STRENGTHS, StateRows, best_head, features_of
from pretrace.tasks.rows.kinds import KINDS

METRICS = {"classification": "accuracy", "entailment": "matthews", "similarity": "f1"}
METRICS |= {"regression": "pearson", "multiple_choice": "accuracy"}


def made_up(kind: str, rows: int, seed: int) -> StateRows:
    """Layer 1 has the label: in the first part of a text, in the likeness of a pair, in the likeness of a choice."""
    random = np.random.default_rng(seed)
    parts = {"classification": 1, "multiple_choice": 4}.get(kind, 2)
    states = random.normal(size=(rows, parts, 3, 6)).astype(np.float32)
    if kind == "regression":
        labels = random.random(rows)
    else:
        labels = random.integers(0, {"classification": 3, "multiple_choice": 3}.get(kind, 2), rows)
    for row, label in enumerate(labels):
        if parts == 1:
            states[row, 0, 1, int(label)] += 6
        elif parts == 4:
            states[row, 1 + int(label), 1] = states[row, 0, 1]
        else:
            states[row, 1, 1] = label * states[row, 0, 1] + (1 - label) * states[row, 1, 1]
    return StateRows(states, labels)


@pytest.mark.parametrize("kind", list(KINDS))
def test_layer_with_the_answer_is_found(kind: str) -> None:
    train, dev, test = (made_up(kind, rows, seed) for seed, rows in enumerate((400, 100, 200)))
    head, candidates = best_head(KINDS[kind], METRICS[kind], train, dev)
    assert head.layer == 1
    assert [(one.settings["layer"], one.settings["C"]) for one in candidates] == [
        (layer, strength) for layer in range(3) for strength in STRENGTHS
    ]
    assert max(one.dev for one in candidates) == max(one.dev for one in candidates if one.settings["layer"] == 1)
    predictions = head.predict(test.states_EPLC[:, :, 1])
    assert predictions.shape == (200,)
    if kind == "regression":
        assert np.corrcoef(predictions, test.labels_E)[0, 1] > 0.8
    else:
        assert np.mean(predictions == test.labels_E) > 0.9


def test_order_of_an_unordered_pair_means_nothing() -> None:
    states = np.random.default_rng(0).normal(size=(5, 2, 4))
    np.testing.assert_array_equal(features_of(states, True), features_of(states[:, [1, 0]], True))
    assert not np.array_equal(features_of(states, False), features_of(states[:, [1, 0]], False))


def test_choice_is_a_pair_with_its_context() -> None:
    states = np.random.default_rng(0).normal(size=(5, 4, 2))
    found = features_of(states, False).reshape(5, 3, -1)
    for choice in range(3):
        np.testing.assert_array_equal(found[:, choice], features_of(states[:, [0, 1 + choice]], False))


def test_classifier_is_logistic_regression_on_standardized_features() -> None:
    """Written out with scikit-learn, for one layer."""
    train, dev = (made_up("entailment", rows, seed) for seed, rows in enumerate((200, 100)))
    one = (StateRows(rows.states_EPLC[:, :, 1:2], rows.labels_E) for rows in (train, dev))
    head, candidates = best_head(KINDS["entailment"], "matthews", *one)
    u, v = train.states_EPLC[:, 0, 1], train.states_EPLC[:, 1, 1]
    features = np.hstack([u, v, abs(u - v), u * v])
    scaled = (features - features.mean(0)) / features.std(0)
    strength = max(candidates, key=lambda candidate: candidate.dev).settings["C"]
    plain = LogisticRegression(C=float(strength), max_iter=1000).fit(scaled, train.labels_E)
    assert np.mean(head.predict(train.states_EPLC[:, :, 1]) == plain.predict(scaled)) > 0.99
