"""What decides the weights of a pre-training: its model, the order of its data, its updates.

A checkpoint is good for one version of this module and of what it imports (pretrace.training.engine.fingerprint).
Monitoring is in pretrace.training.pretraining.monitor.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from pretrace.common.files import read_json
from pretrace.model.build import build_model
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel
from pretrace.settings import Settings
from pretrace.tokens.shards.read import open_shards
from pretrace.tokens.shards.sampler import batch_sequences, share_of
from pretrace.training.distributed.data_parallel import SHARDED, Replicas, check_shares, way_of
from pretrace.training.distributed.sigterm import Stopping
from pretrace.training.engine.checkpoint import Checkpoints
from pretrace.training.engine.compile import change, compile_blocks, is_compiled
from pretrace.training.engine.device import Device
from pretrace.training.engine.flops import flops_per_token
from pretrace.training.engine.loop import train_steps
from pretrace.training.engine.micro_batch import bytes_a_sequence, fitting_micro_batch, memory_of_device
from pretrace.training.engine.optimizer import build_optimiser
from pretrace.training.engine.schedule import warmup_cosine
from pretrace.training.pretraining.evaluate import sequence_loss


class Trainer:
    """One pre-training, in one process of the group. It goes on from the newest checkpoint.

    Args:
        kind: `transformer` or `lstm`.
        device: as `choose_device` gave it in this process.
        checkpoints: of this training; its group is the one that trains.

    Raises:
        PretraceError: the shards are damaged, or the group cannot share the batches out.
    """

    def __init__(
        self, kind: str, settings: Settings, shards_folder: Path, device: Device, checkpoints: Checkpoints
    ) -> None:
        scale, section, group = settings.scale, settings.scale.pretrain, checkpoints.group
        check_shares(section.batch_size, section.sharded, group)
        self.kind, self.scale, self.section = kind, scale, section
        self.device, self.checkpoints, self.group = device, checkpoints, group
        self.folder = shards_folder
        self.vocabulary_size = read_json(shards_folder / "manifest.json")["vocabulary_size"]
        self.shards = open_shards(shards_folder, "train")
        self.dropout = scale.sizes_of(kind).dropout
        self.model = self.fresh_model().to(device.name)
        self.replicas = Replicas(self.model, sequence_loss, group, way_of(self.model, group, section.sharded))
        self.optimiser = build_optimiser(self.model, section)
        note = checkpoints.restore(self.model, self.optimiser)
        self.done: int = note["step"]
        """Updates that earlier processes made."""
        self.seconds_before: float = note.get("seconds", 0.0)
        """What they took, up to that update."""
        self._next: tuple[int, Tensor] | None = None
        self.micro_batch: int = section.micro_batch or note.get("micro_batch") or self._fitting_micro_batch()
        self._compile(note.get("compiled"))

    def fresh_model(self) -> LanguageModel:
        """The model before training, on the CPU."""
        return build_model(self.kind, self.scale, self.vocabulary_size, self.section.seed)

    def run(
        self,
        after_step: Callable[[int, float], dict[str, Any]],
        due: Callable[[int], bool],
        blame: Callable[[int], str],
    ) -> None:
        """Make the updates that are left.

        Args:
            after_step: called with the number of updates done and the loss, in every process; gives what a checkpoint
                is to note.
            due: whether a checkpoint is due after so many updates. One is also made on SIGTERM.
            blame: what there is to say of an update (from 0) that was not finite.

        Raises:
            PretraceError: the loss or a gradient is not finite, or the disk is full.
        """

        def keep(step: int, loss: float) -> None:
            note = after_step(step, loss)
            if due(step) or self.replicas.stopping:
                how = {"micro_batch": self.micro_batch, "compiled": is_compiled(self.model)}
                self.checkpoints.save(step, self.model, self.optimiser, **how, **note)
            if self.replicas.stopping:
                if self.group.first:
                    print(f"{self.kind}: asked to stop; kept a checkpoint at update {step}", file=sys.stderr)
                stopping.now()

        def note_wish() -> None:
            self.replicas.stop_wanted = True

        with Stopping(note_wish) as stopping:
            for done in train_steps(
                self.model,
                self.optimiser,
                range(self.done, self.section.steps),
                losses=self._losses,
                learning_rate=self.rate,
                clip_norm=self.section.clip_norm,
                seed=self.section.seed + (self.group.rank << 16),  # what a GPU draws differs between processes
                all_reduce=self.replicas.add_up,
                describe_batch=blame,
            ):
                keep(done.number, done.loss)

    def rate(self, step: int) -> float:
        """The learning rate of an update (from 0)."""
        steps, warmup = self.section.steps, self.section.warmup_steps
        return self.section.lr * warmup_cosine(step / steps, warmup / steps)

    def _losses(self, step: int) -> Iterator[Tensor]:
        """The losses of this process's micro-batches."""
        own = self._own(step)
        count = -(-len(own) // self.micro_batch)
        for number in range(count):
            yield self._loss(own, number * self.micro_batch, step, last=number == count - 1)
        if step + 1 < self.section.steps:  # read while a GPU is still at work on this update
            self._next = step + 1, self._read(step + 1)

    def _loss(self, own: Tensor, first: int, step: int, last: bool) -> Tensor:
        numbers = share_of(self.section.batch_size, self.group.rank, self.group.size)
        chosen = slice(first, first + self.micro_batch)
        dropout = Dropout(self.dropout, self.section.seed, step, numbers[chosen]) if self.dropout else None
        return self.replicas.loss(own[chosen], self.device, dropout, self.section.batch_size, last=last)

    def _own(self, step: int) -> Tensor:
        at, ids = self._next or (-1, None)
        return ids if at == step and ids is not None else self._read(step)

    def _read(self, step: int) -> Tensor:
        own = torch.from_numpy(batch_sequences(self.shards, *self.batch, step, self.group.rank, self.group.size))
        return own if self.device.name == "cpu" else own.pin_memory().to(self.device.name, non_blocking=True)

    @property
    def batch(self) -> tuple[int, int, int]:
        """What says, with the step, which sequences an update is of: context, sequences, seed."""
        return self.scale.model.context, self.section.batch_size, self.section.seed

    def _fitting_micro_batch(self) -> int:
        share = -(-self.section.batch_size // self.group.size)
        memory = memory_of_device(self.device.name, self.group.size)
        a_sequence = bytes_a_sequence(self.scale.sizes_of(self.kind), self.scale.model.context, self.vocabulary_size)
        # A sharded model can not be tried: a process that runs out of memory would leave the others waiting.
        trial = self._try if self.device.name == "cuda" and self.replicas.way != SHARDED else None
        chosen = self.replicas.agree(fitting_micro_batch(share, a_sequence, self.model, memory, trial))
        if self.group.first:
            print(f"{self.kind}: micro-batches of {chosen} of {share} sequences", file=sys.stderr)
        return chosen

    def _compile(self, before: bool | None) -> None:
        """Compile if it pays; `before`: whether the updates up to now were made compiled, None where there are none."""
        tokens = self.section.steps * self.section.batch_size * self.scale.model.context
        flops = tokens * flops_per_token(self.model) / self.group.size
        said = compile_blocks(
            self.model, self.section.compile, self.device.name, flops, lambda: self._try(self.micro_batch)
        )
        if self.group.first:
            print(f"{self.kind}: {said}{change(before, self.model)}", file=sys.stderr)

    def _try(self, sequences: int) -> None:
        """A micro-batch of the first update, forward and back, as a test of memory."""
        self.micro_batch = sequences
        self._loss(self._own(0), 0, 0, last=False).backward()
        self.model.zero_grad(set_to_none=True)
