"""Places of words in the raw text: exact where all of a line is known, and none elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.corpus import Document, clean_text
from pretrace.corpus.text.word_spans import align, folded
from pretrace.tasks.probes.texts import read_text

LINES = st.lists(
    st.sampled_from(
        [
            "It\u2019s HERE…",
            "(can't)",
            "x — y",
            "ΟΔΟΣ",
            "É e\u0301",
            "\ufb01ne",
            "&amp;",
            "Ã©",
            "\xad-",
            "\t",
            "“A b.”",
            "½",
        ]
    ),
    max_size=12,
).map(" ".join)


def places(raw: str) -> list[tuple[str, str | None]]:
    """Each word with its raw text."""
    text = read_text(Document("i", "s", clean_text(raw)), raw)
    spans = [text.spans.of(number) for number in range(len(text.words))]
    return [(word, raw[slice(*span)] if span else None) for word, span in zip(text.words, spans, strict=True)]


def test_words_are_found_as_they_were_written() -> None:
    raw = "“It\u2019s\r\n\tHERE…”—\n\nThe E\u0301TUDE, can't"
    found = [own for _, own in places(raw)]
    assert found == ["“", "It", "\u2019s", "HERE", "…", "”", "—", "The", "E\u0301TUDE", ",", "ca", "n't"]


def test_line_that_differs_has_no_places_and_the_others_do() -> None:
    assert places("One &amp; two\nThree") == [("one", None), ("&", None), ("two", None), ("three", "Three")]


@pytest.mark.slow
@given(st.lists(LINES, max_size=6).map("\n".join))
@settings(max_examples=300)
def test_found_words_are_the_same_but_for_signs_and_case(raw: str) -> None:
    for word, own in places(raw):
        assert own is None or "".join(map(folded, own)) == "".join(map(folded, word))
    assert "".join(word for word, _ in places(raw)) == "".join(clean_text(raw).split())


@given(st.lists(st.text(alphabet="ab", min_size=1, max_size=3), max_size=6), st.data())
def test_spans_are_in_order(words: list[str], data: st.DataObject) -> None:
    raw = "".join(word.upper() + data.draw(st.sampled_from([" ", "", "  "])) for word in words)
    spans = align(raw, words)
    assert [raw[slice(*span)].lower() for span in spans if span] == words
