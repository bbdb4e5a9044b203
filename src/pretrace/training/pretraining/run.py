"""Generative pre-training (paper, sections 3.1, 4.1): next-token prediction on randomly sampled contiguous sequences.

Resumes by itself: the same settings, data, vocabulary and code find the last checkpoint; anything else starts fresh.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from pretrace.common.code import code_hash
from pretrace.common.files import locked, read_json
from pretrace.settings import Settings
from pretrace.training.distributed.group import Group, place
from pretrace.training.distributed.launch import meet
from pretrace.training.engine.checkpoint import Checkpoints
from pretrace.training.engine.device import Device, check_kernels, choose_device
from pretrace.training.engine.fingerprint import fingerprint
from pretrace.training.engine.memory import check_training_memory
from pretrace.training.pretraining.cost import cost_of, sizes
from pretrace.training.pretraining.evaluate import describe, validation_loss
from pretrace.training.pretraining.monitor import Sampler, Watch
from pretrace.training.pretraining.trainer import Trainer


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
    samples: list[dict[str, Any]]
    """Rows of `step`, `prompt`, `text`, if `sample_every` asks for them."""
    steps: Path | None = None
    """The folder with the weights after 1, 2, 4, ... updates, if `save_at_powers_of_two` asks for them."""


def pretrain(
    kind: str,
    settings: Settings,
    shards_folder: Path,
    publish: Callable[[], None] = lambda: None,
    curves: Path | None = None,
    sample: Sampler | None = None,
) -> Pretrained | None:
    """Train a language model of `kind` (`transformer` or `lstm`) on the shards.

    Args:
        publish: called after every update.
        curves: folder in which the curves are brought up to date as training goes on.
        sample: makes sample texts with a model, for `pretrain.sample_every`.

    Returns:
        The result; None in a process of torchrun's that is not number 0.

    Raises:
        PretraceError: another process trains this already, the shards are damaged, the loss is not finite, the disk is
            full, or a process of the group ended. The text says where it goes on from.
    """
    section, group = settings.scale.pretrain, place(settings.scale.processes)
    device = _own_device(settings, group)
    check_kernels(kind, device)
    manifest = read_json(shards_folder / "manifest.json")
    check_training_memory(kind, settings, manifest["vocabulary_size"], group)
    checkpoints = Checkpoints(run_fingerprint(kind, settings, manifest, device, group.size), group=group)
    if group.first:
        print(f"{kind}: {device.name}, {str(device.dtype).removeprefix('torch.')} ({device.reason})", file=sys.stderr)
    lock = locked(checkpoints.lock, wait=False) if group.first else contextlib.nullcontext()
    with lock, meet(group, _share, kind, settings, shards_folder, checkpoints.folder):
        trainer = Trainer(kind, settings, shards_folder, device, checkpoints)
        if group.first and trainer.done:
            print(f"{kind}: goes on from the checkpoint at update {trainer.done}", file=sys.stderr)
        watch = Watch(trainer, manifest, curves, sample, publish)
        watch.run()
        model = watch.model()
    if model is None:
        return None
    val_loss = validation_loss(model, watch.validation, device)
    metrics = describe(model, val_loss, manifest) | sizes(trainer, watch)
    cost = cost_of(trainer, watch, metrics, settings.hourly_cost)
    samples = checkpoints.samples.up_to(section.steps)
    steps = checkpoints.steps if section.save_at_powers_of_two else None
    return Pretrained(model, metrics, checkpoints.curve.up_to(section.steps), cost, samples, steps)


def run_fingerprint(kind: str, settings: Settings, manifest: dict[str, Any], device: Device, processes: int) -> str:
    """The name of a pre-training: the hash of all that its weights depend on. How often it saves is no part of it."""
    scale = settings.scale
    return fingerprint(
        kind=kind,
        model=scale.sizes_of(kind).model_dump(),
        context=scale.model.context,
        pretrain=scale.pretrain.model_dump(exclude={"checkpoint_every"}),
        processes=(processes, scale.threads),
        device=(device.name, str(device.dtype)),
        shards=manifest,
        code=code_hash("pretrace.training.pretraining.trainer"),
    )


def _own_device(settings: Settings, group: Group) -> Device:
    if torch.cuda.is_available():
        torch.cuda.set_device(group.local)
    return choose_device(settings.scale.pretrain.precision, settings.scale.threads)


def _share(group: Group, kind: str, settings: Settings, shards_folder: Path, folder: Path) -> None:
    """The part of a process that number 0 started."""
    device = _own_device(settings, group)
    trainer = Trainer(kind, settings, shards_folder, device, Checkpoints("", folder, group))
    watch = Watch(trainer, read_json(shards_folder / "manifest.json"))
    watch.run()
    watch.model()
