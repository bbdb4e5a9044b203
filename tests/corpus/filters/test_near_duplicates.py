"""Near duplicates: what is dropped or kept together, against a comparison of every pair."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pretrace.corpus.filters.near_duplicates import (
    PERMUTATIONS,
    band_rows,
    buckets,
    find_near_duplicates,
    shingles,
    signature,
    similarity,
)
from pretrace.settings import NearDuplicateRules
from tests.helpers.planted_text import changed, text

# Each is one of three texts, seen from its first word or some words later, with a few words changed: so there are
# chains, too, in which neighbors are alike and the ends are not.
PLAN = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 3), st.integers(0, 5)), min_size=1, max_size=8)
FOLDER = {"suppress_health_check": [HealthCheck.function_scoped_fixture], "deadline": None}


def found(texts: list[str], path: Path, **rules: object) -> tuple[dict[int, tuple[int, float]], dict[int, int]]:
    settings_of = NearDuplicateRules(**rules)
    found = [signature(each, settings_of.shingle_words) for each in texts]
    signatures = np.array(found, np.uint32).reshape(-1, PERMUTATIONS)
    try:
        return find_near_duplicates(texts, signatures, settings_of, path / "shingles")
    finally:
        assert not (path / "shingles").exists()


def planted(which: int, changes: int, later: int) -> str:
    found = text(f"t{which}", 160).split()[8 * later : 8 * later + 120]
    return changed("\n".join(" ".join(found[start : start + 12]) for start in range(0, 120, 12)), f"c{which}", changes)


def likeness(a: str, b: str, n: int = 5) -> float:
    """Jaccard similarity as it is written in books."""
    one, two = (
        {tuple(words[start : start + n]) for start in range(max(1, len(words) - n + 1))}
        for words in (a.split(), b.split())
    )
    return len(one & two) / len(one | two)


@pytest.mark.slow
@given(PLAN, st.sampled_from([0.5, 0.8, 0.9]))
@settings(max_examples=40, **FOLDER)
def test_near_duplicates_are_certain_and_the_first_stays(
    tmp_path: Path, plan: list[tuple[int, int, int]], threshold: float
) -> None:
    texts = [planted(*how) for how in plan]
    dropped, groups = found(texts, tmp_path, threshold=threshold)
    assert groups == {}
    expected: dict[int, int] = {}
    for number, own in enumerate(texts):
        kept = [other for other in range(number) if other not in expected]
        twin = next((other for other in kept if likeness(texts[other], own) >= threshold), None)
        if twin is not None:
            expected[number] = twin
    assert {number: twin for number, (twin, _) in dropped.items()} == expected
    for number, (twin, value) in dropped.items():
        assert value == pytest.approx(likeness(texts[number], texts[twin]))


@pytest.mark.slow
@given(PLAN, st.randoms(use_true_random=False))
@settings(max_examples=40, **FOLDER)
def test_groups_are_connected_whatever_the_order(tmp_path: Path, plan: list, random: object) -> None:
    texts = list(dict.fromkeys(planted(*how) for how in plan))
    random.shuffle(texts)
    dropped, groups = found(texts, tmp_path, action="group")
    assert dropped == {}
    together = {number: {number} for number in range(len(texts))}
    for a, b in combinations(range(len(texts)), 2):
        if likeness(texts[a], texts[b]) >= 0.8:
            joined = together[a] | together[b]
            together |= dict.fromkeys(joined, joined)
    assert groups == {number: min(group) for number, group in together.items() if len(group) > 1}


def test_chain_of_near_duplicates(tmp_path: Path) -> None:
    """The middle one is like both ends: dropped, it takes neither with it; kept, it holds the three together."""
    chain = [planted(0, 0, 0), planted(0, 0, 1), planted(0, 0, 2)]
    assert likeness(chain[0], chain[2]) < 0.8 < likeness(chain[0], chain[1])
    assert found(chain, tmp_path)[0].keys() == {1}
    assert found(chain, tmp_path, action="group")[1] == {0: 0, 1: 0, 2: 0}
    assert found([*chain[::2], chain[1]], tmp_path, action="group")[1] == {0: 0, 1: 0, 2: 0}


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.95, 1.0])
def test_bands_miss_few_pairs_at_the_threshold(threshold: float) -> None:
    rows = band_rows(threshold)
    assert (1 - threshold**rows) ** (PERMUTATIONS // rows) <= 0.001


def test_signature_estimates_the_similarity() -> None:
    one = text("one", 3000)
    for number in (5, 60, 300):
        other = changed(one, "x", number)
        estimate = np.mean(signature(one, 5) == signature(other, 5))
        assert estimate == pytest.approx(likeness(one, other), abs=0.15)


def test_signatures_are_fixed() -> None:
    """The library could change its numbers, and with them which pairs are found."""
    assert signature("the of and", 2)[:4].tolist() == [415106072, 264895464, 386261805, 2417816934]


def test_buckets_are_documents_that_agree_in_a_band() -> None:
    random = np.random.default_rng(0)
    signatures = random.integers(0, 2**32, (5, PERMUTATIONS), dtype=np.uint32)
    signatures[4, 8:16] = signatures[1, 8:16]
    signatures[2, 17:24] = signatures[0, 17:24]  # one row short of a band
    assert buckets(signatures, 8) == [[1, 4]]


def test_shingles_of_short_and_empty_texts() -> None:
    assert len(shingles("a b", 5)) == 1
    assert len(shingles("", 5)) == 0
    assert similarity(shingles("a b", 5), shingles("a b", 5)) == 1.0
    assert similarity(shingles("", 5), shingles("", 5)) == 1.0
    assert similarity(shingles("a b", 5), shingles("b a", 5)) == 0.0


def test_near_duplicates_of_no_documents(tmp_path: Path) -> None:
    assert found([], tmp_path) == ({}, {})
