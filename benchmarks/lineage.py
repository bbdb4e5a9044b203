"""Pre-training of GPT-1, GPT-2 and BERT beside transformers: is each as far ahead of its model as GPT-1 is of its own?

The arms of training.py for each of the three, all in turns in one run: OpenAIGPTLMHeadModel, GPT2LMHeadModel and
BertForPreTraining in float32 with AdamW, and ours with `precision: auto`. Sizes, batch and optimizer are the same for
all; form and objective are those of `systems/`. BERT has GELU with the error function, as transformers' models have by
default; its loss is that of masked tokens and of next sentences.
"""

from __future__ import annotations

import tempfile
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from training import SAME_LOSS, sizes
from training_arms import DROPOUT, Size, ours, plain
from turns import compared, run_in_turns

from pretrace.settings import ModelSettings, ObjectiveSettings, read_yaml

SYSTEMS = {"gpt1": "GPT-1", "gpt2": "GPT-2", "bert": "BERT"}
"""Titles; the first is the measure of the others."""
OTHER_FORM = {"bert": {"activation": "gelu"}}
ROUNDS, STEPS = 8, 5


def compare_lineage() -> list[dict[str, Any]]:
    """Return the result of each system at two sizes; `ratio_to_gpt1` is its ratio, divided by GPT-1's of the run."""
    return [result for name in ("laptop", "wide") for result in _compare(sizes()[name])]


def _compare(size: Size) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as name:
        arms: dict[str, Any] = {}
        for system in SYSTEMS:
            own, folder = of_system(size, system), Path(name) / system
            folder.mkdir()
            arms |= {f"{system} plain": partial(plain, own, folder), f"{system} ours": partial(ours, own, "auto")}
        turns = run_in_turns(arms, ROUNDS, STEPS)
    results = [
        compared(
            f"pre-training of {title}, {size.name}",
            turns.named({f"{system} plain": "plain", f"{system} ours": "ours"}),
            SAME_LOSS,
        )
        for system, title in SYSTEMS.items()
    ]
    return [result | {"ratio_to_gpt1": round(result["ratio"] / results[0]["ratio"], 3)} for result in results]


def of_system(size: Size, system: str) -> Size:
    """Return a size with the form and the objective of a system."""
    values = read_yaml(Path("systems") / f"{system}.yaml")
    form = size.model.model_dump() | values.get("model", {}) | OTHER_FORM.get(system, {}) | {"dropout": DROPOUT}
    objective = ObjectiveSettings.model_validate(values.get("pretrain", {}).get("objective", {}))
    return replace(size, model=ModelSettings.model_validate(form), objective=objective)
