# ruff: noqa: RUF001 - characters that look alike are what is tested
"""Long words get spaCy's tokens, in time that is linear in their length."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pretrace.corpus import clean_text, clean_text_plainly
from pretrace.corpus.text import fix_unicode
from pretrace.corpus.text.chunks import long_words, word_tokenizer
from pretrace.corpus.text.chunks.long_words import long_word_tokenizer
from pretrace.corpus.text.chunks.word_tokenizer import import_spacy, new_spacy_tokenizer

SIGNS = """
    :o :o) :> : o ) ( ; ;_; _ - > < ^ <3 8-) 8 = | D :( x -_- ` [ ] {} ~~ !! ++ ** \\ \\") ¬_¬ ಠ_ಠ (╯°□°）╯︵┻━┻ ☃ 😀
    ' '' s 's 'em 'Cause he's don't cannot o'clock and/or / or vs. e.g E.g. Mr. Ph a.m. 10a.m . .. ... … …… U.S. 10km
    km² $5 US$ 4US$ °C. ° C c. 50% #tag a@b.co http://a.b/c?d=e :// http ftp.x.co 1.2.3.4 :80 @ ? 1,000.5 x-ray İ ΑΣ ß
    “ ” ‘ ’ — – ― ‚ â€œ Ã© é œu æ € £5 naïve «É» ﬁ Ａ ½ & < a B 1 com is
"""


@cache
def tokenizers() -> tuple[Any, Any]:
    tokenizer = new_spacy_tokenizer()
    return tokenizer, long_word_tokenizer(tokenizer)


def runs(pieces: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Runs of pieces, each some times over."""
    run = st.tuples(pieces, st.integers(1, 30)).map(lambda pair: pair[0] * pair[1])
    return st.lists(st.one_of(pieces, run), min_size=1, max_size=10).map("".join)


RULES = st.sampled_from(sorted(new_spacy_tokenizer().rules))
OTHERS = st.text(st.characters(exclude_categories=["Cs"]), max_size=2)
WORDS = runs(st.one_of(st.sampled_from(SIGNS.split()), RULES, OTHERS))


def check_tokens(text: str) -> None:
    spacy, linear = tokenizers()
    assert [token.text for token in linear(text)] == [token.text for token in spacy(text)]


@given(WORDS)
@settings(max_examples=1_000)
@example("x-don't ")
@example("don't" * 3)
@example("(:o)" * 3)
@example("a:b@c:d@e.fr")
@example("aa://@a.fr")
@example("a@b@1.2.3.4:80/x")
@example("......a......")
@example("4°C." + "." * 40)
@example("x" * 300 + "km²" * 3)
def test_tokens_are_those_of_spacy(text: str) -> None:
    check_tokens(text)


@pytest.mark.nightly
@given(WORDS)
@settings(max_examples=20_000)
def test_tokens_are_those_of_spacy_on_many_more(text: str) -> None:
    check_tokens(text)


@given(st.lists(WORDS, max_size=4).map(" ".join))
@settings(max_examples=300)
def test_clean_text_equals_the_plain_recipe_where_all_words_are_long(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(word_tokenizer, "LONG", 1)
        patch.setattr("pretrace.corpus.text.clean._cleaner", cleaner_of_long_words)
        assert clean_text(text) == clean_text_plainly(text)


@cache
def cleaner_of_long_words() -> Any:
    from pretrace.corpus.text.clean import Cleaner

    return Cleaner()


def test_no_affix_is_longer_than_what_is_searched() -> None:
    """But for runs of full stops, which have a way of their own."""
    defaults = import_spacy().Defaults
    for pattern in [*defaults.prefixes, *defaults.suffixes]:
        longest = re._parser.parse(pattern).getwidth()[1]  # type: ignore[attr-defined]
        assert longest <= long_words.NEAR // 2 or pattern == r"\.\.+", pattern


@pytest.mark.parametrize("sign", ["☃", "=", "(", "!?", "'", "()", "😀", "a:", "a@", "a:@", ".a", "a\u0301\u0316", "-"])
def test_characters_searched_grow_as_the_word_does(sign: str) -> None:
    """Twice the word, twice the work; spaCy takes four times as long, and half an hour for 100,000 of one sign."""
    work = [characters_searched(sign * count) for count in (1000, 2000)]
    assert work[1] <= 2.1 * work[0]
    clean_text(sign * (100_000 // len(sign)))


def characters_searched(word: str) -> int:
    """Return how many characters the patterns for the two ends of a word are given."""
    searched = 0

    class Counting:
        def __init__(self, tokenizer: Any) -> None:
            self._tokenizer = tokenizer

        def __getattr__(self, name: str) -> Any:
            found = getattr(self._tokenizer, name)
            if name not in ("find_prefix", "find_suffix"):
                return found

            def counted(text: str) -> Any:
                nonlocal searched
                searched += len(text)
                return found(text)

            return counted

    tokenizer = new_spacy_tokenizer()
    splitter = long_words.LongWordSplitter(Counting(tokenizer))
    splitter.rules = tokenizer.rules
    splitter(word)
    return searched


def test_many_combining_marks() -> None:
    """Python's normal form of them takes minutes."""
    assert clean_text("a" + "\u0301\u0316" * 50_000)[0] == "á"


MARKS = "".join(chr(code) for code in range(0x300, 0x1F000) if unicodedata.combining(chr(code)))


@given(st.lists(st.one_of(st.text(MARKS, min_size=3), st.sampled_from("aéœ&<\n Ã©")), max_size=8).map("".join))
@settings(max_examples=300)
def test_sorting_marks_changes_nothing(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(fix_unicode, "MANY_MARKS", 2)
        fix_unicode._runs_of_marks.cache_clear()
        cleaned = clean_text(text)
    fix_unicode._runs_of_marks.cache_clear()
    assert cleaned == clean_text_plainly(text)
