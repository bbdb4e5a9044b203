"""Hashes of words and n-grams."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pretrace.corpus.filters.ngrams import hash_ngrams, hash_words, hash_words_of


def test_the_numbers_of_words_are_fixed() -> None:
    """They are compared between processes and machines, so neither a hash seed nor a byte order may change them."""
    assert hash_words(["the", "of"]).tolist() == [3331141520948189790, 10614527950604959422]
    assert hash_ngrams(hash_words(["the", "of"]), 2).tolist() == [16557672436205482100]


@given(st.lists(st.text("ab\N{LATIN SMALL LETTER E WITH ACUTE}\N{GRINNING FACE}\ud83d \n", max_size=30), max_size=5))
def test_words_of_many_texts_are_those_of_each(texts: list[str]) -> None:
    hashes, counts = hash_words_of(texts)
    words = [text.split() for text in texts]
    assert counts.tolist() == list(map(len, words))
    assert hashes.tolist() == hash_words([word for of_text in words for word in of_text]).tolist()
