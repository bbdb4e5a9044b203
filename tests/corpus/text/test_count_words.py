"""Words are counted by numpy and Arrow as Python's own strings would count them."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from pretrace.corpus.text import count_words as count_words_module
from pretrace.corpus.text.count_words import count_raw_words, count_spaces, count_words, spaced_words

WHITE = "".join(chr(code) for code in range(1 << 16) if chr(code).isspace())
TEXT = st.text(st.one_of(st.sampled_from(WHITE + "ab\N{GRINNING FACE}\ud83d\u2581"), st.characters()), max_size=40)


@pytest.fixture(autouse=True)
def as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let numpy count the words of short texts, too."""
    monkeypatch.setattr(count_words_module, "SHORT", 0)


@given(TEXT)
@example("")
@example(" ")
@example("\u3000a\x1cb\u2029")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_count_raw_words_matches_split(text: str) -> None:
    assert count_raw_words(text) == len(text.split())


@given(TEXT)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_count_spaces(text: str) -> None:
    assert count_spaces(text) == text.count(" ")


@pytest.mark.parametrize(("text", "words"), [("", 0), ("a", 1), ("a b\nc", 3), ("a\nb", 2)])
def test_count_words_of_clean_text(text: str, words: int) -> None:
    assert count_words(text) == words == len(text.split())


@given(st.lists(st.text("ab\u00e9\N{GRINNING FACE}", max_size=3)))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_spaced_words_match_split(words: list[str]) -> None:
    text = " ".join(words)
    assert spaced_words(text).to_pylist() == [f"{word} " for word in text.split(" ")]
