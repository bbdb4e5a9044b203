"""Changes of a sentence: each one differs from what was written, and only words take part."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.tasks.passages import read_text
from pretrace.tasks.probes.perturbations import PERTURBATIONS, TURNED, perturb, perturb_once
from tests.helpers.pseudo_text import documents

WORDS = st.sampled_from(["the", "cat", "is", "on", "a", "was", "it", ",", "they", "(", "3.5", "have", "run"])
sentences = st.lists(WORDS, min_size=0, max_size=20).map(tuple)


@given(sentences, st.sampled_from(PERTURBATIONS), st.integers(0, 50))
def test_perturbation_is_a_single_step(sentence: tuple[str, ...], sort: str, seed: int) -> None:
    found = perturb_once(sentence, sort, np.random.default_rng(seed))
    if found is None:
        return
    assert found != sentence
    assert [word for word in found if not word.isalpha()] == [word for word in sentence if not word.isalpha()]
    if sort == "swapped":
        assert Counter(found) == Counter(sentence)
        assert sum(a != b for a, b in zip(found, sentence, strict=True)) == 2
    elif sort == "turned":
        ((old, new),) = [(a, b) for a, b in zip(sentence, found, strict=True) if a != b]
        assert TURNED[old] == new
    elif sort == "doubled":
        assert sum((Counter(found) - Counter(sentence)).values()) == 1
        assert any(a == b for a, b in pairwise(found))
    else:
        assert sum((Counter(sentence) - Counter(found)).values()) == 1
        assert len(found) == len(sentence) - 1


@given(sentences, st.integers(1, 8), st.integers(0, 50))
def test_perturbed_sentence_differs(sentence: tuple[str, ...], words_per_change: int, seed: int) -> None:
    found = perturb(sentence, words_per_change, np.random.default_rng(seed))
    assert found is None or found != sentence
    if len({word for word in sentence if word.isalpha()}) < 1:
        assert found is None


def test_perturbation_fits_nearly_every_sentence() -> None:
    random = np.random.default_rng(0)
    found = [perturb(s, 3, random) for d in documents()[:5] for s in read_text(d).sentences() if len(s) >= 8]
    assert sum(sentence is None for sentence in found) < 0.01 * len(found)


def test_turned_words_are_other_words() -> None:
    assert all(old != new for old, new in TURNED.items())
    assert all(TURNED[TURNED[word]] != TURNED[word] for word in TURNED)
    assert (TURNED["is"], TURNED["are"], TURNED["was"], TURNED["a"]) == ("are", "is", "were", "an")


@pytest.mark.parametrize("sort", PERTURBATIONS)
def test_perturbation_that_fits_nowhere_is_none(sort: str) -> None:
    assert perturb_once((), sort, np.random.default_rng(0)) is None
    assert perturb_once((",", "."), sort, np.random.default_rng(0)) is None
