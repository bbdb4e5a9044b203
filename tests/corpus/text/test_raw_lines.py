"""Raw lines and the lines of words that they become: counted for any text, and cut together."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.corpus import clean_text
from pretrace.corpus.text.raw_lines import raw_lines, without_lines

LINES = st.sampled_from(
    ["A line.", "", "  \t", "&nbsp;", "a < b", "&lt;p&gt; x", "Ã©tÃ©", "naïve\u2026", "x\ry", "\u2028z", "Ã", "\xa0"]
)
ENDS = st.sampled_from(["\n", "\r\n", "\n\n"])


@pytest.mark.slow
@given(st.lists(st.tuples(LINES, ENDS), max_size=8), LINES)
@settings(max_examples=400)
def test_pieces_are_the_text_and_count_its_lines(lines: list[tuple[str, str]], last: str) -> None:
    text = "".join(line + end for line, end in lines) + last
    pieces = list(raw_lines(text))
    assert "".join(piece for piece, _ in pieces) == text
    cleaned = clean_text(text)
    assert sum(count for _, count in pieces) == (len(cleaned.split("\n")) if cleaned else 0)


def test_lines_are_cut_with_their_ends_and_the_rest_is_as_it_was() -> None:
    text = "First  LINE\r\n\r\n\tNotice: “Ⅳ”\r\nLast "
    assert without_lines(text, [False, True, False]) == "First  LINE\r\n\r\nLast "
    assert without_lines(text, [False, False, False]) == text
    assert without_lines(text, [True, True, True]) == "\r\n"
