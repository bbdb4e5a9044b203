"""The loop around every stage's optimizer steps: checkpoints, resuming, SIGTERM, the curve.

A stage's steps are those of `pretrace.training.engine.loop`; what a step depends on is its number and the weights, so
that a stage which was killed goes on from its last checkpoint to the same bytes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pretrace.common.files import locked
from pretrace.common.progress import progress
from pretrace.schemas.checkpoint import CheckpointMetadata
from pretrace.settings.alignment.stages import EpochSettings
from pretrace.training.distributed.carried_states import CarriedStates
from pretrace.training.distributed.sigterm import Sigterm
from pretrace.training.engine.checkpoint import Checkpoints, checkpoint_folder
from pretrace.training.engine.device import Device
from pretrace.training.engine.fingerprint import fingerprint
from pretrace.training.engine.loop import train_steps
from pretrace.training.engine.optimizer import build_optimizer
from pretrace.training.engine.schedule import floored
from pretrace.training.finetuning.batching import epoch_order

Row = dict[str, Any]
"""A row of a curve: its `step`, counted from 1, and numbers."""


@dataclass(frozen=True)
class Phase:
    """A training whose steps are a function of their numbers."""

    name: str
    fingerprint: str
    """Hash of all that the weights depend on."""
    module: nn.Module
    optimizer: torch.optim.Optimizer
    steps: int
    """Optimizer steps of the whole training."""
    make_steps: Callable[[int], Iterator[Row]]
    """Makes the steps from a number on, one for each row that is taken."""
    checkpoint_every: int
    may_save: Callable[[int], bool] = lambda step: True
    """False for a step in the midst of what has to be done as a whole."""
    carried: CarriedStates | None = None
    """State that steps carry besides weights."""


def run_phase(phase: Phase, publish: Callable[[], None] = lambda: None) -> list[Row]:
    """Make the steps that are left; return the rows of the whole curve.

    Args:
        publish: called after each step.

    Raises:
        PretraceError: another process trains this already, the disk is full, or a loss is not finite.
    """
    checkpoints = Checkpoints(checkpoint_folder(phase.fingerprint))
    with locked(checkpoints.lock, wait=False), Sigterm() as stop:
        done = checkpoints.restore(phase.module, phase.optimizer, phase.carried).step
        if done:
            print(f"{phase.name}: resuming from the checkpoint at step {done}", file=sys.stderr)
        checkpoints.truncate_logs(done)
        saved = done
        with progress(total=phase.steps, unit="steps", description=phase.name, initial=done) as bar:
            for row in phase.make_steps(done):
                checkpoints.curve.append(row)
                step = row["step"]
                due = step - saved >= phase.checkpoint_every or step == phase.steps or stop.received
                if due and phase.may_save(step):
                    checkpoints.save(phase.module, phase.optimizer, CheckpointMetadata(step=step), phase.carried)
                    saved = step
                    if stop.received:
                        print(f"{phase.name}: SIGTERM received, checkpoint saved at step {step}", file=sys.stderr)
                        stop.end_process()
                bar.update(1)
                publish()
        return checkpoints.curve.read(phase.steps)


def run_epochs(
    name: str,
    module: nn.Module,
    settings: EpochSettings,
    rows: int,
    loss: Callable[[int, np.ndarray], Tensor],
    seed: int,
    parts: dict[str, Any],
    publish: Callable[[], None] = lambda: None,
) -> list[Row]:
    """Train a module, in place, in passes over rows; return the curve. The rate falls as a cosine, without warm-up.

    Args:
        rows: number of them.
        loss: of a step (from 0) and the numbers of its rows.
        seed: of the order of rows.
        parts: what the weights depend on besides the settings: the start, the rows, the device, the code.

    Raises:
        PretraceError: as `run_phase`.
    """
    batches = [
        batch for epoch in range(settings.epochs) for batch in epoch_order(rows, settings.batch_size, seed, epoch)
    ]
    optimizer = build_optimizer(module, settings)

    def rate(step: int) -> float:
        return settings.lr * floored("cosine", step / len(batches), 0.0, settings.floor_share)

    def steps(first: int) -> Iterator[Row]:
        made = train_steps(
            module,
            optimizer,
            range(first, len(batches)),
            losses=lambda step: [loss(step, batches[step])],
            learning_rate=rate,
            clip_norm=settings.clip_norm,
            seed=seed,
        )
        for step in made:
            yield {"step": step.number, "loss": step.loss, "lr": rate(step.number - 1)}

    named = fingerprint(settings=settings.model_dump(exclude={"checkpoint_every"}), seed=seed, **parts)
    phase = Phase(name, named, module, optimizer, len(batches), steps, settings.checkpoint_every)
    return run_phase(phase, publish)


def device_part(device: Device) -> tuple[Any, ...]:
    """Return what weights depend on of a device."""
    return device.name, str(device.dtype), torch.get_num_threads()


def seed_of(*numbers: int) -> int:
    """Mix numbers into a seed of 32 bits, as many as a generator on a CPU reads."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint32)[0])
