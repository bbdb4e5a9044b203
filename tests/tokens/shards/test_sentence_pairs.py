"""Sentences of pairs: whole ones, none of a blank line, and what is dropped where two are too long."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.tokens.shards.document_windows import DocumentWindows
from pretrace.tokens.shards.sentence_pairs import DRAWS, SentencePairs, truncated

STOP, LINE_END, END = 1, 2, 3


class Stream:
    """Documents as a stream."""

    split = "train"

    def __init__(self, *documents: list[int]) -> None:
        self._ids = np.array([token for document in documents for token in [*document, END]])
        self._starts = np.cumsum([0, *(len(document) + 1 for document in documents)])
        self.tokens = len(self._ids)

    def read(self, start: int, length: int) -> np.ndarray:
        assert 0 <= start <= start + length <= self.tokens
        return self._ids[start : start + length]

    def document_starts(self) -> np.ndarray:
        return self._starts


def pairs_of(stream: Stream, length: int) -> tuple[DocumentWindows, SentencePairs]:
    windows = DocumentWindows(stream, length)
    return windows, SentencePairs(stream, windows, (STOP, LINE_END, END), length, 0.0)


def draws(key: int) -> np.ndarray:
    return np.random.Philox(key=np.array([1, key], np.uint64)).random_raw(DRAWS)


def test_blank_lines_are_no_sentences() -> None:
    """With each a sentence of its own, most texts would have no next one (google-research/bert#125)."""
    blank = [LINE_END] * 3
    document = [*blank, 10, 11, STOP, *blank, 12, 13, STOP, *blank, 14, 15, STOP, *blank]
    _, pairs = pairs_of(Stream(document, [20, 21, STOP]), 40)
    found = [pairs.pair(0, 0, draws(key)) for key in range(200)]
    following = [pair for pair in found if not pair.random]
    assert 70 < len(following) < 130
    starts = {(int(pair.first[0]), int(pair.second[0])) for pair in following}
    assert starts == {(10, 12), (10, 14)}
    for pair in found:
        assert (pair.document == 1) == pair.random
        assert int(pair.second[0]) == 20 or not pair.random


@given(st.data(), st.integers(5, 40), st.integers(0, 2**32))
def test_pairs_are_parts_of_documents(data: st.DataObject, length: int, key: int) -> None:
    tokens = st.sampled_from([STOP, STOP, LINE_END, *range(10, 60)])
    documents = data.draw(st.lists(st.lists(tokens, min_size=1, max_size=120), min_size=2, max_size=4))
    stream = Stream(*documents)
    windows, pairs = pairs_of(stream, length)
    window = np.array([key % windows.count])
    document, (starts, _) = int(windows.documents(window)[0]), windows.spans(window, 0.3)
    pair = pairs.pair(document, int(starts[0]), draws(key))
    assert 2 <= len(pair.first) + len(pair.second) <= length
    assert len(pair.first)
    assert len(pair.second)
    assert pair.random == (pair.document != document)
    for own, text in ((document, pair.first), (pair.document, pair.second)):
        joined = documents[own]
        assert any(joined[at : at + len(text)] == text.tolist() for at in range(len(joined)))


@given(st.integers(1, 90), st.integers(1, 90), st.integers(2, 60), st.integers(0, 2**64 - 1))
def test_the_longer_text_is_cut_at_both_ends(first: int, second: int, length: int, fronts: int) -> None:
    texts = np.arange(first), np.arange(second)
    cut = truncated(*texts, length, fronts)
    sizes = [len(one) for one in cut]
    assert sum(sizes) == min(length, first + second)
    if first + second > length:
        assert abs(sizes[0] - sizes[1]) <= 1 or min(sizes) == min(first, second)
    for whole, one in zip(texts, cut, strict=True):
        assert len(one) == 0 or (np.diff(one) == 1).all()
        assert set(one.tolist()) <= set(whole.tolist())


def test_both_ends_lose_tokens() -> None:
    firsts = [int(truncated(np.arange(40), np.arange(3), 20, int(draws(key)[0]))[0][0]) for key in range(60)]
    assert min(firsts) < 10 < max(firsts)
    assert np.mean(firsts) == pytest.approx(11.5, abs=1.5)
