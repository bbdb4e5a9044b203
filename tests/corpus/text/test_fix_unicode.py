# ruff: noqa: RUF001 - characters that look alike are what is tested
"""Lines are fixed as ftfy fixes them."""

from __future__ import annotations

from itertools import product

import pytest

from pretrace.corpus import clean_text, clean_text_plainly
from pretrace.corpus.text.fix_unicode import LETTERS, SUSPICIOUS, fix_line


@pytest.mark.slow
def test_long_line_is_cut_where_ftfy_cuts_it() -> None:
    # The entity lies across ftfy's limit of a million characters, the "<" beyond it.
    text = "é " + "xxxx " * 199_998 + "abcdef&amp;<b>&amp;\n&amp;é"
    assert text.index("&") < 1_000_000 < text.index(";")
    assert clean_text(text) == clean_text_plainly(text)


@pytest.mark.slow
def test_ftfy_only_straightens_quotes_of_plain_lines() -> None:
    # The shortcuts depend on ftfy's test for a wrong encoding; here are all short strings of the signs in question.
    import ftfy
    from ftfy.badness import is_bad

    for length in range(1, 5):
        for letters in product(" aA1.‘’“”—–…", repeat=length):
            assert not is_bad("".join(letters))
    for length in range(1, 6):
        for letters in product(" aA.£éÉ’“", repeat=length):
            assert SUSPICIOUS.search("".join(letters)) or not is_bad("".join(letters))
    for letter, before, after in product(LETTERS, " aA1.", " aA1."):
        line = f"{before}{before}{letter}{after}{after}"
        assert SUSPICIOUS.search(line) or not is_bad(line)
        assert SUSPICIOUS.search(line) or fix_line(line) == line == ftfy.fix_text(line)
    for letters in product("aÃ.‘’“”—", repeat=3):
        assert fix_line("".join(letters)) == ftfy.fix_text("".join(letters))
