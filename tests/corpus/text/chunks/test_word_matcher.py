"""Chunks that may be one of a few words."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.corpus.text.chunks.word_matcher import ChunkArrays, WordMatcher

LETTERS = st.text("adistw", min_size=1, max_size=18)


@pytest.mark.slow
@given(st.lists(LETTERS, min_size=1), st.sets(LETTERS, min_size=1))
def test_word_matcher_finds_all_words_and_few_other_chunks(chunks: list[str], words: set[str]) -> None:
    raw = " ".join(chunks).encode()
    length = np.array([len(chunk) for chunk in chunks])
    starts = np.cumsum(length + 1) - length - 1
    first, last = (np.array([ord(chunk[end]) for chunk in chunks], np.uint8) for end in (0, -1))
    matches = WordMatcher(words).matches(ChunkArrays.of(raw, starts, length, first), last).tolist()
    assert all(may_be for chunk, may_be in zip(chunks, matches, strict=True) if chunk in words)
    # Only beginnings of eight letters are compared.
    assert not any(
        may_be for c, may_be in zip(chunks, matches, strict=True) if c[:8] not in {word[:8] for word in words}
    )
