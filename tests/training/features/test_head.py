"""Heads on features that are made up, so that one layer has the answer and the others have none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pretrace.settings.models.head import HeadSettings
from pretrace.tasks.rows.kinds import KINDS
from pretrace.training.features.extract import Pooled, Sequences, pool, read_sequences
from pretrace.training.features.fit import FeatureRows, fit_head
from pretrace.training.features.head import FeatureHead, LayerMix
from pretrace.training.features.pairs import pair_features, pair_width
from pretrace.training.features.word_states import WordStates

METRICS = {"classification": "accuracy", "entailment": "matthews", "similarity": "f1"}
METRICS |= {"regression": "pearson", "multiple_choice": "accuracy"}
OUTPUTS = {"classification": 3, "entailment": 2, "similarity": 2, "regression": 1, "multiple_choice": 1}
PARTS = {"classification": 1, "multiple_choice": 4}
LAYERS, WIDTH = 3, 6
QUICK = HeadSettings(hidden=16, units=8, lr=0.01, epochs=25, patience=25, dropout=0.0)


def made_up(kind: str, rows: int, seed: int, tokens: int = 0) -> FeatureRows:
    """Layer 1 has the label: in the first part of a text, in the likeness of a pair, in the likeness of a choice.

    With `tokens`, it is in one of so many of each text; else in the mean and in the maximum.
    """
    random, parts = np.random.default_rng(seed), PARTS.get(kind, 2)
    states = random.normal(size=(rows, parts, 2, LAYERS, WIDTH)).astype(np.float32)
    labels = random.random(rows) if kind == "regression" else random.integers(0, max(2, OUTPUTS[kind]), rows)
    if kind == "multiple_choice":
        labels = random.integers(0, 3, rows)
    for row, label in enumerate(labels):
        if parts == 1:
            states[row, 0, :, 1, int(label)] += 6
        elif parts == 4:
            states[row, 1 + int(label), :, 1] = states[row, 0, :, 1]
        else:
            states[row, 1, :, 1] = label * states[row, 0, :, 1] + (1 - label) * states[row, 1, :, 1]
    flat = states.reshape(-1, 2, LAYERS, WIDTH)
    if not tokens:
        return FeatureRows(Pooled(flat), labels)
    lengths = random.integers(1, tokens + 1, len(flat))
    offsets = np.cumsum([0, *lengths])
    each = np.zeros((offsets[-1], LAYERS, WIDTH), np.float16)
    each[offsets[:-1] + random.integers(0, lengths)] = flat[:, 0]
    return FeatureRows(Sequences(each, offsets), labels)


@pytest.mark.parametrize("kind", list(KINDS))
def test_head_learns_every_kind_of_task(kind: str) -> None:
    train, dev, test = (made_up(kind, rows, seed) for seed, rows in enumerate((400, 100, 200)))
    fitted = fit_head(KINDS[kind], METRICS[kind], OUTPUTS[kind], QUICK, train, dev, seed=1)
    values, probabilities = fitted.predict(test)
    if kind == "regression":
        assert probabilities is None
        assert np.corrcoef(values, test.labels_E)[0, 1] > 0.75
    else:
        assert probabilities is not None
        np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-5)
        assert np.mean(values == test.labels_E) > 0.85
    assert int(fitted.head.mix.weights.argmax()) == 1  # the layer with the answer


def test_recurrent_head_finds_the_token_that_tells() -> None:
    train, dev, test = (made_up("classification", rows, seed, tokens=4) for seed, rows in enumerate((300, 60, 150)))
    settings = QUICK.model_copy(update={"reads": "bilstm", "epochs": 12})
    fitted = fit_head(KINDS["classification"], "accuracy", 3, settings, train, dev, seed=1)
    assert np.mean(fitted.predict(test)[0] == test.labels_E) > 0.85


@torch.no_grad()
def test_recurrent_vector_is_the_maximum_of_each_text_alone() -> None:
    settings = QUICK.model_copy(update={"reads": "bilstm"})
    head = FeatureHead(KINDS["classification"], settings, 3, LAYERS, WIDTH, seed=2)
    features = made_up("classification", 5, 0, tokens=7).features
    assert isinstance(features, Sequences)
    together = head.vectors(features, [3, 0, 4])
    for row, text in enumerate((3, 0, 4)):
        states = torch.from_numpy(features.states_NLC[features.offsets[text] : features.offsets[text + 1]]).float()
        alone = head.recurrent(head.mix(states)[None])[0][0].amax(0)
        torch.testing.assert_close(together[row], alone)


@torch.no_grad()
def test_mix_is_the_formula_of_elmo() -> None:
    mix, states = LayerMix(3, (3, 4)), torch.randn(9, 3, 4)
    mix.weights.copy_(torch.tensor([1.0, -2.0, 0.5]))
    mix.factor.fill_(1.5)
    mix.fit(states)
    shares = np.exp([1.0, -2.0, 0.5]) / np.exp([1.0, -2.0, 0.5]).sum()
    standard = (states - states.mean(0)) / states.std(0, correction=0)
    torch.testing.assert_close(mix(states), 1.5 * sum(float(s) * standard[:, layer] for layer, s in enumerate(shares)))


def test_pairs_are_compared_as_in_the_paper() -> None:
    vectors = torch.randn(2, 4, 3)
    u, v = vectors[:, 0], vectors[:, 2]
    found = pair_features(vectors, KINDS["multiple_choice"].symmetric)
    torch.testing.assert_close(found[:, 1], torch.cat([u, v, (u - v).abs(), u * v], 1))
    assert found.shape == (2, 3, pair_width(3, KINDS["multiple_choice"]))
    pair = vectors[:, :2]
    torch.testing.assert_close(pair_features(pair, True), pair_features(pair.flip(1), True))
    assert not torch.equal(pair_features(pair, False), pair_features(pair.flip(1), False))


@pytest.mark.parametrize("reads", ["mean_max", "bilstm"])
def test_same_seed_same_bytes_and_another_seed_others(reads: str) -> None:
    settings = HeadSettings.model_validate({"reads": reads, "epochs": 2, "units": 4, "hidden": 4})
    rows = made_up("entailment", 40, 0, tokens=3 if reads == "bilstm" else 0)

    def weights(seed: int) -> list[bytes]:
        head = fit_head(KINDS["entailment"], "accuracy", 2, settings, rows, rows, seed).head
        return [parameter.detach().numpy().tobytes() for parameter in head.parameters()]

    torch.manual_seed(5)
    one = weights(1)
    torch.rand(3)
    assert weights(1) == one != weights(2)


def test_training_ends_where_dev_gains_no_more() -> None:
    settings = QUICK.model_copy(update={"patience": 2, "epochs": 50})
    random = np.random.default_rng(0)
    noise = Pooled(random.normal(size=(30, 2, LAYERS, WIDTH)).astype(np.float32))
    rows = FeatureRows(noise, random.integers(0, 3, 30))
    fitted = fit_head(KINDS["classification"], "accuracy", 3, settings, made_up("classification", 30, 1), rows, 1)
    assert len(fitted.dev_scores) < 50
    assert len(fitted.dev_scores) == int(np.argmax(fitted.dev_scores)) + 1 + 2
    assert [point.step for point in fitted.curve] == list(range(1, len(fitted.dev_scores) + 1))


def test_features_are_mean_and_maximum_of_a_text_and_zeros_of_none() -> None:
    vectors = np.array([[0, 0], [1, -2], [3, -4]], np.float32)
    read = [np.array(ids, np.uint16) for ids in ([1, 2, 2], [0], [2])]
    pooled = pool(WordStates(vectors), read).states_SXLC[:, :, 0]
    np.testing.assert_allclose(pooled[0], [[7 / 3, -10 / 3], [3, -2]], rtol=1e-6)
    np.testing.assert_array_equal(pooled[1:], [[[0, 0], [0, 0]], [[3, -4], [3, -4]]])
    sequences = read_sequences(WordStates(vectors), read, most=2)
    assert sequences.offsets.tolist() == [0, 2, 3, 4]
    assert sequences.states_NLC[:, 0].tolist() == [[1, -2], [3, -4], [0, 0], [3, -4]]
