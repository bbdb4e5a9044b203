"""Monitoring of pre-training: progress line, curves, samples, weights along the way. Never changes the weights.

All ranks take part, as it takes all of them to gather a sharded model; rank 0 shows and writes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import torch

from pretrace.common.progress import progress
from pretrace.model.language_model import LanguageModel
from pretrace.schemas.tokens import Manifest
from pretrace.tokens.shards.batch_documents import document_names
from pretrace.tokens.shards.read import open_shards
from pretrace.training.distributed.data_parallel import full_tensor
from pretrace.training.engine.checkpoint import Checkpoints
from pretrace.training.engine.curves import is_shown, write_curve
from pretrace.training.engine.flops import flops_per_token, peak_flops
from pretrace.training.engine.loop import Step
from pretrace.training.pretraining.evaluate import validation_losses
from pretrace.training.pretraining.progress_line import format_progress, memory_in_use
from pretrace.training.pretraining.trainer import Trainer

NAMES_SHOWN = 8
"""Documents named in the error about a bad batch; a file has all of them."""
SHOWN_EVERY_SECONDS = 0.2

Sampler = Callable[[LanguageModel], list[dict[str, str]]]
"""Writes sample texts with a model: rows of `prompt` and `text`."""


class Monitor:
    """The monitoring of one rank of a training; a context that is open while it trains.

    Args:
        manifest: of the shards.
        curves: folder in which the curves are kept up to date; None: they are not.
        sample: writes sample texts with a model.
        publish: called after each step.
    """

    def __init__(
        self,
        trainer: Trainer,
        checkpoints: Checkpoints,
        manifest: Manifest,
        curves: Path | None = None,
        sample: Sampler | None = None,
        publish: Callable[[], None] = lambda: None,
    ) -> None:
        self.trainer, self.section, self.checkpoints = trainer, trainer.section, checkpoints
        self.is_rank_zero, self.first_step = trainer.group.is_rank_zero, trainer.resumed_from.step
        self.curves, self.sample, self.publish = curves, sample, publish
        self.flops_per_token = flops_per_token(trainer.model, trainer.objective.predicted_share)
        train = manifest.splits["train"]
        self.bits_per_byte = train.tokens / train.bytes / math.log(2)
        """Bits/byte of a loss of 1 nat/token."""
        validation = open_shards(trainer.shards_folder, "validation")
        self.validation = trainer.objective.validation(validation, trainer.scale.model.context)
        self.elapsed, self.peak_flops = 0.0, 0.0
        self.shown_rows: list[dict[str, Any]] = []
        """Rows of the curve that its files show."""

    def __enter__(self) -> Monitor:
        steps = self.trainer.plan.steps
        if self.is_rank_zero:
            self.checkpoints.truncate_logs(self.first_step)
            self.shown_rows = [row for row in self.checkpoints.curve.read(self.first_step) if is_shown(row, steps)]
            if self.first_step < steps:
                self.peak_flops = peak_flops(self.trainer.device) * self.trainer.group.world_size
        self._started = self._shown = time.monotonic()
        self._bar = progress(
            total=steps, unit="step", description=self.trainer.name, initial=self.first_step, on=self.is_rank_zero
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self._bar.close()
        self.elapsed = time.monotonic() - self._started

    def record(self, step: Step) -> None:
        """Record a step: the row of the curve, and at set steps the validation loss, sample texts and weights."""
        section, number, plan = self.section, step.number, self.trainer.plan
        row = {"step": number, "lr": plan.learning_rate(number - 1), "loss": round(step.loss, 6)}
        validate = number % section.validate_every == 0 or number == plan.steps
        sample = section.sample_every is not None and number % section.sample_every == 0
        model = self.whole_model() if validate or sample else None
        if model and validate:
            name, loss = self._validation_loss(model)
            row[name] = round(loss, 6)
        if model and sample and self.sample:
            for text in self.sample(model):
                self.checkpoints.samples.append({"step": number, **text})
        if section.save_at_powers_of_two and number & (number - 1) == 0:
            self.checkpoints.save_weights(number, self.trainer.model)
        if self.is_rank_zero:
            self._append(row)
            self._show(step)
            self.publish()

    @property
    def total_seconds(self) -> float:
        """Seconds of training so far, those before the checkpoint included."""
        return self.trainer.resumed_from.seconds + time.monotonic() - self._started

    def whole_model(self) -> LanguageModel | None:
        """Return the model as it is now on rank 0, and None on the others; all ranks have to call this."""
        trainer = self.trainer
        if trainer.data_parallel.strategy != "fsdp":
            return trainer.model if self.is_rank_zero else None
        weights = [full_tensor(p) for p in trainer.model.parameters()]
        if not self.is_rank_zero:
            return None
        model = trainer.initial_model().to(trainer.device.name)
        with torch.no_grad():
            for parameter, weight in zip(model.parameters(), weights, strict=True):
                parameter.copy_(weight)
        return model

    def describe_batch(self, step: int) -> str:
        """Return which documents the batch of a step (from 0) is from, and where the last checkpoint is."""
        if not self.is_rank_zero:
            return ""
        trainer = self.trainer
        numbers = trainer.objective.documents(
            trainer.shards, trainer.plan.context, trainer.plan.batch(step), trainer.seed
        )
        names = document_names(numbers, trainer.shards_folder.parent / "clean" / "train")
        path = self.checkpoints.write_bad_batch(step + 1, names)
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        return (
            f"; the documents in its batch: {', '.join(names[:NAMES_SHOWN])}{more} (all are in {path}); "
            f"{self.checkpoints.describe_last()}"
        )

    def _validation_loss(self, model: LanguageModel) -> tuple[str, float]:
        trainer = self.trainer
        quick = trainer.objective.quick(self.validation, trainer.scale.model.context)
        losses = validation_losses(model, trainer.objective, quick, trainer.device)
        name = trainer.objective.losses[0]
        return name, losses[name]

    def _append(self, row: dict[str, Any]) -> None:
        self.checkpoints.curve.append(row)
        if is_shown(row, self.trainer.plan.steps):
            self.shown_rows.append(row)
        if self.curves and self.trainer.objective.losses[0] in row:
            write_curve(self.curves, self.trainer.name, self.shown_rows, self.trainer.plan.steps)

    def _show(self, step: Step) -> None:
        number, plan, now = step.number, self.trainer.plan, time.monotonic()
        if number == plan.steps or now - self._shown > SHOWN_EVERY_SECONDS:
            self._shown = now
            tokens = plan.tokens_before(number) - plan.tokens_before(self.first_step)
            rate = tokens / max(now - self._started, 1e-9)
            mfu = rate * self.flops_per_token / self.peak_flops if self.peak_flops else 0.0
            memory = memory_in_use(self.trainer.device.name)
            bits = step.loss * self.bits_per_byte if "val_loss" in self.trainer.objective.losses else None
            line = format_progress(step.loss, bits, rate, mfu, memory)
            self._bar.set_postfix_str(line, refresh=False)
        self._bar.update(1)
