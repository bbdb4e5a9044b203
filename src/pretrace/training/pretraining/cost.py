"""What a pre-training took: tokens and floating-point operations, hours, money."""

from __future__ import annotations

import sys
from typing import Any

from pretrace.common.progress import duration
from pretrace.training.engine.flops import GPT1_PETAFLOP_S_DAYS, PETAFLOP_S_DAY
from pretrace.training.pretraining.monitor import Watch
from pretrace.training.pretraining.trainer import Trainer


def sizes(trainer: Trainer, watch: Watch) -> dict[str, Any]:
    """What follows from the settings and the shards: `steps`, `tokens`, `epochs`, `flops`, `petaflop_s_days`."""
    steps = trainer.section.steps
    tokens = steps * watch.tokens_a_step
    flops = tokens * watch.flops_a_token
    return {
        "steps": steps,
        "tokens": tokens,
        "epochs": round(tokens / trainer.shards.tokens, 4),
        "flops": flops,
        "petaflop_s_days": flops / PETAFLOP_S_DAY,
    }


def cost_of(trainer: Trainer, watch: Watch, metrics: dict[str, Any], price: float | None) -> dict[str, Any]:
    """What depends on the clock: `device`, `precision`, `hours`, `price`, `tokens_per_second`, `mfu` (0 to 1).

    Hours are those of all the processes that the run took one after the other. A line on standard error says it, too.

    Args:
        price: of an hour; None: there is none.
    """
    cost: dict[str, Any] = {"device": trainer.device.name, "precision": str(trainer.device.dtype).split(".")[-1]}
    seconds = trainer.seconds_before + watch.seconds
    cost["hours"] = round(seconds / 3600, 4)
    if price is not None:
        cost["price"] = round(price * seconds / 3600, 2)
    steps = trainer.section.steps
    if trainer.done < steps:
        rate = (steps - trainer.done) * watch.tokens_a_step / watch.seconds
        cost |= {"tokens_per_second": round(rate, 1), "mfu": round(rate * watch.flops_a_token / watch.peak, 4)}
    print(
        f"{trainer.kind}: {metrics['tokens']:,} tokens, {metrics['flops']:.3g} FLOPs, "
        f"{metrics['petaflop_s_days']:.3g} petaflop/s-days (GPT-1: {GPT1_PETAFLOP_S_DAYS}), {duration(seconds)}"
        + ("" if price is None else f", a cost of {cost['price']:.2f}"),
        file=sys.stderr,
    )
    return cost
