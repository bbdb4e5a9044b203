"""Shares of repeated n-grams and lines, against their definitions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.corpus.filters.ngrams import hash_ngrams, hash_words
from pretrace.corpus.filters.repetition import duplicate_ngram_share, duplicate_shares, repeated_ngrams, top_ngram_share

FEW_WORDS = st.lists(st.sampled_from(["a", "bb", "ccc", "d"]), min_size=1, max_size=40)


@pytest.mark.slow
@given(FEW_WORDS, st.integers(2, 6))
@settings(max_examples=300)
def test_ngram_shares_match_their_definition(words: list[str], n: int) -> None:
    repeated = dict(repeated_ngrams(hash_words(words), 6))[n]
    sizes = np.array([len(word) for word in words])
    ngrams = [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]
    total = sum(map(len, words))

    def covered(starts: list[int]) -> float:
        covered_words = {at for start in starts for at in range(start, start + n)}
        return sum(len(words[at]) for at in covered_words) / total

    later = [start for start, ngram in enumerate(ngrams) if ngram in ngrams[:start]]
    assert duplicate_ngram_share(repeated, sizes, n) == pytest.approx(covered(later))
    most = max(Counter(ngrams).values(), default=0)
    tops = [ngram for ngram, count in Counter(ngrams).items() if count == most]
    longest = max((sum(map(len, ngram)) for ngram in tops), default=0)
    longest_tops = [ngram for ngram in tops if sum(map(len, ngram)) == longest]
    top = max((covered([s for s, ngram in enumerate(ngrams) if ngram == top]) for top in longest_tops), default=0.0)
    assert top_ngram_share(repeated, sizes, n) == pytest.approx(top if most > 1 else 0.0)


@given(st.lists(st.sampled_from(["x", "yy", "zzz"]), min_size=1))
def test_duplicate_lines_stood_earlier(lines: list[str]) -> None:
    share, characters = duplicate_shares(lines)
    later = [line for at, line in enumerate(lines) if line in lines[:at]]
    assert share == len(later) / len(lines)
    assert characters == len("".join(later)) / len("".join(lines))


@given(st.lists(st.sampled_from(["a", "b", "ab", "ba", "\ud800"]), max_size=12), st.integers(1, 5))
def test_ngram_hashes_are_equal_for_equal_ngrams(words: list[str], n: int) -> None:
    hashes = hash_ngrams(hash_words(words), n).tolist()
    ngrams = [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]
    assert len(hashes) == len(ngrams)
    assert [hashes.index(hashed) for hashed in hashes] == [ngrams.index(ngram) for ngram in ngrams]
