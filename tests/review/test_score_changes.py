"""Scores before and after: the verdicts, and how often noise alone gives one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pretrace.common.errors import PretraceError
from pretrace.review.score_changes import (
    ADDED,
    HIGHER,
    LOST,
    LOWER,
    OTHER,
    REMOVED,
    SAME,
    WITHIN,
    Change,
    mean_changes,
    score_changes,
)
from tests.helpers.made_up_project import benchmark, row

shares = st.integers(0, 1_000_000).map(lambda millionths: millionths / 1_000_000)
rows = st.builds(
    row,
    st.sampled_from(["rte", "cola"]),
    st.sampled_from(["full", "scratch"]),
    scores=st.lists(shares, min_size=1, max_size=4),
    stderr=shares,
    n_eval=st.integers(1, 5000),
)
nested = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["task", "variant", "x"]), inner),
    max_leaves=8,
)


def only(before: dict[str, Any], after: dict[str, Any]) -> Change:
    (change,) = score_changes(benchmark(before), benchmark(after))
    return change


def test_every_verdict() -> None:
    full = row("rte", "full")
    assert only(full, full).verdict == SAME
    assert only(full, row("rte", "full", scores=[0.71, 0.72, 0.73])).verdict == WITHIN
    assert only(full, row("rte", "full", scores=[0.90, 0.92, 0.91])).verdict == HIGHER
    assert only(full, row("rte", "full", scores=[0.50, 0.52, 0.51])).verdict == LOWER
    assert only(full, row("rte", "full", metric="f1")).verdict == OTHER
    assert only(full, row("rte", "full", scores=[], score=None, stderr=None)).verdict == LOST
    assert only(row("rte", "full", scores=[], score=None), full).verdict == ADDED
    assert only(row("rte", "full", scores=[], score=None), row("rte", "full", scores=[], score=None)).verdict == ""


def test_added_and_removed_tasks_are_listed_not_compared() -> None:
    before = benchmark(row("rte", "full"), row("cola", "full"))
    after = benchmark(row("rte", "full"), row("mrpc", "full"))
    changes = {change.task: change for change in score_changes(before, after)}
    assert [changes[task].verdict for task in ("rte", "mrpc", "cola")] == [SAME, ADDED, REMOVED]
    assert changes["mrpc"].difference is None and changes["cola"].difference is None
    assert mean_changes(changes.values()) == {}
    assert {change.verdict for change in score_changes(None, after)} == {ADDED}


def test_noise_grows_with_the_spread_over_seeds() -> None:
    near = only(row("rte", "full"), row("rte", "full", scores=[0.69, 0.70, 0.71]))
    wide = only(row("rte", "full"), row("rte", "full", scores=[0.60, 0.70, 0.80]))
    assert near.difference and wide.difference and wide.difference.noise > 2 * near.difference.noise


def test_mean_over_tasks_is_less_noisy_than_a_task() -> None:
    def of(*scores: float) -> dict[str, Any]:
        return benchmark(*(row(task, "full", scores=list(scores)) for task in ("a", "b", "c", "d")))

    changes = score_changes(of(0.70, 0.71, 0.72), of(0.68, 0.69, 0.70))
    tasks, mean = mean_changes(changes)["full"]
    assert tasks == 4 and mean.value == pytest.approx(-0.02)
    assert all(change.difference and mean.noise < 0.7 * change.difference.noise for change in changes)


@pytest.mark.slow
@given(rows, rows)
def test_swapped_sides_give_the_opposite(one: dict[str, Any], other: dict[str, Any]) -> None:
    other = {**other, "task": one["task"], "variant": one["variant"]}
    forth, back = only(one, other), only(other, one)
    assert forth.difference and back.difference
    assert forth.difference.value == pytest.approx(-back.difference.value)
    assert forth.difference.noise == pytest.approx(back.difference.noise)
    opposite = {HIGHER: LOWER, LOWER: HIGHER}
    assert back.verdict == opposite.get(forth.verdict, forth.verdict)


@pytest.mark.slow
@given(nested)
def test_other_json_is_refused_in_one_line(value: Any) -> None:
    for benchmark_json in (value, {"rows": value}, {"rows": [value]}):
        try:
            changes = score_changes(None, benchmark_json)
        except PretraceError as error:
            assert str(error).startswith("reports/benchmark.json: ")
        else:
            assert all(isinstance(change.task, str) for change in changes)


def test_noise_is_rarely_called_a_change_and_a_fall_is() -> None:
    """Two commits of one model, each with rows and seeds of its own; then one that is 6 points worse."""
    random, drawn = np.random.default_rng(5), 400

    def measured(level: float) -> dict[str, Any]:
        rows = 2000
        shared = random.normal(0, np.sqrt(level * (1 - level) / rows))
        scores = [float(level + shared + random.normal(0, 0.008)) for _ in range(3)]
        error = float(np.sqrt(level * (1 - level) / rows))
        return row("rte", "full", scores=scores, stderr=error, n_eval=rows)

    alarms = sum(only(measured(0.7), measured(0.7)).verdict != WITHIN for _ in range(drawn))
    assert alarms / drawn < 0.07
    falls = sum(only(measured(0.7), measured(0.62)).verdict == LOWER for _ in range(drawn))
    assert falls / drawn > 0.9
