"""Kneser-Ney smoothing against the formula, written once more with dictionaries."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pretrace.baselines.kneser_ney import KneserNey, discounts
from pretrace.baselines.ngrams import HIGHEST_ORDER, count_ngrams, read_ngrams, write_ngrams
from pretrace.common.errors import PretraceError

STREAMS = st.integers(2, 5).flatmap(
    lambda size: st.tuples(st.just(size), st.lists(st.integers(0, size - 1), min_size=1, max_size=60))
)
LONG = np.random.default_rng(0).zipf(1.5, 4000) % 30
"""Long enough that all orders have discounts of their own."""


def by_formula(stream: list[int], size: int, order: int, text: list[int]) -> float:
    """The probability of the last id of a text after those before it."""

    def counts_of(n: int) -> Counter[tuple[int, ...]]:
        grams = [tuple(stream[i : i + n]) for i in range(len(stream) - n + 1)]
        if n == order:
            return Counter(grams)
        longer = {tuple(stream[i : i + n + 1]) for i in range(len(stream) - n)}
        return Counter(gram[1:] for gram in longer)

    def discounts_of(counts: Counter[tuple[int, ...]]) -> tuple[float, ...]:
        n1, n2, n3, n4 = (sum(value == k for value in counts.values()) for k in (1, 2, 3, 4))
        if n1 and n2 and n3 and n4:
            y = n1 / (n1 + 2 * n2)
            found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
            if all(0 <= value <= k for k, value in enumerate(found, 1)):
                return found
        return (0.5, 1.0, 1.5)

    def probability(n: int, gram: tuple[int, ...]) -> float:
        if n == 0:
            return 1 / size
        below = probability(n - 1, gram[1:])
        if len(gram) < n:
            return probability(n - 1, gram)
        counts = counts_of(n)
        after = {g: c for g, c in counts.items() if g[:-1] == gram[:-1]}
        if not after:
            return below
        d = discounts_of(counts)
        own = after.get(gram, 0)
        kept = own - (d[min(own, 3) - 1] if own else 0)
        left = sum(d[min(c, 3) - 1] for c in after.values())
        return (kept + left * below) / sum(after.values())

    return probability(order, tuple(text[-order:]))


@settings(max_examples=60)
@given(STREAMS, st.data())
def test_probabilities_are_those_of_the_formula(stream: tuple[int, list[int]], data: st.DataObject) -> None:
    size, ids = stream
    texts = data.draw(st.lists(st.lists(st.integers(0, size - 1), max_size=7), min_size=1, max_size=3))
    model = KneserNey(count_ngrams(np.array(ids), size))
    ends = np.cumsum([len(text) for text in texts])
    found = model.log_probabilities(np.array([one for text in texts for one in text], int), ends)
    for order in range(1, HIGHEST_ORDER + 1):
        expected = [by_formula(ids, size, order, text[: i + 1]) for text in texts for i in range(len(text))]
        assert np.exp(found[order - 1]) == pytest.approx(expected)


def test_long_stream_has_the_formula_with_its_own_discounts() -> None:
    levels = count_ngrams(LONG, 30)
    assert all(discounts(level.counts).tolist() != [0.0, 0.5, 1.0, 1.5] for level in levels[1:])
    text = LONG[100:112].tolist()
    found = KneserNey(levels).log_probabilities(np.array(text), np.array([12]))
    for order in (2, 5):
        expected = [by_formula(LONG.tolist(), 30, order, text[: i + 1]) for i in range(12)]
        assert np.exp(found[order - 1]) == pytest.approx(expected)


@settings(max_examples=60)
@given(STREAMS, st.lists(st.integers(0, 1), max_size=4))
def test_probabilities_of_all_next_ids_sum_to_one(stream: tuple[int, list[int]], context: list[int]) -> None:
    size, ids = stream
    texts = np.array([[*context, last] for last in range(size)])
    model = KneserNey(count_ngrams(np.array(ids), size))
    found = model.log_probabilities(texts.reshape(-1), np.arange(1, size + 1) * texts.shape[1])
    last = np.exp(found.reshape(HIGHEST_ORDER, size, -1)[:, :, -1])
    assert last.sum(1) == pytest.approx(np.ones(HIGHEST_ORDER))
    assert (last > 0).all()


def test_counts_are_those_of_the_stream() -> None:
    levels = count_ngrams(np.array([1, 0, 1, 0, 2]), 4, 3)
    assert levels[0].counts.tolist() == [2, 2, 1, 0]
    assert levels[0].before.tolist() == [1, 1, 1, 0]  # 0 stands behind 1 only, twice
    assert list(zip(levels[1].ids, levels[1].counts, strict=True)) == [(1, 1), (2, 1), (0, 2)]
    assert levels[0].after.tolist() == [2, 1, 0, 0]
    assert levels[2].counts.sum() == 3


def test_longer_context_is_a_better_model_of_the_same_text() -> None:
    stream = np.tile([0, 1, 2, 0, 2, 1], 50)
    found = KneserNey(count_ngrams(stream, 3)).log_probabilities(stream, np.array([300]))
    assert found[2].mean() > found[1].mean() > found[0].mean()


def test_written_ngrams_are_read_back(tmp_path: Path) -> None:
    levels = count_ngrams(LONG, 30)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        write_ngrams(tmp_path / name, levels)
    for one, other in zip(levels, read_ngrams(tmp_path / "a"), strict=True):
        assert all(np.array_equal(getattr(one, key), getattr(other, key)) for key in vars(one))
    files = sorted((tmp_path / "a").iterdir())
    assert len(files) == HIGHEST_ORDER
    assert all(path.read_bytes() == (tmp_path / "b" / path.name).read_bytes() for path in files)


def test_damaged_ngrams_are_one_line(tmp_path: Path) -> None:
    write_ngrams(tmp_path, count_ngrams(LONG, 30))
    (tmp_path / "ngrams-3.parquet").write_bytes((tmp_path / "ngrams-2.parquet").read_bytes())
    with pytest.raises(PretraceError, match=r"ngrams-3\.parquet: does not fit the orders below"):
        read_ngrams(tmp_path)
    (tmp_path / "ngrams-3.parquet").write_bytes(b"PAR1")
    with pytest.raises(PretraceError, match=r"ngrams-3\.parquet: not readable .*; run `dvc repro -f text_models`"):
        read_ngrams(tmp_path)
