"""Speed and size before and after a change, from what the stages reported.

One measurement a side: nothing is known of its noise, so there is no verdict, and times of two machines are no
comparison at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pretrace.common.units import readable_bytes, readable_number, readable_time
from pretrace.review.git_tree import Tree

PRETRAIN: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("validation loss, nats a token", "val_loss", lambda value: f"{value:.4f}"),
    ("validation perplexity", "val_perplexity", lambda value: f"{value:.2f}"),
    ("bits a byte", "val_bits_per_byte", lambda value: f"{value:.4f}"),
    ("parameters", "parameters", readable_number),
    ("tokens of pre-training", "tokens", readable_number),
    ("FLOPs of pre-training", "flops", readable_number),
)
"""What `reports/pretrain.json` has: (heading, key, how it is written)."""


@dataclass(frozen=True)
class Quantity:
    """A number before and after; None where it is not known."""

    name: str
    before: float | None
    after: float | None
    write: Callable[[float], str]

    def texts(self) -> tuple[str, str, str]:
        """Before, after, and the change in per cent."""
        written = ["" if value is None else self.write(value) for value in (self.before, self.after)]
        change = ""
        if self.before and self.after is not None:
            share = self.after / self.before - 1
            change = f"{share:+.1%}" if self.before != self.after else "same"
        return written[0], written[1], change


def quantities(before: Tree | None, after: Tree) -> list[Quantity]:
    """What both sides, or one, know."""
    sides = [_known(tree) if tree else {} for tree in (before, after)]
    writers: dict[str, Callable[[float], str]] = {name: write for name, _, write in PRETRAIN}
    writers |= {
        "tokens a second": readable_number,
        "model FLOPs utilisation": lambda value: f"{value:.1%}",
        "seconds of pre-training": readable_time,
        "seconds of fine-tuning, all cells": readable_time,
        "seconds of all stages": readable_time,
        "largest memory of a stage": readable_bytes,
    }
    return [
        Quantity(name, sides[0].get(name), sides[1].get(name), write)
        for name, write in writers.items()
        if name in sides[0] or name in sides[1]
    ]


def machines(tree: Tree | None) -> list[str]:
    """The processors that the stages ran on, by name."""
    return sorted(
        {str(stage["machine"]) for stage in _stages(tree).values() if stage.get("machine")} if tree else set()
    )


def _known(tree: Tree) -> dict[str, float]:
    pretrain = tree.json("reports/pretrain.json")
    pretrain = pretrain if isinstance(pretrain, dict) else {}
    stages = _stages(tree)
    finetune = [stage.get("seconds") for name, stage in stages.items() if name.startswith("finetune@")]
    found: dict[str, Any] = {name: pretrain.get(key) for name, key, _ in PRETRAIN}
    found |= {
        "tokens a second": stages.get("pretrain", {}).get("tokens_per_second"),
        "model FLOPs utilisation": stages.get("pretrain", {}).get("mfu"),
        "seconds of pre-training": stages.get("pretrain", {}).get("seconds"),
        "seconds of fine-tuning, all cells": _sum(finetune),
        "seconds of all stages": _sum([stage.get("seconds") for stage in stages.values()]),
        "largest memory of a stage": max(_numbers([s.get("peak_memory_bytes") for s in stages.values()]), default=None),
    }
    return {name: value for name, value in found.items() if _numbers([value])}


def _stages(tree: Tree) -> dict[str, dict[str, Any]]:
    cost = tree.json("reports/cost.json")
    return {name: stage for name, stage in (cost if isinstance(cost, dict) else {}).items() if isinstance(stage, dict)}


def _sum(values: list[Any]) -> float | None:
    return sum(_numbers(values)) if _numbers(values) else None


def _numbers(values: list[Any]) -> list[float]:
    return [v for v in values if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)]
