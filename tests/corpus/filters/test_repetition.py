"""Shares of repeated n-grams and lines, against their definitions."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.corpus.filters.ngrams import hash_ngrams, hash_words
from pretrace.corpus.filters.repetition import duplicate_ngram_share, duplicate_shares, repeated_runs, top_ngram_share

FEW_WORDS = st.lists(st.sampled_from(["a", "bb", "ccc", "d"]), min_size=1, max_size=40)


@given(FEW_WORDS, st.integers(2, 6))
@settings(max_examples=300)
def test_shares_of_ngrams_are_those_of_the_definition(words: list[str], n: int) -> None:
    repeated = dict(repeated_runs(hash_words(words), 6))[n]
    sizes = np.array([len(word) for word in words])
    runs = [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]
    total = sum(map(len, words))

    def covered(starts: list[int]) -> float:
        places = {place for start in starts for place in range(start, start + n)}
        return sum(len(words[place]) for place in places) / total

    later = [start for start, run in enumerate(runs) if run in runs[:start]]
    assert duplicate_ngram_share(repeated, sizes, n) == pytest.approx(covered(later))
    most = max(Counter(runs).values(), default=0)
    tops = [run for run, count in Counter(runs).items() if count == most]
    longest = max((sum(map(len, run)) for run in tops), default=0)
    longest_tops = [run for run in tops if sum(map(len, run)) == longest]
    top = max((covered([s for s, run in enumerate(runs) if run == top]) for top in longest_tops), default=0.0)
    assert top_ngram_share(repeated, sizes, n) == pytest.approx(top if most > 1 else 0.0)


@given(st.lists(st.sampled_from(["x", "yy", "zzz"]), min_size=1))
def test_duplicate_lines_are_those_that_stood_earlier(lines: list[str]) -> None:
    share, characters = duplicate_shares(lines)
    later = [line for place, line in enumerate(lines) if line in lines[:place]]
    assert share == len(later) / len(lines)
    assert characters == len("".join(later)) / len("".join(lines))


@given(st.lists(st.sampled_from(["a", "b", "ab", "ba", "\ud800"]), max_size=12), st.integers(1, 5))
def test_runs_have_the_same_number_where_they_are_the_same(words: list[str], n: int) -> None:
    numbers = hash_ngrams(hash_words(words), n).tolist()
    runs = [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]
    assert len(numbers) == len(runs)
    assert [numbers.index(number) for number in numbers] == [runs.index(run) for run in runs]
