"""Sets similar to one, indexed or not, against a comparison with each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pretrace.corpus.filters.difference_index import DifferenceIndex
from pretrace.corpus.filters.shingle_sets import ShingleSets

# Words of a template that a set lacks, and words that it has more: from few of them, so that some have the same.
SETS = st.lists(st.tuples(st.sets(st.integers(0, 11), max_size=5), st.sets(st.integers(0, 5), max_size=5)), min_size=2)


@pytest.mark.slow
@given(SETS, st.integers(1, 8), st.sampled_from([0.3, 0.5, 0.8, 1.0]), st.sets(st.integers(0, 30)))
@settings(deadline=None, max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_similar_sets_are_those_of_a_comparison_with_each(
    tmp_path: Path, plans: list[tuple[set[int], set[int]]], others: int, threshold: float, taken: set[int]
) -> None:
    """Once more from what is kept, too. The last sets are not indexed; they may have what one indexed set alone has."""
    texts = [
        " ".join([f"t{at}" for at in range(12) if at not in lacks] + [f"m{at}" for at in sorted(more)])
        for lacks, more in plans
    ]
    is_taken = np.array([number in taken for number in range(len(texts))])
    with ShingleSets(tmp_path / "sets", texts, 1) as sets:
        indexed = np.arange(max(1, len(texts) - others))
        index = DifferenceIndex(sets, indexed, threshold)
        for number in [*range(len(texts)), *range(len(texts))]:
            is_taken[number] = True
            free = indexed[~is_taken[indexed]]
            exact = dict(zip(free.tolist(), sets.similarities(number, free).tolist(), strict=True))
            expected = {other: similarity for other, similarity in exact.items() if similarity >= threshold}
            found = index.similar(number, is_taken)
            assert len(found[0]) == len(expected)
            assert dict(zip(*map(np.ndarray.tolist, found), strict=True)) == expected
