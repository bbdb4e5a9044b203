"""What one sees of a pre-training, and what is kept of it besides checkpoints: progress, curves, samples.

Nothing here touches the weights. All processes of a group come here, as a sharded model takes all of them to be put
together; number 0 says and writes.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pretrace.common.progress import progress
from pretrace.tokens.shards.batch_documents import batch_documents, document_names
from pretrace.tokens.shards.read import open_shards
from pretrace.training.distributed.data_parallel import SHARDED, whole
from pretrace.training.engine.curves import is_shown, write_curve
from pretrace.training.engine.device import Device
from pretrace.training.engine.flops import flops_per_token, peak_flops
from pretrace.training.pretraining.evaluate import validation_loss, windows
from pretrace.training.pretraining.progress_line import memory_in_use, status
from pretrace.training.pretraining.trainer import Trainer

QUICK_SEQUENCES = 128
"""Validation sequences read for the curve; the figure at the end is over all of them."""
NAMES_SHOWN = 8
"""Documents named in the line that says why a training stopped; a file has all of them."""
SHOWN_EVERY_SECONDS = 0.2

Sampler = Callable[[nn.Module], list[dict[str, str]]]


class Watch:
    """The onlooker of a trainer.

    Args:
        manifest: of the shards.
        curves: folder that curves are written to while training goes on; None: none are.
        sample: makes sample texts with a model.
        publish: called after every update.
    """

    def __init__(
        self,
        trainer: Trainer,
        manifest: dict[str, Any],
        curves: Path | None = None,
        sample: Sampler | None = None,
        publish: Callable[[], None] = lambda: None,
    ) -> None:
        self.trainer, self.section = trainer, trainer.section
        self.first, self.checkpoints = trainer.group.first, trainer.checkpoints
        self.curves, self.sample, self.publish = curves, sample, publish
        self.tokens_a_step = self.section.batch_size * trainer.scale.model.context
        self.flops_a_token = flops_per_token(trainer.model)
        train = manifest["splits"]["train"]
        self.bits_a_nat_token = train["tokens"] / train["bytes"] / math.log(2)
        self.validation = windows(open_shards(trainer.folder, "validation"), trainer.scale.model.context)
        self.seconds, self.peak = 0.0, 0.0
        self.kept: list[dict[str, Any]] = []
        """The rows of the curve that its files show."""

    def run(self) -> None:
        """Train to the end and show how it goes."""
        trainer, steps = self.trainer, self.section.steps
        if self.first:
            self.checkpoints.rewind(trainer.done)
            self.kept = [row for row in self.checkpoints.curve.up_to(trainer.done) if is_shown(row, steps)]
            if trainer.done < steps:
                self.peak = peak_flops(trainer.device) * trainer.group.size
        self.started = self.shown = time.monotonic()
        with progress(total=steps, unit="step", description=trainer.kind, initial=trainer.done, on=self.first) as bar:
            self.bar = bar
            trainer.run(self.after_step, self.checkpoint_due, self.blame)
        self.seconds = time.monotonic() - self.started

    def after_step(self, step: int, loss: float) -> dict[str, Any]:
        """The curve's row, and at set steps the validation loss, sample texts and weights; what a checkpoint notes."""
        section, row = self.section, {"step": step, "lr": self.trainer.rate(step - 1), "loss": round(loss, 6)}
        validate = step % section.validate_every == 0 or step == section.steps
        sample = section.sample_every is not None and step % section.sample_every == 0
        model = self.model() if validate or sample else None
        if model and validate:
            row["val_loss"] = round(validation_loss(model, self.validation[:QUICK_SEQUENCES], self.device), 6)
        if model and sample and self.sample:
            for text in self.sample(model):
                self.checkpoints.samples.append({"step": step, **text})
        if self.section.save_at_powers_of_two and step & (step - 1) == 0:
            self.checkpoints.keep_weights(step, self.trainer.model)
        if self.first:
            self._keep(row)
            self._show(step, loss)
            self.publish()
        return {"seconds": self.trainer.seconds_before + time.monotonic() - self.started}

    def checkpoint_due(self, step: int) -> bool:
        """Whether a checkpoint is to be made after so many updates, unless SIGTERM asks for one."""
        return step % self.section.checkpoint_every == 0 or step == self.section.steps

    @property
    def device(self) -> Device:
        return self.trainer.device

    def model(self) -> nn.Module | None:
        """The model as it is now, on its own: in number 0 only. Of a sharded model every process has to call this."""
        trainer = self.trainer
        if trainer.replicas.way != SHARDED:
            return trainer.model if self.first else None
        weights = [whole(p) for p in trainer.model.parameters()]
        if not self.first:
            return None
        model = trainer.fresh_model().to(self.device.name)
        with torch.no_grad():
            for parameter, weight in zip(model.parameters(), weights, strict=True):
                parameter.copy_(weight)
        return model

    def blame(self, step: int) -> str:
        """What the batch of an update (from 0) was made of, and where the last checkpoint is."""
        if not self.first:
            return ""
        numbers = batch_documents(self.trainer.shards, *self.trainer.batch, step)
        names = document_names(numbers, self.trainer.folder.parent / "clean" / "train")
        path = self.checkpoints.write_blame(step + 1, names)
        more = f" and {len(names) - NAMES_SHOWN} more" if len(names) > NAMES_SHOWN else ""
        return f"; its batch is of {', '.join(names[:NAMES_SHOWN])}{more} ({path} has all); {self.checkpoints.last()}"

    def tokens_per_second(self, step: int) -> float:
        """Since this process began to train."""
        return (step - self.trainer.done) * self.tokens_a_step / max(time.monotonic() - self.started, 1e-9)

    def _keep(self, row: dict[str, Any]) -> None:
        self.checkpoints.curve.append(row)
        if is_shown(row, self.section.steps):
            self.kept.append(row)
        if self.curves and "val_loss" in row:
            write_curve(self.curves, self.trainer.kind, self.kept, self.section.steps)

    def _show(self, step: int, loss: float) -> None:
        if step == self.section.steps or (now := time.monotonic()) - self.shown > SHOWN_EVERY_SECONDS:
            self.shown = now if step < self.section.steps else self.shown
            rate = self.tokens_per_second(step)
            mfu = rate * self.flops_a_token / self.peak if self.peak else 0.0
            bits = loss * self.bits_a_nat_token
            self.bar.set_postfix_str(status(loss, bits, rate, mfu, memory_in_use(self.device.name)), refresh=False)
        self.bar.update(1)
