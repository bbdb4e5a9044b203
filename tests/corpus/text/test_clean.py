# ruff: noqa: RUF001 - characters that look alike are what is tested
"""`clean_text` is the original recipe, and equals its plain form on every string."""

from __future__ import annotations

import os
import string
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pretrace.corpus import clean_text, clean_text_plainly
from pretrace.corpus.text.clean import clean_texts, standardize
from pretrace.corpus.text.fix_unicode import LETTERS, WESTERN
from tests.helpers import REPOSITORY

BOOKS = Path(os.environ.get("PRETRACE_DATA", REPOSITORY.parent / "shared" / "data")) / "books"


# Pieces that the shortcuts have to watch out for, put together at random: emoticons and other special words of spaCy
# taken apart, contractions, units, quotes, wrong encodings, HTML, control characters, every kind of white space.
SEEN = """
    :o :o) :> : o ) ( ; ;_; _ - > < ^ <3 8-) 8 = | D :( x -_- ` [ ] {} ~~ !! ++ ** \\ \\\\ \\") ¬_¬ ಠ_ಠ (╯°□°）╯︵┻━┻
    ' '' s 's 'em em 'Cause he He's it's don't cannot gonna o'clock y'all ol' and/or w/o / or vs. e.g E.g. Mr Mr. Ph D.
    a.m. 10a.m . ... … U.S. 10km $5 °C. ° C c. 50% #tag a@b.co http://a.b/c?d=e 1,000.5 x-ray İ ΑΣ ß
    “ ” ‘ ’ ´ — – ― ‚ â€œ Ã© Ã é é œu Œuvre æ ‐ € £5 naïve «É» ﬁ Ａ ½ &amp; &lt; & <br> &hellip;
"""


UNSEEN = "\n,\n\n,\r\n,\r,\t, ,  ,\xa0,\u2028,\x85,\x0b,\x0c,\x1c,\x1b[31m,\x00,\u3000,\ufeff,\xad,\u200b,\u0301"
PIECES = st.sampled_from([*SEEN.split(), *UNSEEN.split(",")])
HOSTILE = st.lists(st.one_of(PIECES, st.just(" "), st.text(max_size=3)), max_size=25).map("".join)


# Lines that are plainly typeset take a way of their own, so they are drawn by themselves, too.
PLAIN = [piece for piece in [*SEEN.split(), "\n", ",", " ", "\t"] if WESTERN.match(piece)]
TYPESET_LINES = st.lists(
    st.one_of(
        st.sampled_from(PLAIN), st.just(" "), st.text(string.printable[:95], max_size=3), st.sampled_from(LETTERS)
    ),
    max_size=25,
).map("".join)


TEXTS = st.one_of(HOSTILE, TYPESET_LINES, st.lists(st.one_of(HOSTILE, TYPESET_LINES), max_size=4).map("\n".join))


def check_exactness(text: str, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pretrace.corpus.text.clean.BLOCK_CHARACTERS", block)
        assert clean_text(text) == clean_text_plainly(text)


@pytest.mark.slow
@given(TEXTS, st.sampled_from([1, 1000]))
@settings(max_examples=2_000)
@example("a : o ) b : > c :o) foo: (bar", 1)
@example("&lt;b&gt; \n<b> \n&lt;b&gt;", 1)
@example("&lt;b&gt; \n<b> &lt; \n&lt;b&gt;", 1000)
@example("‘â€œ’ “Ã©”", 1)
@example("' S S : ' - ( he 's and / or 10a.m .", 1)
@example("ÂŒ\n", 1)
@example("â€œÀ\n:o", 1)
@example("ÂŒ\nŒ", 1000)
@example("â€œÀ\ncan\r\nnot\n&lt; \n: <b>\no)\n&lt;\nâ€œÀ\n", 1)
@example("é\n\ud83d\ude00\n\U0001f600 'em\nit's", 1000)
def test_clean_text_equals_the_plain_recipe(text: str, block: int) -> None:
    check_exactness(text, block)


@pytest.mark.slow
@given(st.lists(TEXTS, max_size=6), st.sampled_from([30, 60_000]))
@settings(max_examples=500)
@example(["", "", "a"], 60_000)
@example(["&lt; <b>", "&lt;\n<b>\n&lt;", "&lt;"], 60_000)
@example(["\U0001f600 a", "\x03", "é\x01\nœ", "œ", " :", "o )"], 60_000)
@example(["a", "ÂŒ\n", "Œ", "ÂŒ\nŒ", "b"], 60_000)
def test_texts_cleaned_together_are_as_cleaned_alone(texts: list[str], block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("pretrace.corpus.text.clean.BLOCK_CHARACTERS", block)
        assert clean_texts(texts) == [clean_text(text) for text in texts]


@pytest.mark.nightly
@given(TEXTS, st.sampled_from([1, 1000]))
@settings(max_examples=20_000)
def test_clean_text_equals_the_plain_recipe_on_many_more(text: str, block: int) -> None:
    check_exactness(text, block)


@pytest.mark.slow
@given(HOSTILE)
@settings(max_examples=200)
def test_clean_text_has_lines_of_tokens(text: str) -> None:
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
def test_clean_text_of_known_texts(raw: str, clean: str) -> None:
    assert clean_text(raw) == clean


def test_standardize_spaces_signs() -> None:
    assert standardize("a,\n\n b\tc?!  d") == "a , \n b c ? ! d"


@pytest.mark.slow
@pytest.mark.skipif(not BOOKS.is_dir(), reason="the books of the shared data are not here (PRETRACE_DATA)")
def test_clean_text_equals_the_plain_recipe_on_novels() -> None:
    import pyarrow.parquet as pq

    for path in sorted(BOOKS.glob("*.parquet")):
        for text in pq.read_table(path, columns=["text"])["text"].to_pylist()[::12]:
            sample = text[20_000:40_000]
            assert clean_text(sample) == clean_text_plainly(sample)
