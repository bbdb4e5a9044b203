"""Words are counted and told apart by numpy as Python's own strings would have it."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pretrace.corpus.cleaning.write_splits import WordCounts, table_of_words
from pretrace.corpus.text.count_words import count_raw_words, count_spaces, count_words, spaced_words
from pretrace.corpus.text.word_matcher import Chunked, OneOf

WHITE = "".join(chr(code) for code in range(1 << 16) if chr(code).isspace())
TEXT = st.text(st.one_of(st.sampled_from(WHITE + "ab\N{GRINNING FACE}\ud83d\u2581"), st.characters()), max_size=40)
LETTERS = st.text("adistw", min_size=1, max_size=18)


@given(TEXT)
@example("")
@example(" ")
@example("\u3000a\x1cb\u2029")
def test_raw_words_are_those_of_split(text: str) -> None:
    assert count_raw_words(text) == len(text.split())


@given(TEXT)
def test_spaces(text: str) -> None:
    assert count_spaces(text) == text.count(" ")


@pytest.mark.parametrize(("text", "words"), [("", 0), ("a", 1), ("a b\nc", 3), ("a\nb", 2)])
def test_words_of_clean_text(text: str, words: int) -> None:
    assert count_words(text) == words


@given(st.lists(st.text("ab\u00e9\N{GRINNING FACE}", max_size=3)))
def test_arrow_has_the_same_words(words: list[str]) -> None:
    text = " ".join(words)
    assert spaced_words(text).to_pylist() == [f"{word} " for word in text.split(" ")]


@pytest.mark.parametrize("together", [1, 16])
def test_counts_do_not_depend_on_how_they_are_added_up(together: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pretrace.corpus.cleaning.write_splits.COUNTED_BYTES", 30)
    monkeypatch.setattr("pretrace.corpus.cleaning.write_splits.TABLES_TOGETHER", together)
    texts = [f"w{number % 7} the\nw{number % 3} é" for number in range(200)]
    counts = WordCounts()
    for start in range(0, 200, 60):
        counts.add(table_of_words([text.encode() for text in texts[start : start + 60]]))
    assert counts.total() == Counter(word for text in texts for word in text.split())


def test_no_text_has_no_words() -> None:
    counts = WordCounts()
    counts.add(table_of_words([]))
    assert counts.total() == {}


@given(st.lists(LETTERS, min_size=1), st.sets(LETTERS, min_size=1))
def test_words_among_chunks(chunks: list[str], words: set[str]) -> None:
    raw = " ".join(chunks).encode()
    length = np.array([len(chunk) for chunk in chunks])
    starts = np.cumsum(length + 1) - length - 1
    first, last = (np.array([ord(chunk[place]) for chunk in chunks], np.uint8) for place in (0, -1))
    found = OneOf(words).among(Chunked.of(raw, starts, length, first), last).tolist()
    assert all(may_be for chunk, may_be in zip(chunks, found, strict=True) if chunk in words)
    # Only beginnings of eight letters are compared.
    assert not any(may_be for c, may_be in zip(chunks, found, strict=True) if c[:8] not in {word[:8] for word in words})
