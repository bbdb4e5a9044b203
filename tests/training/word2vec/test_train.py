"""Training of word vectors on a made-up language in which words of one kind stand in the same places."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.settings.models.word2vec import Word2VecSettings
from pretrace.training.word2vec import train as training
from pretrace.training.word2vec.evaluate import pair_loss
from pretrace.training.word2vec.train import count_words, train_vectors

KINDS, MEMBERS = 4, 6
SMALL = Word2VecSettings(width=16, window=2, epochs=8, sample=0.0)


def text(sentences: int = 1500, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Sentences of a word of each kind, in the kinds' order; 0 ends each. Also the counts of words."""
    random = np.random.default_rng(seed)
    members = random.integers(0, MEMBERS, (sentences, KINDS))
    words = 1 + np.arange(KINDS) * MEMBERS + members
    ids = np.concatenate([words, np.zeros((sentences, 1), int)], axis=1).reshape(-1).astype(np.uint16)
    counts = np.bincount(ids, minlength=1 + KINDS * MEMBERS)
    counts[0] = 0
    return ids, counts


class Text:
    """Word numbers as a stream."""

    split = "train"

    def __init__(self, ids: np.ndarray) -> None:
        self.ids, self.tokens = ids, len(ids)

    def read(self, start: int, length: int) -> np.ndarray:
        """As `TokenStream`."""
        return self.ids[start : start + length].astype(np.int64)

    def document_starts(self) -> np.ndarray:
        """As `TokenStream`."""
        return np.concatenate([[0], np.flatnonzero(self.ids == 0) + 1])


def kinds_apart(vectors: np.ndarray) -> float:
    """Mean cosine of two words of a kind, less that of two of different kinds."""
    own = vectors[1:] / np.linalg.norm(vectors[1:], axis=1, keepdims=True)
    cosines = own @ own.T
    kind = np.arange(len(own)) // MEMBERS
    same = (kind[:, None] == kind) & ~np.eye(len(own), dtype=bool)
    return float(cosines[same].mean() - cosines[kind[:, None] != kind].mean())


def test_words_in_the_same_places_come_to_lie_together() -> None:
    ids, counts = text()
    start = train_vectors(Text(ids), np.ones_like(counts), 0, SMALL.model_copy(update={"lr": 1e-9}), 1).vectors_VC
    assert abs(kinds_apart(start)) < 0.15
    assert kinds_apart(train_vectors(Text(ids), counts, 0, SMALL, 1).vectors_VC) > 0.5


def test_same_seed_same_bytes_and_another_seed_others() -> None:
    ids, counts = text(200)
    one, again, other = (train_vectors(Text(ids), counts, 0, SMALL, seed).vectors_VC.tobytes() for seed in (1, 1, 2))
    assert one == again != other


def test_words_are_counted_across_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    ids, counts = text(200)
    monkeypatch.setattr(training, "STRETCH", 300)
    assert count_words(Text(ids), len(counts), [0]).tolist() == counts.tolist()
    assert count_words(Text(ids), len(counts), [])[0] == 200


def test_all_words_are_shown_once_an_epoch() -> None:
    ids, counts = text(100)
    shown: list[int] = []
    trained = train_vectors(Text(ids), counts, 0, SMALL, 1, shown.append)
    assert sum(shown) == SMALL.epochs * len(ids)
    assert trained.updates > SMALL.epochs
    # A window of 1 or 2 on each side, in sentences of 4: from 6 pairs of neighbors to 10.
    assert 6 < trained.pairs / (100 * SMALL.epochs) < 10


def test_validation_loss_falls_with_training() -> None:
    ids, counts = text()
    other, _ = text(100, seed=9)
    untrained = train_vectors(Text(ids), counts, 0, SMALL.model_copy(update={"lr": 1e-9}), 1)
    trained = train_vectors(Text(ids), counts, 0, SMALL, 1)
    before, after = (pair_loss(one, Text(other), counts, 0, SMALL) for one in (untrained, trained))
    assert before == pytest.approx((1 + SMALL.negatives) * np.log(2), rel=1e-4)  # each answer is a guess
    assert after < 0.95 * before


def test_what_is_no_word_has_a_vector_of_zeros() -> None:
    ids, counts = text(50)
    vectors = train_vectors(Text(ids), counts, 0, SMALL, 1).vectors_VC
    assert not vectors[0].any()
    assert vectors[1:].any(1).all()


def test_text_without_words_is_said() -> None:
    with pytest.raises(PretraceError, match="no word of the vocabulary is in the text"):
        train_vectors(Text(np.zeros(9, np.uint16)), np.zeros(4, int), 0, SMALL, 1)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=300), st.integers(1, 30))
@settings(max_examples=30)
def test_any_text_gives_finite_vectors(words: list[int], window: int) -> None:
    ids = np.array([1, *words], np.uint16)
    counts = np.bincount(ids, minlength=6)
    counts[0] = 0
    own = Word2VecSettings(width=4, window=window, epochs=20, sample=0.0, lr=0.05)
    assert np.isfinite(train_vectors(Text(ids), counts, 0, own, 1).vectors_VC).all()
