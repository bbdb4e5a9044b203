"""Words are counted by numpy and Arrow as Python's own strings would count them."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from pretrace.corpus.text.count_words import (
    count_raw_words,
    count_raw_words_of,
    count_spaces,
    spaced_words,
)

WHITE = "".join(chr(code) for code in range(1 << 16) if chr(code).isspace())
TEXT = st.text(st.one_of(st.sampled_from(WHITE + "ab\N{GRINNING FACE}\ud83d\u2581"), st.characters()), max_size=40)


@given(TEXT)
@example("")
@example(" ")
@example("\u3000a\x1cb\u2029")
def test_count_raw_words_matches_split(text: str) -> None:
    assert count_raw_words(text) == len(text.split())


@given(st.lists(TEXT, min_size=1, max_size=5))
@example(["", " ", "\N{GRINNING FACE} a", "b\ud83d", "c"])
def test_words_of_several_texts_are_counted_for_each(texts: list[str]) -> None:
    assert count_raw_words_of(texts) == [len(text.split()) for text in texts]


@given(TEXT)
def test_count_spaces(text: str) -> None:
    assert count_spaces(text) == text.count(" ")


@given(st.lists(st.text("ab\u00e9\N{GRINNING FACE}", max_size=3)))
def test_spaced_words_match_split(words: list[str]) -> None:
    text = " ".join(words)
    assert spaced_words(text).to_pylist() == [f"{word} " for word in text.split(" ")]
