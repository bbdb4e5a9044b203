"""Pre-training beside transformers: time, memory and losses of a step.

The same weights, tokens, batch, dropout and optimizer in all arms, and none splits the batch, as with `micro_batch:
null` if memory allows. Each has a process of its own; they take turns.
`plain` is transformers as it comes (float32, AdamW), `plain_best` is compiled, in bfloat16 and with the fused AdamW;
`ours` uses `precision: auto`, `ours_float32` no bfloat16. How much bfloat16 gains depends on the CPU:
with AMX its products are six times as fast as float32's, with AVX-512 BF16 alone about twice.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from training_arms import DROPOUT, Size, ours, plain
from turns import take_turns

from pretrace.settings import ModelSettings, load_settings

ARMS = ("plain", "plain_best", "ours_float32", "ours")
SAME_LOSS = {"plain": 0.0, "ours_float32": 1e-4, "ours": 0.02, "plain_best": 0.02}
"""Nats by which losses without dropout may differ from those of `plain`: rounding in float32 and in bfloat16."""


def sizes() -> dict[str, Size]:
    """Return the sizes by name: with dropout, on one thread, since with two the load of the machine dominates."""
    scale = load_settings().scale
    laptop = scale.model.model_copy(update={"dropout": DROPOUT})
    rest = {"dropout": DROPOUT, "embedding_dropout": "sum", "initial_std": 0.02}
    wide = ModelSettings(layers=4, width=256, heads=4, feed_forward=1024, context=128, **rest)
    gpt1 = ModelSettings(layers=12, width=768, heads=12, feed_forward=3072, context=512, **rest)
    return {
        "laptop": Size("laptop scale", laptop, scale.vocabulary.size, 16, 1),
        "wide": Size("4 layers of 256", wide, 8192, 16, 1),
        "gpt1": Size("GPT-1's size", gpt1, 40478, 2, 1),
    }


def compare_training(size: Size, rounds: int, steps: int, arms: tuple[str, ...] = ARMS) -> dict[str, Any]:
    """Return milliseconds per step of each arm, their peak memory, and their losses without dropout."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        makers = {
            "plain": partial(plain, size, folder / "plain"),
            "plain_best": partial(plain, size, folder / "plain_best", best=True),
            "ours_float32": partial(ours, size, "float32"),
            "ours": partial(ours, size, "auto"),
        }
        for arm in arms:
            (folder / arm).mkdir()
        chosen = {arm: makers[arm] for arm in arms}
        return with_ratios(*take_turns(f"pre-training, {size.name}", chosen, rounds, steps, SAME_LOSS))


def with_ratios(result: dict[str, Any], memory: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Return the result with the other ratios and memory."""
    medians = result["medians"]
    peaks = {arm: values["peak"] for arm, values in memory.items()}
    return {
        **result,
        "times_as_fast": {
            f"{arm}_to_{other}": round(medians[other] / medians[arm], 2)
            for arm, other in (("ours", "plain"), ("ours", "plain_best"), ("ours_float32", "plain"))
            if other in medians
        },
        "peak_mb": memory,
        "memory_share": {arm: round(peaks[arm] / peaks["plain"], 3) for arm in ("ours", "ours_float32")},
    }
