"""Draws of examples: a function of (seed, row), without the row itself, and balanced if asked."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pretrace.evaluation.prompts.draws import ExamplePool
from pretrace.evaluation.prompts.tasks import drawn_rows
from pretrace.tasks.rows.dataset import Row
from pretrace.tasks.rows.kinds import KINDS

TRAIN = [Row((f"text {n % 17}", f"other {n % 5}"), n % 3) for n in range(40)]
CLASSES = np.array([row.label for row in TRAIN])
ORDERED, SYMMETRIC = KINDS["entailment"].row_key, KINDS["similarity"].row_key
rows = st.builds(lambda a, b: Row((f"text {a}", f"other {b}"), 0), st.integers(0, 20), st.integers(0, 6))


@given(rows, st.integers(0, 500), st.integers(0, 9), st.integers(0, 60), st.booleans())
def test_draw_is_a_function_of_seed_and_row_and_a_beginning_of_larger_ones(
    row: Row, number: int, seed: int, count: int, balanced: bool
) -> None:
    pool = ExamplePool("task", TRAIN, ORDERED, CLASSES if balanced else None)
    drawn = pool.draw(row, "test", number, seed, count)
    assert drawn == pool.draw(row, "test", number, seed, 100)[:count]
    assert len(set(drawn)) == len(drawn) == min(count, sum(other.parts != row.parts for other in TRAIN))
    assert all(TRAIN[index].parts != row.parts for index in drawn)
    if balanced:
        counts = Counter({label: 0 for label in range(3)}) + Counter(int(CLASSES[index]) for index in drawn[:12])
        assert max(counts.values(), default=0) - min((counts[label] for label in range(3)), default=0) <= 1


def test_pair_in_the_other_order_is_the_row_itself_if_order_means_nothing() -> None:
    row = Row((TRAIN[0].parts[1], TRAIN[0].parts[0]), 0)
    every = {"test", "dev"}
    for split in every:
        assert 0 in ExamplePool("task", TRAIN, ORDERED).draw(row, split, 0, 1, 40)
        assert 0 not in ExamplePool("task", TRAIN, SYMMETRIC).draw(row, split, 0, 1, 40)


def test_rows_seeds_splits_and_tasks_have_draws_of_their_own() -> None:
    pool, row = ExamplePool("task", TRAIN, ORDERED), Row(("a", "b"), 0)
    places = [("test", 0, 1), ("test", 1, 1), ("test", 0, 2), ("dev", 0, 1)]
    drawn = [tuple(pool.draw(row, split, number, seed, 10)) for split, number, seed in places]
    drawn.append(tuple(ExamplePool("other", TRAIN, ORDERED).draw(row, "test", 0, 1, 10)))
    assert len(set(drawn)) == len(drawn)


def test_all_training_rows_are_drawn_about_equally_often() -> None:
    pool, row = ExamplePool("task", TRAIN, ORDERED), Row(("a", "b"), 0)
    first = Counter(pool.draw(row, "test", number, 1, 1)[0] for number in range(2000))
    assert set(first) == set(range(40))
    assert max(first.values()) < 2 * 50


def test_order_of_classes_is_drawn_too() -> None:
    pool, row = ExamplePool("task", TRAIN, ORDERED, CLASSES), Row(("a", "b"), 0)
    assert {int(CLASSES[pool.draw(row, "test", number, 1, 1)[0]]) for number in range(30)} == {0, 1, 2}


def test_scored_rows_are_drawn_not_taken_at_equal_distances() -> None:
    assert drawn_rows("task", "test", 5, None).tolist() == drawn_rows("task", "test", 5, 9).tolist() == [*range(5)]
    chosen = drawn_rows("task", "test", 1000, 500)
    assert len(set(chosen.tolist())) == 500
    assert chosen.tolist() == sorted(chosen.tolist()) == drawn_rows("task", "test", 1000, 500).tolist()
    assert 0.4 < float(np.mean(chosen % 2)) < 0.6
