"""Generative pre-training (paper, sections 3.1, 4.1): next-token prediction on randomly sampled contiguous sequences.

Resumes by itself: the same settings, data, vocabulary and code find the last checkpoint; anything else starts fresh.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from pretrace.files import locked, read_json, sha256_of_code
from pretrace.model.dropout import Dropout
from pretrace.model.weights import build_model
from pretrace.progress import progress
from pretrace.settings import Settings
from pretrace.shards import batch_sequences, open_shards
from pretrace.training.checkpoint import Checkpoints, fingerprint
from pretrace.training.devices import Device, choose_device
from pretrace.training.flops import flops_per_token, peak_flops
from pretrace.training.language_model import describe, sequence_loss, validation_loss, windows
from pretrace.training.loop import train
from pretrace.training.optimiser import build_optimiser, warmup_cosine
from pretrace.training.processes import Group, group_of

QUICK_SEQUENCES = 128
"""Validation sequences read for the curve; the figure at the end is over all of them."""


@dataclass(frozen=True)
class Pretrained:
    """What pre-training leaves behind."""

    model: nn.Module
    metrics: dict[str, Any]
    """The same for every run of the same thing: losses, sizes, FLOPs."""
    curve: list[dict[str, float]]
    """Rows of `step`, `lr`, `loss`, and on some rows `val_loss` (nats a token)."""
    cost: dict[str, Any]
    """What depends on the clock and the machine."""


def pretrain(kind: str, settings: Settings, shards_folder: Path, publish: Callable[[], None]) -> Pretrained:
    """Train a language model of `kind` (`transformer` or `lstm`) on the shards; `publish` is called now and then."""
    section = settings.scale.pretrain
    device = choose_device(section.precision, settings.scale.threads)
    print(f"{kind}: {device.name}, {str(device.dtype).removeprefix('torch.')} ({device.reason})", file=sys.stderr)
    manifest = read_json(shards_folder / "manifest.json")
    checkpoints = Checkpoints(run_fingerprint(kind, settings, manifest, device))
    arguments = (kind, settings, shards_folder)
    with (
        locked(checkpoints.lock, wait=False),
        group_of(settings.scale.processes, _share, *arguments, checkpoints.folder) as group,
    ):
        trainer = Trainer(*arguments, device, checkpoints, group)
        trainer.run(publish)
    return trainer.result()


def run_fingerprint(kind: str, settings: Settings, manifest: dict[str, Any], device: Device) -> str:
    """The name of a pre-training: the hash of all that its weights depend on. How often it saves is no part of it."""
    scale = settings.scale
    return fingerprint(
        kind=kind,
        model=(scale.model if kind == "transformer" else scale.lstm).model_dump(),
        context=scale.model.context,
        pretrain=scale.pretrain.model_dump(exclude={"checkpoint_every"}),
        processes=(scale.processes, scale.threads),
        device=(device.name, str(device.dtype)),
        shards=manifest,
        code=sha256_of_code("model", "shards", "training"),
    )


def _share(group: Group, kind: str, settings: Settings, shards_folder: Path, folder: Path) -> None:
    """The part of a process other than number 0."""
    device = choose_device(settings.scale.pretrain.precision, settings.scale.threads)
    Trainer(kind, settings, shards_folder, device, Checkpoints("", folder), group).run(lambda: None)


class Trainer:
    """One pre-training in one process of the group."""

    def __init__(
        self, kind: str, settings: Settings, shards_folder: Path, device: Device, checkpoints: Checkpoints, group: Group
    ) -> None:
        scale, section = settings.scale, settings.scale.pretrain
        self.kind, self.scale, self.section = kind, scale, section
        self.device, self.checkpoints, self.group = device, checkpoints, group
        self.manifest = read_json(shards_folder / "manifest.json")
        self.shards = open_shards(shards_folder, "train")
        self.validation = windows(open_shards(shards_folder, "validation"), scale.model.context)
        self.model = build_model(kind, scale, self.manifest["vocabulary_size"], section.seed).to(device.name)
        self.optimiser = build_optimiser(self.model, section)
        self.done = checkpoints.restore(self.model, self.optimiser)
        """Updates that an earlier process made."""
        self.seconds = 0.0

    def run(self, publish: Callable[[], None]) -> None:
        """Make the updates that are left."""
        first = self.group.rank == 0
        if first and self.done:
            print(f"{self.kind}: goes on from the checkpoint at update {self.done}", file=sys.stderr)
        if first:
            self.checkpoints.rewind_curve(self.done)
        started = time.monotonic()
        bar = progress(total=self.section.steps, unit="step", description=self.kind) if first else None
        if bar:
            bar.update(self.done)

        def after_step(step: int, loss: float) -> None:
            if bar is None:
                return
            self._keep(step, loss)
            rate = (step - self.done) * self.section.batch_sequences * self.scale.model.context
            rate /= time.monotonic() - started
            bar.set_postfix_str(f"loss {loss:.3f}, perplexity {math.exp(loss):.1f}, {rate:,.0f} tokens/s")
            bar.update(1)
            publish()

        train(
            self.model,
            self.optimiser,
            range(self.done, self.section.steps),
            losses=self._losses,
            rate=self._rate,
            clip_norm=self.section.clip_norm,
            seed=self.section.seed + (self.group.rank << 16),  # dropout of its own in each process
            group=self.group,
            after_step=after_step,
        )
        self.seconds = time.monotonic() - started
        if bar:
            bar.close()

    def result(self) -> Pretrained:
        """What there is to say at the end."""
        val_loss = validation_loss(self.model, self.validation, self.device)
        steps = self.section.steps
        tokens = steps * self.section.batch_sequences * self.scale.model.context
        flops = tokens * flops_per_token(self.model)
        metrics = {
            **describe(self.model, val_loss, self.manifest),
            "steps": steps,
            "tokens": tokens,
            "epochs": round(tokens / self.shards.tokens, 4),
            "flops": flops,
            "petaflop_s_days": flops / 1e15 / 86400,
        }
        cost: dict[str, Any] = {"device": self.device.name, "precision": str(self.device.dtype).split(".")[-1]}
        if self.done < steps:
            share = (steps - self.done) / steps / self.seconds
            peak = peak_flops(self.device) * (self.group.size if self.device.name == "cpu" else 1)
            cost |= {"tokens_per_second": round(tokens * share, 1), "mfu": round(flops * share / peak, 4)}
        return Pretrained(self.model, metrics, self.checkpoints.rows(steps), cost)

    def _rate(self, step: int) -> float:
        steps, warmup = self.section.steps, self.section.warmup_steps
        return self.section.lr * warmup_cosine(step / steps, warmup / steps)

    def _losses(self, step: int) -> Iterator[Tensor]:
        section = self.section
        ids = batch_sequences(self.shards, self.scale.model.context, section.batch_sequences, section.seed, step)
        own = torch.from_numpy(ids[self.group.rank :: self.group.size]).to(self.device.name)
        numbers = range(self.group.rank, section.batch_sequences, self.group.size)
        rate = (self.scale.model if self.kind == "transformer" else self.scale.lstm).dropout
        for first in range(0, len(own), section.micro_batch):
            chosen = slice(first, first + section.micro_batch)
            dropout = Dropout(rate, section.seed, step, numbers[chosen]) if rate else None
            yield sequence_loss(self.model, own[chosen], self.device, dropout, section.batch_sequences)

    def _keep(self, step: int, loss: float) -> None:
        """The curve's row, and at set steps the validation loss and a checkpoint."""
        row = {"step": step, "lr": self._rate(step - 1), "loss": round(loss, 6)}
        if step % self.section.validate_every == 0 or step == self.section.steps:
            row["val_loss"] = round(validation_loss(self.model, self.validation[:QUICK_SEQUENCES], self.device), 6)
        self.checkpoints.append(row)
        if step % self.section.checkpoint_every == 0 or step == self.section.steps:
            self.checkpoints.save(step, self.model, self.optimiser)
