"""Hashes of words and n-grams."""

from __future__ import annotations

from pretrace.corpus.filters.ngrams import hash_ngrams, hash_words


def test_the_numbers_of_words_are_fixed() -> None:
    """They are compared between processes and machines, so neither a hash seed nor a byte order may change them."""
    assert hash_words(["the", "of"]).tolist() == [3331141520948189790, 10614527950604959422]
    assert hash_ngrams(hash_words(["the", "of"]), 2).tolist() == [16557672436205482100]
