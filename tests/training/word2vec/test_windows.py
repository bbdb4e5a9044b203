"""Pairs of words, counted one by one; frequencies against the formulas of word2vec.c."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.training.word2vec.windows import CENTERS, MOST_BLOCKS, Drawn, Frequencies, blocks, draw


@given(
    st.lists(st.integers(1, 9), max_size=150),
    st.integers(1, 6),
    st.integers(1, 3),
    st.integers(0, 2**32 - 1),
)
def test_each_pair_of_a_window_is_there_once(sizes: list[int], window: int, at_once: int, seed: int) -> None:
    random = np.random.default_rng(seed)
    documents = np.repeat(np.arange(len(sizes)), sizes)[:200]
    words = np.arange(len(documents))  # each word is its own place
    drawn = Drawn(words, documents, random.integers(1, window, len(words), endpoint=True))
    found: Counter[tuple[int, int]] = Counter()
    for centers, contexts, pairs in blocks(drawn, window, at_once):
        assert len(centers) <= at_once
        for b, s, t in zip(*pairs.nonzero(), strict=True):
            found[int(centers[b, t]), int(contexts[b, s])] += 1
    wanted = {
        (i, j)
        for i in range(len(words))
        for j in range(max(0, i - window), min(len(words), i + window + 1))
        if i != j and abs(i - j) <= drawn.windows_M[i] and documents[i] == documents[j]
    }
    assert set(found) == wanted
    assert not found or max(found.values()) == 1


def test_frequent_words_are_left_out_as_in_word2vec() -> None:
    counts = np.array([0, 60_000, 900, 30, 5])
    keep = Frequencies.of(counts, 1e-3).keep_V
    share = counts[1:] / counts.sum()
    np.testing.assert_allclose(keep[1:], np.minimum(1, (np.sqrt(share / 1e-3) + 1) * 1e-3 / share))
    assert keep[0] == 0
    ids = np.random.default_rng(0).choice(5, 200_000, p=counts / counts.sum())
    drawn = draw(ids, 0, Frequencies.of(counts, 1e-3), 5, np.random.default_rng(1))
    assert abs((drawn.words_M == 1).mean() * len(drawn.words_M) / (ids == 1).sum() - keep[1]) < 0.002
    assert set(drawn.windows_M) == {1, 2, 3, 4, 5}


def test_words_without_a_number_are_taken_out_and_documents_stay_apart() -> None:
    counts = np.array([0, 0, 4, 4])  # 0 ends a document, 1 is unknown
    drawn = draw(np.array([2, 1, 3, 0, 3, 1, 2]), 0, Frequencies.of(counts, 0.0), 1, np.random.default_rng(0))
    assert drawn.words_M.tolist() == [2, 3, 3, 2]
    assert drawn.documents_M.tolist() == [0, 0, 1, 1]


def test_noise_follows_the_counts_to_the_power_of_three_quarters() -> None:
    counts = np.array([0, 81, 16, 1])
    noise = Frequencies.of(counts, 0.0).noise(200_000, np.random.default_rng(0))
    shares = np.bincount(noise, minlength=4) / len(noise)
    np.testing.assert_allclose(shares, np.array([0, 27, 8, 1]) / 36, atol=0.005)


@pytest.mark.parametrize(("counts", "wanted"), [([0, 10], 1), ([0, *[1] * 5000], MOST_BLOCKS)])
def test_few_blocks_where_one_word_is_most_of_the_text(counts: list[int], wanted: int) -> None:
    assert Frequencies.of(np.array(counts), 0.0).blocks(np.array(counts)) == wanted
    assert CENTERS * MOST_BLOCKS == 512
