"""Pre-training steps beside plain PyTorch of the same size, in turns; and a scale as `pretrace check` measures it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from typing import Any

from gpu_parts.device import mfu
from gpu_parts.sizes import Sizes
from measure import summary
from training import SAME_LOSS
from training_arms import model_of, ours
from turns import ArmError, Turns, run_in_turns

from pretrace.schemas.machines.gpu import GpuCheck, GpuSpeed

ROUNDS_SHARE = 0.9
"""Share of the budget after which no further round begins."""


def measure_speed(sizes: Sizes, scale: str, seconds: float) -> Iterator[tuple[str, str, Any]]:
    """Yield how fast both arms are; a batch that does not fit into the GPU twice is halved until it does."""
    until = time.monotonic() + ROUNDS_SHARE * seconds
    batch = sizes.size(scale).batch
    while True:
        try:
            yield "speed", scale, _speed(sizes, scale, batch, until)
            return
        except ArmError as error:
            if "OutOfMemoryError" not in str(error) or batch == 1:
                raise
            batch //= 2


def _speed(sizes: Sizes, scale: str, batch: int, until: float) -> GpuSpeed:
    from gpu_parts.plain_gpt import plain

    size = sizes.size(scale, batch)
    arms = {"plain": partial(plain, size, sizes.compiled), "ours": partial(ours, size, "auto", sizes.compiled)}
    turns = run_in_turns(arms, sizes.rounds, sizes.steps, "fork", until)
    apart = largest_difference(turns)
    result = summary(scale, "ms per step", turns.milliseconds, apart <= SAME_LOSS["ours"], faster=-1)
    tokens = size.batch * size.model.context
    rates = {arm: round(1000 * tokens / median, 1) for arm, median in result["medians"].items()}
    shares = {arm: share for arm, rate in rates.items() if (share := mfu(size, rate)) is not None}
    return GpuSpeed(
        batch_size=size.batch,
        context=size.model.context,
        parameters=sum(parameter.numel() for parameter in model_of(size).parameters()),
        compiled=sizes.compiled,
        tokens_per_second=rates,
        mfu=shares or None,
        ratio=result["ratio"],
        milliseconds=result["rounds"],
        peak_memory_bytes={arm: int(1e6 * own.get("gpu_peak", own["peak"])) for arm, own in turns.memory.items()},
        loss_difference=float(f"{apart:.2g}"),
        same=result["same"],
    )


def largest_difference(turns: Turns) -> float:
    """Return how far apart the losses of both arms without dropout are, in nats."""
    return max(abs(a - b) for a, b in zip(turns.losses["ours"], turns.losses["plain"], strict=True))


def measure_check(sizes: Sizes, scale: str, seconds: float) -> Iterator[tuple[str, str, Any]]:
    """Yield the dry run of a scale with its own settings."""
    from pretrace.preflight.timing import measure_here
    from pretrace.training.pretraining.plan import Plan

    settings = sizes.settings(scale)
    batch = Plan(settings.scale).batch_size
    run = measure_here(settings, batch)
    rate = batch * settings.scale.sequence_tokens / run.seconds_per_step
    yield (
        "check",
        scale,
        GpuCheck(
            batch_size=batch,
            micro_batch=run.micro_batch,
            precision=run.precision,
            compiled=run.compiled,
            tokens_per_second=round(rate, 1),
            mfu=mfu(sizes.size(scale), rate),
            measured_peak_flops=run.peak_flops,
            memory_bytes=run.memory_bytes,
        ),
    )
