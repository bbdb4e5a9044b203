# ruff: noqa: RUF001 - characters that look alike are what is tested
"""`clean_text` is the original recipe, and equals its plain form on every string."""

from __future__ import annotations

import os
from itertools import product
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pretrace.corpus import clean_text, clean_text_plainly
from pretrace.corpus.clean import standardise
from pretrace.corpus.encoding import fix_encoding

BOOKS = Path(os.environ.get("PRETRACE_DATA", Path(__file__).parents[3] / "shared" / "data")) / "books"

# Pieces that the shortcuts have to watch out for, put together at random: emoticons and other special words of spaCy
# taken apart, contractions, units, quotes, wrong encodings, HTML, control characters, every kind of white space.
SEEN = """
    :o :o) :> : o ) ( ; ;_; _ - > < ^ <3 8-) 8 = | D :( x -_- ` [ ] {} ~~ !! ++ ** \\ \\\\ \\") ¬_¬ ಠ_ಠ (╯°□°）╯︵┻━┻
    ' '' s 's 'em em 'Cause he He's it's don't cannot gonna o'clock y'all ol' and/or w/o / or vs. e.g E.g. Mr Mr. Ph D.
    a.m. 10a.m . ... … U.S. 10km $5 °C. ° C c. 50% #tag a@b.co http://a.b/c?d=e 1,000.5 x-ray İ ΑΣ ß
    “ ” ‘ ’ ´ — – ― ‚ â€œ Ã© Ã é é ﬁ Ａ ½ &amp; &lt; & <br> &hellip;
"""
UNSEEN = "\n,\n\n,\r\n,\r,\t, ,  ,\xa0,\u2028,\x85,\x0b,\x0c,\x1c,\x1b[31m,\x00,\u3000,\ufeff,\xad,\u200b,\u0301"
PIECES = st.sampled_from([*SEEN.split(), *UNSEEN.split(",")])
HOSTILE = st.lists(st.one_of(PIECES, st.just(" "), st.text(max_size=3)), max_size=25).map("".join)


@given(HOSTILE)
@settings(max_examples=400, deadline=None)
@example("a : o ) b : > c :o) foo: (bar")
@example("&lt;b&gt; \n<b> \n&lt;b&gt;")
@example("‘â€œ’ “Ã©”")
@example("' S S : ' - ( he 's and / or 10a.m .")
def test_equals_the_plain_recipe(text: str) -> None:
    assert clean_text(text) == clean_text_plainly(text)


@given(HOSTILE)
@settings(max_examples=200, deadline=None)
def test_the_form_of_the_result(text: str) -> None:
    cleaned = clean_text(text)
    for line in cleaned.split("\n") if cleaned else []:
        assert line and line == " ".join(line.split())


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("", ""),
        (" \n\t ", ""),
        ("Hello,  World!", "hello , world !"),
        ("Don't STOP.", "do n't stop ."),
        ("one\r\n\r\n  two \n three", "one\ntwo\nthree"),
        ("“Curly” — and…", '" curly " - and ...'),
        ("a--b ?? (c)", "a -- b ? ? ( c )"),
        ("schÃ¶n &amp; gut", "schön & gut"),
        ("a\\b", "a\\b"),  # the original's pattern means a plus sign where it reads as a backslash
        ("1+1", "1 + 1"),
        ("say ´hi´", "say ' hi '"),
    ],
)
def test_known_texts(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


def test_the_standard_form_before_spacy() -> None:
    assert standardise("a,\n\n b\tc?!  d") == "a , \n b c ? ! d"


def test_a_long_line_is_cut_where_ftfy_cuts_it() -> None:
    import ftfy

    # The entity lies across ftfy's limit of a million characters, the "<" beyond it.
    text = "é" + "x" * 999_995 + "&amp;<b>&amp;\n&amp;é"
    assert fix_encoding(text) == ftfy.fix_text(text)


def test_ftfy_only_straightens_typeset_text() -> None:
    # The shortcut rests on what ftfy takes for a wrong encoding; here are all short strings of the signs in question.
    import ftfy
    from ftfy.badness import is_bad

    for length in range(1, 5):
        for letters in product(" aA1.‘’“”—–…", repeat=length):
            assert not is_bad("".join(letters))
    text = "\n".join("".join(letters) for letters in product("aÃ.‘’“”—", repeat=3))
    assert fix_encoding(text) == ftfy.fix_text(text)


def test_the_memory_of_chunks_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    import pretrace.corpus.clean as clean

    tokenizer = clean.ChunkTokenizer()
    monkeypatch.setattr(clean, "REMEMBERED_CHUNKS", 10)
    for number in range(50):
        assert tokenizer(f"word{number} x") == f"word{number} x"
        assert len(tokenizer._known) <= 12


@pytest.mark.skipif(not BOOKS.is_dir(), reason="the books of the shared data are not here (PRETRACE_DATA)")
def test_equals_the_plain_recipe_on_novels() -> None:
    import pyarrow.parquet as pq

    for path in sorted(BOOKS.glob("*.parquet")):
        for text in pq.read_table(path, columns=["text"])["text"].to_pylist()[::12]:
            sample = text[20_000:40_000]
            assert clean_text(sample) == clean_text_plainly(sample)
