"""Cost of reading a batch and of logging a step, as a share of the step, in pre-training as the stage runs it.

python benchmarks/loading.py data/shards/gpt1        # a folder of shards
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any
from unittest.mock import patch

from pretrace.settings import load_settings

LIMIT = 0.02
STEPS = 60


def compare_loading(shards: Path) -> dict[str, Any]:
    """Measure medians over the steps, in ms: the whole step, reading its batch, curve and progress line after it."""
    from pretrace.training.pretraining.monitor import Monitor
    from pretrace.training.pretraining.run import pretrain
    from pretrace.training.pretraining.trainer import Trainer

    spent: dict[str, list[float]] = {"loading": [], "logging": []}
    ends: list[float] = []

    def timed(kind: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def work(*arguments: Any) -> Any:
            started = time.perf_counter()
            result = function(*arguments)
            spent[kind].append(time.perf_counter() - started)
            if kind == "logging":
                ends.append(time.perf_counter())
            return result

        return work

    settings = load_settings()
    section = settings.scale.pretrain.model_copy(update={"steps": STEPS, "warmup_steps": 2})
    scale = settings.scale.model_copy(update={"pretrain": section, "processes": 1})
    with (
        tempfile.TemporaryDirectory() as folder,
        patch.dict(os.environ, DVC_ROOT=folder),  # a folder of its own for checkpoints
        patch.object(Trainer, "_read", timed("loading", Trainer._read)),
        patch.object(Monitor, "record", timed("logging", Monitor.record)),
    ):
        pretrain(settings.pretrain.seeds[0], settings.model_copy(update={"scale": scale}), shards.resolve())
    steps = [after - before for before, after in pairwise(ends)]
    medians = {"update": statistics.median(steps)} | {kind: statistics.median(values) for kind, values in spent.items()}
    share = (medians["loading"] + medians["logging"]) / medians["update"]
    return {
        "work": "loading and logging",
        "unit": "ms/step",
        "medians": {name: round(1000 * value, 4) for name, value in medians.items()},
        "ratio": round(share, 5),
        "says": "of a step",
        "same": share <= LIMIT,
    }


if __name__ == "__main__":
    print(compare_loading(Path(sys.argv[1])))
