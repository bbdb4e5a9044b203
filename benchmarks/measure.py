"""Helpers of all comparisons: time, size, medians."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

Rounds = dict[str, list[float]]
"""Results of the rounds, by arm."""


def summary(work: str, unit: str, rounds: Rounds, same: bool, faster: int, other: str = "plain") -> dict[str, Any]:
    """Return medians and how many times as fast ours is (`faster`: 1 if more is better, -1 if less is)."""
    medians = {arm: statistics.median(values) for arm, values in rounds.items()}
    return {
        "work": work,
        "unit": unit,
        "medians": {arm: round(value, 4) for arm, value in medians.items()},
        "ratio": round((medians["ours"] / medians[other]) ** faster, 3),
        "says": f"times as fast as {other}",
        "rounds": {arm: [round(value, 4) for value in values] for arm, values in rounds.items()},
        "same": same,
    }


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    started = time.perf_counter()
    result = work()
    return result, time.perf_counter() - started


def in_turns(ways: dict[str, Callable[[], Any]], count: int) -> tuple[Rounds, dict[str, Any]]:
    """Run all arms `count` times, in turns and each time in the other order; return seconds, and what each made."""
    rounds: Rounds = {arm: [] for arm in ways}
    made: dict[str, Any] = {}
    for number in range(count):
        for arm in sorted(ways, reverse=bool(number % 2)):
            made[arm], spent = timed(ways[arm])
            rounds[arm].append(spent)
    return rounds, made


def size_of(texts: list[str]) -> int:
    return sum(len(text.encode()) for text in texts)
