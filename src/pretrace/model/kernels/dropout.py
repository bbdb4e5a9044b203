"""Dropout whose masks are a function of (seed, step, index of the sequence), and fast on a CPU.

Each sequence of a step has its own stream of random numbers, from which its masks are cut in the order in which the
model asks for them. A sequence therefore has the same masks in every micro-batch, on every rank and after any number of
resumes: results with dropout do not depend on how a batch is split.

PyTorch's CPU dropout draws its numbers one by one, 6 ns each, which was a third of a training step. Here 64 random bits
are four numbers (0.4 ns each), and a mask is whole words of ones or zeros, combined with the values by a bitwise and.

On a GPU it is PyTorch's dropout, seeded once per step, as attention has it fused into its kernel: there masks also
depend on the micro-batch and the rank.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.model.kernels.linear import is_float32_on_cpu
from pretrace.model.kernels.units import current_units

LEVELS = 1 << 15
"""Rates are rounded to multiples of 1 / LEVELS: numbers have 15 bits, so that a shift turns their sign into a mask."""
TABLE = 0
"""Stream of the tables of a step; sequence 0 has the next one."""


class Dropout:
    """Dropout for some sequences of a step, for one pass through a model.

    Args:
        rate: share of values that become zero; the others are multiplied by 1 / (1 - rate).
        seed: of the training.
        step: from 0.
        sequences: index of each row of the batch among all sequences of the step.
    """

    def __init__(self, rate: float, seed: int, step: int, sequences: Iterable[int]) -> None:
        self.rate = min(round(rate * LEVELS), LEVELS - 1) / LEVELS
        self._table = Stream(seed, step, TABLE)
        self._tables: dict[Tensor, Tensor] = {}
        self._streams = [Stream(seed, step, 1 + int(sequence)) for sequence in sequences]

    def __call__(self, x: Tensor) -> Tensor:
        """Return values (B, ...) with the dropout of their sequences."""
        return drop(x, self.keep_for(x), self.scale) if x.device.type == "cpu" else F.dropout(x, self.rate)

    def table(self, weight_VC: Tensor) -> Tensor:
        """Return a table with the dropout of the step: the same for all its sequences, and in every call.

        By unit (pretrace.model.kernels.units) without the scale, by which gradients would be rounded before they are
        all summed: `with_table` scales the rows that are read from the table, or multiplied by it.
        """
        if weight_VC not in self._tables:
            self._tables[weight_VC] = self._dropped(weight_VC)
        return self._tables[weight_VC]

    def _dropped(self, weight_VC: Tensor) -> Tensor:
        if weight_VC.device.type != "cpu":
            return F.dropout(weight_VC, self.rate)
        scale = 1.0 if current_units() else self.scale
        return drop(weight_VC, self._keep([self._table], weight_VC.numel()).view(weight_VC.shape), scale)

    def with_table(self, rows_NC: Tensor, table_VC: Tensor) -> Tensor:
        """Return rows read from a table, or to be multiplied by it, with the scale that the table does not have."""
        unscaled = current_units() and any(table_VC is dropped for dropped in self._tables.values())
        return rows_NC * self.scale if unscaled else rows_NC

    def of_examples(self, count: int) -> Dropout:
        """Return the dropout of `count` examples of equally many sequences: that of each one's first sequence."""
        examples = object.__new__(Dropout)
        examples.rate, examples._table, examples._tables = self.rate, self._table, self._tables
        examples._streams = self._streams[:: len(self._streams) // count]
        return examples

    @property
    def scale(self) -> float:
        """Factor of the values that are kept."""
        return 1 / (1 - self.rate)

    def keep(self, *shape: int) -> Tensor:
        """Return the next masks (B, *shape), on a CPU: int16, -1 (all bits) where a value is kept, otherwise 0."""
        return self._keep(self._streams, math.prod(shape)).reshape(-1, *shape)

    def keep_for(self, x: Tensor) -> Tensor:
        """Return the next masks for values (B, ...)."""
        return self._keep(self._streams, x.numel() // len(self._streams)).reshape(x.shape)

    def _keep(self, streams: list[Stream], count: int) -> Tensor:
        """Return the next `count` masks of each stream, (streams, count). A call uses up whole words of 64 bits."""
        words = -(-count // 4)
        return keep_masks([stream.words(words) for stream in streams], self.rate).view(len(streams), -1)[:, :count]


def keep_masks(words: Sequence[np.ndarray], rate: float) -> Tensor:
    """Turn each word of 64 random bits into four masks: int16, -1 (all bits) where a value is kept, otherwise 0."""
    numbers = np.concatenate(words).view(np.uint16)
    numbers >>= 1
    keep = numbers.view(np.int16)
    np.subtract(round(rate * LEVELS) - 1, keep, out=keep)
    keep >>= 15
    return torch.from_numpy(keep)


def drop(x: Tensor, keep: Tensor, scale: float) -> Tensor:
    """Return values times the scale where their masks are -1, otherwise 0."""
    result: Tensor = _Drop.apply(x, keep, scale)
    return result


def with_dropout(x: Tensor, dropout: Dropout | None) -> Tensor:
    """Return values with dropout, if there is one."""
    return x if dropout is None else dropout(x)


def add_with_dropout(x: Tensor, y: Tensor, dropout: Dropout | None) -> Tensor:
    """Return `x` plus `y` with dropout: for float32 on a CPU in one pass over both."""
    if dropout is None or not (is_float32_on_cpu(x) and is_float32_on_cpu(y)):
        return x + with_dropout(y, dropout)
    result: Tensor = _AddWithDropout.apply(x, y, dropout.keep_for(y), dropout.scale)
    return result


class _AddWithDropout(torch.autograd.Function):
    """Sum of x with y times 0 or the scale."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, keep: Tensor, scale: float) -> Tensor:
        factors = keep.to(y.dtype).mul_(-scale)
        ctx.save_for_backward(factors)
        return torch.addcmul(x, y, factors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        return gradients[0], gradients[0] * ctx.saved_tensors[0], None, None


class _Drop(torch.autograd.Function):
    """Values masked and scaled, and their gradients likewise."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, keep: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(keep)
        ctx.scale = scale
        return mask_and_scale(x, keep, scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (keep,) = ctx.saved_tensors
        return mask_and_scale(gradients[0], keep, ctx.scale), None, None


def mask_and_scale(x: Tensor, keep: Tensor, scale: float) -> Tensor:
    """Return values times the scale where their masks are -1, otherwise 0; without gradients."""
    masked = mask_values(x, keep)
    return masked if scale == 1.0 else masked.mul_(scale)


def mask_values(x: Tensor, keep: Tensor) -> Tensor:
    """Return values where their masks are -1, otherwise 0; without gradients."""
    same_size = {2: torch.int16, 4: torch.int32, 8: torch.int64}[x.element_size()]
    bits, values = keep.to(same_size), x.view(same_size)
    return (bits & values if bits is keep else bits.bitwise_and_(values)).view(x.dtype)


class Stream:
    """Random numbers of a sequence or of the tables, seeded at the first use: never on a GPU."""

    def __init__(self, seed: int, step: int, number: int) -> None:
        self._key = seed % (1 << 64), (step, number)
        self._generator: np.random.SFC64 | None = None

    def words(self, count: int) -> np.ndarray:
        """Return the next words of 64 random bits."""
        if self._generator is None:
            entropy, key = self._key
            self._generator = np.random.SFC64(np.random.SeedSequence(entropy, spawn_key=key))
        return self._generator.random_raw(count)
