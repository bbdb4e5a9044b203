"""Generative pre-training (paper, sections 3.1, 4.1) on randomly sampled contiguous sequences.

Resumes by itself: the same settings, data, vocabulary and code find the last checkpoint; anything else starts fresh.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable
from pathlib import Path

import torch

from pretrace.common.files import locked
from pretrace.schemas.checkpoint import CheckpointMetadata
from pretrace.settings import Settings
from pretrace.tokens.shards import read_manifest
from pretrace.training.distributed.group import Group, group_from_environment, processes_here
from pretrace.training.distributed.launch import process_group
from pretrace.training.distributed.sigterm import Sigterm
from pretrace.training.engine.checkpoint import Checkpoints, checkpoint_folder
from pretrace.training.engine.compile import is_compiled
from pretrace.training.engine.device import Device, check_kernels, choose_device
from pretrace.training.engine.memory import check_training_memory
from pretrace.training.objectives.choose import choose_objective
from pretrace.training.objectives.special_tokens import SpecialTokens
from pretrace.training.pretraining.fingerprint import run_fingerprint
from pretrace.training.pretraining.monitor import Monitor, Sampler
from pretrace.training.pretraining.plan import Plan
from pretrace.training.pretraining.result import Pretrained, collect_result
from pretrace.training.pretraining.trainer import Trainer


def pretrain(
    seed: int,
    settings: Settings,
    shards_folder: Path,
    publish: Callable[[], None] = lambda: None,
    curves: Path | None = None,
    sample: Sampler | None = None,
    special: SpecialTokens | None = None,
) -> Pretrained | None:
    """Train the language model of a system on the shards, with one of `pretrain.seeds`.

    Args:
        publish: called after each step.
        curves: folder in which the curves are kept up to date during training.
        sample: writes sample texts with a model, for `pretrain.sample_every`.
        special: special tokens of the vocabulary, for masked tokens; None if it has none.

    Returns:
        The result; None on torchrun's ranks other than 0.

    Raises:
        PretraceError: another process trains this already, the shards are damaged, the loss is not finite, the disk is
            full, or another rank died. The text names the last checkpoint.
    """
    group = group_from_environment(processes_here(settings.scale))
    device = _choose_rank_device(settings, group)
    check_kernels(settings.scale.kind, device)
    manifest = read_manifest(shards_folder)
    objective = choose_objective(settings.scale.pretrain.objective, special, manifest.vocabulary_size)
    check_training_memory(settings, manifest.vocabulary_size, group, Plan(settings.scale).carried_bytes)
    fingerprint = run_fingerprint(seed, settings, manifest, device, group.world_size, objective)
    checkpoints = Checkpoints(checkpoint_folder(fingerprint), group)
    if group.is_rank_zero:
        name = settings.pretraining_name(seed)
        print(f"{name}: {device.name}, {str(device.dtype).removeprefix('torch.')} ({device.reason})", file=sys.stderr)
    lock = locked(checkpoints.lock, wait=False) if group.is_rank_zero else contextlib.nullcontext()
    with lock, process_group(group, _train_rank, seed, settings, shards_folder, checkpoints.folder, special):
        trainer = Trainer(seed, settings, shards_folder, device, checkpoints, objective)
        monitor = Monitor(trainer, checkpoints, manifest, curves, sample, publish)
        _train(trainer, checkpoints, monitor)
        model = monitor.whole_model()
    return None if model is None else collect_result(trainer, checkpoints, monitor, model, manifest, settings)


def _train(trainer: Trainer, checkpoints: Checkpoints, monitor: Monitor) -> None:
    """Make the steps that are left, on each rank; save checkpoints at set steps, at the end, and on SIGTERM."""
    section = trainer.section
    if trainer.group.is_rank_zero and trainer.resumed_from.step:
        print(f"{trainer.name}: resuming from the checkpoint at step {trainer.resumed_from.step}", file=sys.stderr)
    with monitor, Sigterm() as stop:
        for step in trainer.steps(stop, monitor.describe_batch):
            monitor.record(step)
            due = step.number % section.checkpoint_every == 0 or step.number == trainer.plan.steps
            if due or stop.requested:
                metadata = CheckpointMetadata(
                    step=step.number,
                    seconds=monitor.total_seconds,
                    micro_batch=trainer.micro_batch,
                    compiled=is_compiled(trainer.model),
                )
                checkpoints.save(trainer.model, trainer.optimizer, metadata, trainer.carried)
            if stop.requested:
                if trainer.group.is_rank_zero:
                    saved = f"SIGTERM received, checkpoint saved at step {step.number}"
                    print(f"{trainer.name}: {saved}", file=sys.stderr)
                stop.end_process()


def _train_rank(
    group: Group,
    seed: int,
    settings: Settings,
    shards_folder: Path,
    folder: Path,
    special: SpecialTokens | None,
) -> None:
    """Train as a rank that rank 0 launched."""
    checkpoints, manifest = Checkpoints(folder, group), read_manifest(shards_folder)
    objective = choose_objective(settings.scale.pretrain.objective, special, manifest.vocabulary_size)
    device = _choose_rank_device(settings, group)
    trainer = Trainer(seed, settings, shards_folder, device, checkpoints, objective)
    monitor = Monitor(trainer, checkpoints, manifest)
    _train(trainer, checkpoints, monitor)
    monitor.whole_model()


def _choose_rank_device(settings: Settings, group: Group) -> Device:
    if torch.cuda.is_available():
        torch.cuda.set_device(group.local_rank)
    return choose_device(settings.scale.pretrain.precision, settings.scale.threads)
