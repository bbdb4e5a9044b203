"""Batches of pairs by tokens."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pretrace.training.sequences.pairs import Pair, batch_number, batches_of

PAIRS = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), min_size=1, max_size=60)


def pairs_of(lengths: list[tuple[int, int]]) -> list[Pair]:
    return [Pair(np.zeros(source), np.zeros(target)) for source, target in lengths]


@given(PAIRS, st.integers(8, 200), st.integers(0, 3))
def test_batch_has_at_most_so_many_tokens(lengths: list[tuple[int, int]], tokens: int, seed: int) -> None:
    pairs = pairs_of(lengths)
    batches = batches_of(pairs, tokens, seed)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(pairs)))
    for batch in batches:
        longest = max(pairs[index].longest for index in batch) + 1
        assert len(batch) == 1 or longest * len(batch) <= tokens
    firsts = [pairs[int(batch[0])].longest for batch in batches]
    assert firsts == sorted(firsts)


def test_seed_draws_which_pairs_are_together() -> None:
    pairs = pairs_of([(5, 5)] * 30)
    first, again, other = (batches_of(pairs, 30, seed) for seed in (1, 1, 2))
    assert [batch.tolist() for batch in first] == [batch.tolist() for batch in again]
    assert [batch.tolist() for batch in first] != [batch.tolist() for batch in other]


def test_each_batch_is_learned_once_an_epoch() -> None:
    numbers = [batch_number(step, 7, 3) for step in range(21)]
    epochs = [numbers[first : first + 7] for first in (0, 7, 14)]
    assert all(sorted(epoch) == list(range(7)) for epoch in epochs)
    assert epochs[0] != epochs[1]
