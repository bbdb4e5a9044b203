"""The plan of a pre-training: the batch and the learning rate of each step, from the settings alone.

Lengths in tokens become whole sequences: those of a batch and of the decay are rounded down, others up. Rates follow
the sequences read, which are no multiples of the steps where batches grow.
"""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

import torch

from pretrace.common.errors import PretraceError
from pretrace.model.build import build_model
from pretrace.settings import Scale
from pretrace.training.engine.flops import flops_per_token
from pretrace.training.engine.schedule import floored


class Plateau(NamedTuple):
    """Steps whose batches have one size."""

    step: int
    """The first of them, from 0."""
    sequence: int
    """Sequences of the steps before it."""
    size: int
    """Sequences of a batch."""


class Plan:
    """Batches and learning rates as functions of the step.

    Raises:
        PretraceError: two lengths in tokens do not fit together.
    """

    def __init__(self, scale: Scale) -> None:
        self.section, self.context = scale.pretrain, scale.sequence_tokens
        section, segments = self.section, scale.model.context // self.context
        self.batch_size: int = (
            section.batch_size * segments
            if section.batch_size
            else max(1, int(section.batch_tokens or 0) // self.context)
        )
        """Sequences of the largest batch; with memory, those of the settings in segments, each a row of its own."""
        self.carried_bytes = 4 * scale.model.layers * scale.model.width * scale.carried_tokens * self.batch_size
        """Bytes of the memory of a batch's rows, which is carried from step to step; 0 without memory."""
        self.plateaus = self._plateaus()
        tokens = max(1, int(section.flops / flops_a_token(scale))) if section.flops else int(section.tokens or 0)
        self.steps: int = section.steps or self._steps_until(-(-tokens // self.context))
        """Optimizer steps."""
        self.sequences = self.sequences_before(self.steps)
        """Sequences of all steps."""
        self.tokens = self.sequences * self.context
        """Tokens of all steps."""
        decay = section.decay_tokens
        self._decay = self.sequences if decay is None else max(1, decay // self.context)
        if section.warmup_steps is not None:
            self._warmup = self.sequences_before(section.warmup_steps)
        else:
            self._warmup = -(-int(section.warmup_tokens or 0) // self.context)
        if self._warmup > self._decay:
            raise PretraceError(
                f"pretrain: the warm-up reads {self._warmup * self.context:,} tokens, more than the "
                f"{self._decay * self.context:,} after which the rate has decayed; shorten it in the scale's file"
            )

    @property
    def smallest_batch(self) -> int:
        """Sequences of the first batch."""
        return self.plateaus[0].size

    def batch(self, step: int) -> range:
        """Return the numbers of the sequences of a step (from 0), counted from the first one of the training."""
        first = self.sequences_before(step)
        return range(first, first + self._plateau(step).size)

    def sequences_before(self, step: int) -> int:
        """Return how many sequences the steps before a step read."""
        plateau = self._plateau(step)
        return plateau.sequence + (step - plateau.step) * plateau.size

    def tokens_before(self, step: int) -> int:
        """Return how many tokens the steps before a step read."""
        return self.sequences_before(step) * self.context

    def learning_rate(self, step: int) -> float:
        """Return the learning rate of a step (from 0)."""
        done, section = self.sequences_before(step), self.section
        return section.lr * floored(
            section.schedule, done / self._decay, self._warmup / self._decay, section.floor_share
        )

    def _plateau(self, step: int) -> Plateau:
        return self.plateaus[bisect_right(self.plateaus, step, key=lambda one: one.step) - 1]

    def _steps_until(self, sequences: int) -> int:
        """Return the number of steps that read so many sequences, or a few more."""
        last = self.plateaus[bisect_right(self.plateaus, sequences - 1, key=lambda one: one.sequence) - 1]
        return last.step - (last.sequence - sequences) // last.size

    def _plateaus(self) -> list[Plateau]:
        growth, full = self.section.batch_growth, self.batch_size
        first = max(1, growth.from_tokens // self.context) if growth else full
        if growth is None or first >= full:
            return [Plateau(0, 0, full)]
        over, plateaus = -(-growth.over_tokens // self.context), [Plateau(0, 0, first)]
        for size in [*range(2 * first, full, first), full]:
            step, sequence, before = plateaus[-1]
            # A batch has this size where the line from `first` to `full` has reached it.
            reached = over if size == full else -(-(size - first) * over // (full - first))
            steps = max(0, -(-(reached - sequence) // before))
            plateaus.append(Plateau(step + steps, sequence + steps * before, size))
        ends = [*(after.step for after in plateaus[1:]), None]
        return [one for one, end in zip(plateaus, ends, strict=True) if end is None or end > one.step]


def flops_a_token(scale: Scale) -> int:
    """Return the FLOPs of pre-training the scale's model on one token, with a vocabulary of the scale's size."""
    with torch.device("meta"):
        model = build_model(scale, scale.vocabulary.size, 0)
    return flops_per_token(model, scale.pretrain.objective.predicted_share)
