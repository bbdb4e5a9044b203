"""MinHash signatures, their bands, and the documents that agree in one."""

from __future__ import annotations

from unittest import mock

import numpy as np
import pytest
from datasketch import MinHash
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.corpus.filters import minhash
from pretrace.corpus.filters.minhash import PERMUTATIONS, band_rows, buckets, shingles, signatures, similarity
from tests.helpers.planted_text import changed, text


@pytest.mark.parametrize("threshold", [0.3, 0.5, 0.8, 0.95, 1.0])
def test_bands_miss_few_pairs_at_the_threshold(threshold: float) -> None:
    rows = band_rows(threshold)
    assert (1 - threshold**rows) ** (PERMUTATIONS // rows) <= 0.001


def test_signature_estimates_the_similarity() -> None:
    one = text("one", 3000)
    for number in (5, 60, 300):
        other = changed(one, "x", number)
        estimate = np.mean(np.equal(*signatures([one, other], 5)))
        assert estimate == pytest.approx(similarity(shingles(one, 5), shingles(other, 5)), abs=0.15)


def test_signatures_are_fixed() -> None:
    """numpy could draw other numbers, and with them other pairs would be found."""
    assert signatures(["the of and"], 2)[0, :4].tolist() == [415106072, 264895464, 386261805, 2417816934]


@given(st.lists(st.text("ab\N{LATIN SMALL LETTER E WITH ACUTE} \n", max_size=60), max_size=6), st.integers(1, 5))
@settings(deadline=None)
def test_signatures_are_those_of_datasketch(texts: list[str], n: int) -> None:
    for size in (3, minhash.AT_ONCE):  # longer texts are cut, too
        with mock.patch.object(minhash, "AT_ONCE", size):
            found = signatures(texts, n)
        assert found.dtype == np.uint32
        for text_of, own in zip(texts, found, strict=True):
            sketch = MinHash(PERMUTATIONS, hashfunc=int, scheme="affine32")
            sketch.update_batch((shingles(text_of, n) >> np.uint64(32)).tolist())
            assert own.tolist() == sketch.hashvalues.tolist()


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
