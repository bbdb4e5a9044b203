"""All that decides the weights of a pre-training: its model, the order of its data, its optimizer steps.

The fingerprint of a run is of the source of this module and of what it imports
(pretrace.training.pretraining.fingerprint). Checkpoints, monitoring and stopping stand around it, in
pretrace.training.pretraining.run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from pretrace.model.build import build_model
from pretrace.model.kernels.units import Units, summed_by_unit
from pretrace.model.language_model import LanguageModel
from pretrace.settings import Settings
from pretrace.tokens.shards.read import open_shards, read_manifest
from pretrace.training.distributed.carried_states import CarriedStates
from pretrace.training.distributed.data_parallel import DataParallel, check_batch_size, choose_strategy
from pretrace.training.distributed.shares import Shares
from pretrace.training.distributed.sigterm import Sigterm
from pretrace.training.distributed.unit_sums import UnitSums
from pretrace.training.engine.checkpoint import Checkpoints
from pretrace.training.engine.compile import compile_blocks, describe_change
from pretrace.training.engine.device import Device
from pretrace.training.engine.flops import flops_per_token
from pretrace.training.engine.loop import Step, train_steps
from pretrace.training.engine.micro_batch import bytes_per_sequence, choose_micro_batch, memory_per_process
from pretrace.training.engine.optimizer import build_optimizer
from pretrace.training.objectives import MicroBatch, Objective, Sequences
from pretrace.training.pretraining.initial_weights import load_initial_model
from pretrace.training.pretraining.plan import Plan

LEAST_PRODUCTS = 1 << 16
"""Multiply-adds of a unit's smallest products from which several units are computed at once. Below 1 << 12 of all
units, PyTorch takes other products, which differ so rarely that a try might not show it."""


class Trainer:
    """One rank of a pre-training, resumed from the newest checkpoint.

    Args:
        seed: of initial weights, order of sequences and dropout.
        device: as `choose_device` returned it in this process.
        checkpoints: of this training; its group is the one that trains.

    Raises:
        PretraceError: the shards are damaged, or the batch cannot be divided among the ranks.
    """

    def __init__(
        self,
        seed: int,
        settings: Settings,
        shards_folder: Path,
        device: Device,
        checkpoints: Checkpoints,
        objective: Objective,
    ) -> None:
        scale, section, group = settings.scale, settings.scale.pretrain, checkpoints.group
        self.plan = Plan(scale)
        unit = section.unit if device.name == "cpu" and not section.sharded else None
        for plateau in self.plan.plateaus:
            check_batch_size(plateau.size, section.sharded, group, unit)
        self.shares = Shares(group, unit)
        self.seed, self.scale, self.section = seed, scale, section
        self.settings = settings
        self.name = settings.pretraining_name(seed)
        self.device, self.group, self.objective = device, group, objective
        self.shards_folder = shards_folder
        self.vocabulary_size = read_manifest(shards_folder).vocabulary_size
        self.shards = open_shards(shards_folder, "train")
        self._reader = objective.reader(self.shards, self.plan.context, seed)
        self.dropout = scale.sizes.dropout
        self.model = self.initial_model().to(device.name)
        strategy = choose_strategy(self.model, group, section.sharded, by_unit=unit is not None)
        self._sums = UnitSums(self.model.parameters()) if unit else None
        self._by_unit = self.model.sums_by_unit and objective.predicts_alike
        self._alike: dict[int, bool] = {}
        self.data_parallel = DataParallel(self.model, objective.loss, group, strategy)
        self.optimizer = build_optimizer(self.model, section)
        self.carried = CarriedStates(group, self.plan.batch_size, self.shares.of(self.plan.batch_size))
        self.resumed_from = checkpoints.restore(self.model, self.optimizer, self.carried)
        """Metadata of the checkpoint; its step is 0 if there was none."""
        self._next_batch: tuple[int, Sequences | None] | None = None
        self.micro_batch: int = section.micro_batch or self.resumed_from.micro_batch or self._choose_micro_batch()
        self._compile()

    def initial_model(self) -> LanguageModel:
        """Return the model before its first step, on the CPU."""
        if self.settings.pretrain.continue_from:
            return load_initial_model(self.settings, self.vocabulary_size)
        return build_model(self.scale, self.vocabulary_size, self.seed)

    def steps(self, stop: Sigterm, describe_batch: Callable[[int], str] = lambda step: "") -> Iterator[Step]:
        """Make the optimizer steps that are left, one for each item that is taken.

        Args:
            stop: `stop.requested` is up to date after each step.
            describe_batch: what to add to the error about a step (from 0) that is not finite.

        Raises:
            PretraceError: the loss or a gradient is not finite.
        """
        return train_steps(
            self.model,
            self.optimizer,
            range(self.resumed_from.step, self.plan.steps),
            losses=self._losses,
            learning_rate=self.plan.learning_rate,
            clip_norm=self.section.clip_norm,
            seed=self.seed + (self.group.rank << 16),  # a GPU's own dropout differs between ranks
            all_reduce=partial(self._all_reduce, stop=stop),
            describe_batch=describe_batch,
        )

    def _losses(self, step: int) -> Iterator[Tensor]:
        """Yield the losses of this rank's micro-batches."""
        self._has_part = self.shares.has_part(len(self.plan.batch(step)))
        if own := self._share(step):
            if not own.continues:
                self.carried.clear()
            parts = self._parts(own, step)
            for chosen, units in parts:
                loss = self._loss(own, chosen, units, step, last=chosen is parts[-1][0])
                yield loss
                if self._sums:
                    self._sums.push(loss)
            self.carried.advance()
        if step + 1 < self.plan.steps:  # read while a GPU is still busy with this step
            self._next_batch = step + 1, self._read(self.plan.batch(step + 1))

    def _parts(self, own: Sequences, step: int) -> list[tuple[slice, Units | None]]:
        """Return the micro-batches of this rank's share, each with its units."""
        length, width = self.plan.context, self.model.width
        large = (self.shares.unit or 1) * length * width * min(length, width) >= LEAST_PRODUCTS
        parts = list(self.shares.micro_batches(len(own), self.micro_batch if large else 1, self._by_unit))
        for chosen, units in parts:
            if units and units.count > 1 and not self._round_alike(own, chosen, units, step):
                return list(self.shares.micro_batches(len(own), 1, self._by_unit))
        return parts

    def _round_alike(self, own: Sequences, chosen: slice, units: Units, step: int) -> bool:
        """Return whether several units at once have the bytes of one after the other: tried once for their number.

        What rounds otherwise is chosen by the shapes of tensors and not by their values, so one try tells.
        """
        count = units.count
        if count not in self._alike:
            sums, found = UnitSums(self.model.parameters()), []
            size = (chosen.stop - chosen.start) // count
            single = [slice(first, first + size) for first in range(chosen.start, chosen.stop, size)]
            for parts in ([(chosen, units)], [(rows, Units(1)) for rows in single]):
                for rows, own_units in parts:
                    loss = self._loss(own, rows, own_units, step, last=False)
                    loss.backward()
                    sums.push(loss)
                loss_of_all = sums.finish()
                found.append([loss_of_all, *(p.grad for p in self.model.parameters() if p.grad is not None)])
                self.model.zero_grad(set_to_none=True)
            self._alike[count] = all(torch.equal(one, other) for one, other in zip(*found, strict=True))
            if not self._alike[count]:
                self._log("units are computed one by one: several at once round otherwise on this processor")
        return self._alike[count]

    def _all_reduce(self, loss: Tensor, stop: Sigterm) -> Tensor:
        if not self._sums:
            return self.data_parallel.all_reduce(loss, stop)
        return self.data_parallel.all_reduce_by_unit(self._sums.finish(), self._has_part, stop)

    def _loss(self, own: Sequences, chosen: slice, units: Units | None, step: int, last: bool) -> Tensor:
        size = len(self.plan.batch(step))
        rows, memory = own.rows(chosen), self.carried.of(chosen)
        sequences = self.shares.of(size)[chosen]
        batch = MicroBatch(rows.ids_BT, sequences, size, self.seed, step, rows.masked, memory)
        with summed_by_unit(units):
            return self.data_parallel.loss(batch, self.dropout, self.device, last=last)

    def _share(self, step: int) -> Sequences | None:
        read_step, own = self._next_batch or (-1, None)
        return own if read_step == step else self._read(self.plan.batch(step))

    def _read(self, batch: range) -> Sequences | None:
        """Return this rank's share of a batch; None if it has none."""
        chosen = self.shares.of(len(batch))
        return self._reader(batch, chosen).to(self.device.name) if chosen else None

    def _choose_micro_batch(self) -> int:
        share = -(-self.plan.batch_size // self.group.world_size)
        memory = memory_per_process(self.device.name, self.group.world_size)
        sizes, predicted = self.scale.sizes, self.objective.predicted_share
        sequence_bytes = bytes_per_sequence(sizes, self.scale.model.context, self.vocabulary_size, predicted)
        # A sharded model cannot be tried: a rank that runs out of memory would leave the others waiting.
        can_try = self.device.name == "cuda" and self.data_parallel.strategy != "fsdp"
        own = choose_micro_batch(share, sequence_bytes, self.model, memory, self._try if can_try else None)
        chosen = self.data_parallel.all_reduce_min(own)
        self._log(f"micro-batches of {chosen} of {share} sequences")
        return chosen

    def _compile(self) -> None:
        """Compile the blocks if it pays."""
        if self.shares.unit:
            self._log("not compiled (by unit)" + describe_change(self.resumed_from.compiled, self.model))
            return
        flops = self.plan.tokens * flops_per_token(self.model, self.objective.predicted_share) / self.group.world_size
        choice = compile_blocks(
            self.model, self.section.compile, self.device.name, flops, lambda: self._try(self.micro_batch)
        )
        self._log(choice + describe_change(self.resumed_from.compiled, self.model))

    def _try(self, sequences: int) -> None:
        """Pass a micro-batch of a largest batch forward and backward, to see if it works and fits in memory."""
        self.micro_batch = sequences
        own = self._read(range(self.plan.batch_size))
        assert own is not None, "units are for CPUs, which try nothing"
        numbers = self.shares.of(self.plan.batch_size)[:sequences]
        rows = own.rows(slice(sequences))
        memory = self.objective.example_memory(self.model, len(rows))
        batch = MicroBatch(rows.ids_BT, numbers, self.plan.batch_size, self.seed, 0, rows.masked, memory)
        self.data_parallel.loss(batch, self.dropout, self.device, last=False).backward()
        self.model.zero_grad(set_to_none=True)

    def _log(self, line: str) -> None:
        if self.group.is_rank_zero:
            print(f"{self.name}: {line}", file=sys.stderr)
