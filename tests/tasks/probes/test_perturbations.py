"""Perturbations: over both sentences the words are those written, and only words between first and last take part."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pretrace.tasks.probes.perturbations import (
    NEAR,
    PERTURBATIONS,
    Pair,
    Words,
    perturb,
    perturb_once,
    perturbable,
    places,
    turns_into,
)
from pretrace.tasks.probes.texts import read_text
from tests.helpers.pseudo_text import documents

WORDS = ["the", "cat", "cats", "is", "are", "on", "a", "an", "was", "it", "value", "values", ",", "(", "3.5", "'s", "."]


@st.composite
def a_sentence(draw: st.DrawFn) -> Words:
    """Eleven different words and marks or more, none twice in a row."""
    words = draw(st.permutations(WORDS))[: draw(st.integers(11, len(WORDS)))]
    words += draw(st.lists(st.sampled_from(WORDS), max_size=8))
    return tuple(word for i, word in enumerate(words) if i == 0 or words[i - 1] != word)


pairs = st.tuples(a_sentence(), a_sentence())


def marks(sentence: Words) -> list[tuple[int, str]]:
    return [(i, word) for i, word in enumerate(sentence) if not word.isalpha()]


def repeats(sentence: Words) -> bool:
    return any(a == b and a.isalpha() for a, b in pairwise(sentence))


def check_what_stays(pair: Pair, found: Pair) -> None:
    assert Counter(found[0]) + Counter(found[1]) == Counter(pair[0]) + Counter(pair[1])
    for old, new in zip(pair, found, strict=True):
        words = [[word for word in sentence if word.isalpha()] for sentence in (old, new)]
        assert (words[0][0], words[0][-1]) == (words[1][0], words[1][-1])
        assert len(old) == len(new)
        assert marks(old) == marks(new)
        assert not repeats(new)


@given(pairs, st.sampled_from(PERTURBATIONS), st.integers(0, 50))
def test_perturbation_is_a_single_step(pair: Pair, sort: str, seed: int) -> None:
    found = perturb_once(pair, sort, np.random.default_rng(seed))
    if found is None:
        assert sort == "turned"  # for the others, so many words have a place
        return
    check_what_stays(pair, found)
    for old, new in zip(pair, found, strict=True):
        changed = [i for i, (a, b) in enumerate(zip(old, new, strict=True)) if a != b]
        assert changed
        if sort in ("swapped", "moved"):
            assert Counter(old) == Counter(new)
            places_changed = [places(old).index(i) for i in changed]
            assert places_changed[-1] - places_changed[0] <= NEAR
        if sort == "swapped":
            assert len(changed) == 2
        if sort in ("exchanged", "turned"):
            assert len(changed) == 1
    if sort == "turned":
        ((old_word, new_word),) = [(a, b) for a, b in zip(pair[0], found[0], strict=True) if a != b]
        assert new_word in turns_into(old_word)


@given(pairs, st.integers(1, 8), st.integers(0, 50))
def test_perturbed_pair_keeps_what_would_give_it_away(pair: Pair, words_per_change: int, seed: int) -> None:
    found = perturb(pair, words_per_change, np.random.default_rng(seed))
    assume(found)
    assert found is not None
    assert found[0] != pair[0]
    assert found[1] != pair[1]
    check_what_stays(pair, found)


def test_perturbation_fits_nearly_every_pair() -> None:
    kept = [s for d in documents()[:5] for s in read_text(d, d.text).sentences() if perturbable(s)]
    random = np.random.default_rng(0)
    found = [perturb(pair, 3, random) for pair in zip(kept[::2], kept[1::2], strict=False)]
    assert len(found) > 150
    assert sum(pair is None for pair in found) < 0.01 * len(found)


@given(st.text(alphabet="aeinrstu", min_size=1, max_size=8) | st.sampled_from(WORDS))
def test_a_word_turns_into_what_turns_into_it(word: str) -> None:
    assert all(word in turns_into(form) and form != word for form in turns_into(word))


def test_turned_words() -> None:
    assert turns_into("is") == ("are",)
    assert turns_into("an") == ("a",)
    assert turns_into("values") == ("value", "values" + "s")  # the second occurs in no sentence
    assert turns_into("cat") == ()


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        ("one two three four five six", "four words between first and last"),
        ("one two three two three two three two nine", "two different words"),
        ("one two three four four five six seven nine", "a word stands twice in a row"),
        (", . ( ) [ ] 1 2 3", "no words"),
    ],
)
def test_sentence_that_is_not_perturbed(sentence: str, reason: str) -> None:
    assert not perturbable(tuple(sentence.split())), reason


def test_sentence_of_five_words_between_is_perturbed() -> None:
    assert perturbable(("(", "one", "two", "3", "three", "four", "five", "six", "seven", "."))


def test_what_fits_nowhere_is_none() -> None:
    pair = (("one", "two", "three", "."), ("one", "two", "three", "."))
    assert all(perturb_once(pair, sort, np.random.default_rng(0)) is None for sort in PERTURBATIONS)
