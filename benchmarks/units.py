"""Pre-training by unit: its cost against as many processes without units, and the bytes from 1, 2 and 4 processes.

`plain` is the scale's update with two processes and no units; `ours` has units of two sequences and two processes.
Another row has the same units in 1, 2 and 4 processes, whose weights must have the same bytes. Arms take turns.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

from measure import Rounds, summary

from pretrace.settings import load_settings

STEPS, ROUNDS = 40, 5
UNIT = 2
"""Sequences of a unit: eight units a batch at laptop scale, so that eight processes have work."""


def compare_units(shards: Path) -> Iterator[dict[str, Any]]:
    """Yield milliseconds per update with and without units, and with units by number of processes."""
    arms: dict[str, tuple[int | None, int]] = {
        "plain": (None, 2),
        "ours": (UNIT, 2),
        "one": (UNIT, 1),
        "four": (UNIT, 4),
    }
    rounds: Rounds = {arm: [] for arm in arms}
    weights: dict[str, set[str]] = {arm: set() for arm in arms}
    for number in range(ROUNDS):
        for arm in sorted(arms, reverse=bool(number % 2)):
            milliseconds, digest = train(shards, *arms[arm])
            rounds[arm].append(milliseconds)
            weights[arm].add(digest)
    same = len(weights["ours"] | weights["one"] | weights["four"]) == 1
    pair = {arm: rounds[arm] for arm in ("ours", "plain")}
    result = summary(f"update by units of {UNIT}, two processes", "ms", pair, len(weights["plain"]) == 1, faster=1)
    yield result | {"says": "times the time without units"}
    by_number = {name: rounds[arm] for name, arm in (("ours", "ours"), ("1", "one"), ("4", "four"))}
    result = summary(f"update by units of {UNIT}, in 1, 2 and 4 processes", "ms", by_number, same, faster=-1, other="1")
    yield result | {"says": "times as fast with two processes as with one"}


def train(shards: Path, unit: int | None, processes: int) -> tuple[float, str]:
    """Pre-train for some steps; return milliseconds per step (the median), and a hash of the weights."""
    from pretrace.training.pretraining.monitor import Monitor
    from pretrace.training.pretraining.run import pretrain

    ends: list[float] = []
    record = Monitor.record

    def timed(*arguments: Any) -> None:
        record(*arguments)
        ends.append(time.perf_counter())

    settings = load_settings()
    changed = {"steps": STEPS, "warmup_steps": 2, "unit": unit}
    section = settings.scale.pretrain.model_copy(update=changed)
    scale = settings.scale.model_copy(update={"pretrain": section, "processes": processes})
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.dict(os.environ, DVC_ROOT=folder),  # a folder of its own for checkpoints
        patch.object(Monitor, "record", timed),
    ):
        settings = settings.model_copy(update={"scale": scale})
        result = pretrain(settings.pretrain.seeds[0], settings, shards.resolve())
    assert result is not None
    digest = hashlib.sha256()
    for parameter in result.model.parameters():
        digest.update(parameter.detach().numpy().tobytes())
    steps = [after - before for before, after in pairwise(ends[2:-1])]
    return 1000 * statistics.median(steps), digest.hexdigest()
