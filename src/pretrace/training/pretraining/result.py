"""The result of a pre-training: the model, its metrics, and its cost in tokens, FLOPs, hours and money."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pretrace.common.progress import duration
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.models import LanguageModelMetrics, ReadSource
from pretrace.schemas.tokens import Manifest, SourceWeights
from pretrace.settings import Settings
from pretrace.tokens.shards.mix import SourceMix
from pretrace.training.engine.checkpoint import Checkpoints
from pretrace.training.engine.flops import GPT1_PETAFLOP_S_DAYS, PETAFLOP_S_DAY
from pretrace.training.pretraining.continued import continued_metrics
from pretrace.training.pretraining.evaluate import memory_losses, model_metrics, validation_losses
from pretrace.training.pretraining.monitor import Monitor
from pretrace.training.pretraining.trainer import Trainer


@dataclass(frozen=True)
class Pretrained:
    """A pre-trained model, and what is reported of it."""

    seed: int | None
    """Seed of the pre-training; None for weights from elsewhere."""
    model: LanguageModel
    metrics: LanguageModelMetrics
    """The same for every run of the same thing: losses, sizes, FLOPs."""
    curve: list[dict[str, float]]
    """Rows of `step`, `lr`, `loss`, and on some rows `val_loss` or `val_masked_loss` (nats/token)."""
    cost: dict[str, Any]
    """Figures that depend on the clock and the machine."""
    samples: list[dict[str, Any]]
    """Rows of `step`, `prompt`, `text`, for `sample_every`."""
    steps: Path | None = None
    """The folder with the weights after 1, 2, 4, ... steps, for `save_at_powers_of_two`."""


def collect_result(
    trainer: Trainer,
    checkpoints: Checkpoints,
    monitor: Monitor,
    model: LanguageModel,
    manifest: Manifest,
    settings: Settings,
) -> Pretrained:
    """Evaluate the whole model on all of the validation text, and put the result together."""
    steps = trainer.plan.steps
    losses = validation_losses(model, trainer.objective, monitor.validation, trainer.device)
    by_memory = memory_losses(model, trainer.objective, monitor.validation, trainer.device)
    of_model, of_training = model_metrics(model, losses, manifest), _training_size(trainer, monitor)
    metrics = LanguageModelMetrics(**of_model, **by_memory, **of_training)
    if continued := continued_metrics(trainer, model, monitor.validation, settings):
        metrics = metrics.model_copy(update={"continued": continued})
    return Pretrained(
        seed=trainer.seed,
        model=model,
        metrics=metrics,
        curve=checkpoints.curve.read(steps),
        cost=_training_cost(trainer, monitor, metrics, settings.hourly_cost),
        samples=checkpoints.samples.read(steps),
        steps=checkpoints.weights_folder if trainer.section.save_at_powers_of_two else None,
    )


def _training_size(trainer: Trainer, monitor: Monitor) -> dict[str, Any]:
    """Return the metrics that follow from the settings and the shards."""
    steps, tokens = trainer.plan.steps, trainer.plan.tokens
    flops = tokens * monitor.flops_per_token
    return {
        "steps": steps,
        "tokens": tokens,
        "epochs": round(tokens / trainer.shards.tokens, 4),
        "flops": flops,
        "petaflop_s_days": flops / PETAFLOP_S_DAY,
        **({"mix": _read_sources(trainer, weights)} if (weights := trainer.shards.mix) else {}),
    }


def _read_sources(trainer: Trainer, weights: SourceWeights) -> dict[str, ReadSource]:
    """Return how often each source is read, by its name."""
    mix, shares, context = SourceMix(trainer.shards), weights.weights(), trainer.plan.context
    numbers = {stream.name: number for number, stream in enumerate(mix.streams)}
    read = {name: mix.sequences_before(number, trainer.plan.sequences) for name, number in numbers.items()}
    return {
        one.source: ReadSource(
            tokens=one.tokens,
            weight=round(shares[one.source], 6),
            epochs=round(read.get(one.source, 0) * context / one.tokens, 4),
        )
        for one in weights.sources
    }


def _training_cost(
    trainer: Trainer, monitor: Monitor, metrics: LanguageModelMetrics, hourly_cost: float | None
) -> dict[str, Any]:
    """Return the figures that depend on the clock, and log a line with them.

    Hours are those of all processes that the run took one after the other; `mfu` is from 0 to 1.
    """
    device, done, plan = trainer.device, trainer.resumed_from.step, trainer.plan
    cost: dict[str, Any] = {"device": device.name, "precision": str(device.dtype).split(".")[-1]}
    seconds = trainer.resumed_from.seconds + monitor.elapsed
    cost["hours"] = round(seconds / 3600, 4)
    if hourly_cost is not None:
        cost["price"] = round(hourly_cost * seconds / 3600, 2)
    if done < plan.steps:
        rate = (plan.tokens - plan.tokens_before(done)) / monitor.elapsed
        mfu = rate * monitor.flops_per_token / monitor.peak_flops
        cost |= {"tokens_per_second": round(rate, 1), "mfu": round(mfu, 4)}
    print(
        f"{trainer.name}: {metrics.tokens:,} tokens, {metrics.flops:.3g} FLOPs, "
        f"{metrics.petaflop_s_days:.3g} petaflop/s-days (GPT-1: {GPT1_PETAFLOP_S_DAYS}), {duration(seconds)}"
        + ("" if hourly_cost is None else f", a cost of {cost['price']:.2f}"),
        file=sys.stderr,
    )
    return cost
