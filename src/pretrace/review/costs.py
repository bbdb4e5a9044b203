"""Speed and size before and after a change, from the reports of the stages.

There is one measurement on each side, of unknown noise, so there is no verdict; and times of two machines cannot be
compared at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pretrace.common.errors import PretraceError
from pretrace.common.units import readable_bytes, readable_number, readable_time
from pretrace.review.git_tree import Tree
from pretrace.review.lockfile import first_system
from pretrace.schemas.cost import CostEntry
from pretrace.schemas.record import parse_record

PRETRAIN: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("validation loss, nats/token", "val_loss", lambda value: f"{value:.4f}"),
    ("validation perplexity", "val_perplexity", lambda value: f"{value:.2f}"),
    ("validation loss of masked tokens, nats/token", "val_masked_loss", lambda value: f"{value:.4f}"),
    ("validation loss of both directions, nats/token", "val_both_loss", lambda value: f"{value:.4f}"),
    ("validation loss of pairs of words, nats/pair", "val_pair_loss", lambda value: f"{value:.4f}"),
    ("bits/byte", "val_bits_per_byte", lambda value: f"{value:.4f}"),
    ("parameters", "parameters", readable_number),
    ("pre-training tokens", "tokens", readable_number),
    ("pre-training FLOPs", "flops", readable_number),
)
"""Numbers of `reports/pretrain.json`: (heading, key, format)."""


@dataclass(frozen=True)
class Quantity:
    """A number before and after; None if it is unknown."""

    name: str
    before: float | None
    after: float | None
    write: Callable[[float], str]

    def texts(self) -> tuple[str, str, str]:
        """Return before, after, and the change in percent."""
        written = ["" if value is None else self.write(value) for value in (self.before, self.after)]
        change = ""
        if self.before and self.after is not None:
            share = self.after / self.before - 1
            change = f"{share:+.1%}" if self.before != self.after else "same"
        return written[0], written[1], change


def quantities(before: Tree | None, after: Tree) -> list[Quantity]:
    """Return the numbers that both sides know, or one of them."""
    sides = [_known(tree) if tree else {} for tree in (before, after)]
    writers: dict[str, Callable[[float], str]] = {name: write for name, _, write in PRETRAIN}
    writers |= {
        "tokens/s": readable_number,
        "model FLOPs utilization": lambda value: f"{value:.1%}",
        "time of pre-training": readable_time,
        "time of fine-tuning, all cells": readable_time,
        "time of all stages": readable_time,
        "largest memory of a stage": readable_bytes,
    }
    return [
        Quantity(name, sides[0].get(name), sides[1].get(name), write)
        for name, write in writers.items()
        if name in sides[0] or name in sides[1]
    ]


def machines(tree: Tree | None) -> list[str]:
    """Return the processors that the stages ran on, sorted."""
    return sorted({entry.machine for entry in costs_of(tree).values() if entry.machine} if tree else set())


def _known(tree: Tree) -> dict[str, float]:
    report, costs = _numbers(tree.json("reports/pretrain.json")), costs_of(tree)
    known: dict[str, float | None] = {name: report.get(key) for name, key, _ in PRETRAIN}
    if training := costs.get(f"pretrain@{first_system(tree)}") or costs.get("pretrain"):
        known |= {
            "tokens/s": training.tokens_per_second,
            "model FLOPs utilization": training.mfu,
            "time of pre-training": training.seconds,
        }
    seconds = {name: entry.seconds for name, entry in costs.items()}
    known |= {
        "time of fine-tuning, all cells": _sum(s for name, s in seconds.items() if name.startswith("finetune@")),
        "time of all stages": _sum(seconds.values()),
        "largest memory of a stage": max((entry.peak_memory_bytes for entry in costs.values()), default=None),
    }
    return {name: value for name, value in known.items() if value is not None}


def costs_of(tree: Tree) -> dict[str, CostEntry]:
    """Return the costs of the stages; entries in the form of another version are left out."""
    values = tree.json("reports/cost.json")
    costs = {}
    for name, entry in values.items() if isinstance(values, dict) else ():
        with suppress(PretraceError):
            costs[name] = parse_record(entry, CostEntry, "reports/cost.json", name, unknown="ignore")
    return costs


def _sum(values: Iterable[float]) -> float | None:
    every = list(values)
    return sum(every) if every else None


def _numbers(values: Any) -> dict[str, float]:
    """Return the finite numbers among the values of a JSON object."""
    return {
        key: value
        for key, value in (values.items() if isinstance(values, dict) else ())
        if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    }
