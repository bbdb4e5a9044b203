"""Dropout whose masks are a function of (seed, step, number of the sequence), and fast on a CPU.

Each sequence of an update has a stream of random numbers of its own, from which its masks are cut in the order in which
the model asks for them. So a sequence has the same masks in whatever micro-batch, in whichever process and after
however many resumes it is read: results with dropout on do not depend on how a batch is cut.

PyTorch's dropout on a CPU draws its numbers one by one, 6 ns each, which was a third of a training step. Here 64 random
bits are four numbers (0.4 ns each), and a mask is whole words of ones or zeros that are and-ed with the values.

On a GPU it is PyTorch's dropout, seeded once an update, as attention's is fused into its kernel: there masks depend on
the micro-batch and on the process, too.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.model.kernels.linear import in_float32_on_cpu

LEVELS = 1 << 15
"""A rate is rounded to a multiple of 1 / LEVELS: numbers are of 15 bits, so that a shift makes a mask of their sign."""
TABLE = 0
"""The stream of the tables of an update; sequence 0 has the next."""


class Dropout:
    """Dropout at a rate, for some sequences of an update. Good for one pass through a model.

    Args:
        rate: share of values that become zero; the others grow by 1 / (1 - rate).
        seed: of the training.
        step: number of the update, from 0.
        sequences: number of each row of the batch among all sequences of the update.
    """

    def __init__(self, rate: float, seed: int, step: int, sequences: Iterable[int]) -> None:
        self.rate = min(round(rate * LEVELS), LEVELS - 1) / LEVELS
        self._table = _Stream(seed, step, TABLE)
        self._tables: dict[Tensor, Tensor] = {}
        self._streams = [_Stream(seed, step, 1 + int(sequence)) for sequence in sequences]

    def __call__(self, x: Tensor) -> Tensor:
        """Values (B, ...) with the holes of their sequences."""
        return holes(x, self.kept_of(x), self.scale) if x.device.type == "cpu" else F.dropout(x, self.rate)

    def table(self, weight_VC: Tensor) -> Tensor:
        """Return a table with the holes of the step: the same for all its sequences, and in every call."""
        if weight_VC not in self._tables:
            self._tables[weight_VC] = self._with_holes(weight_VC)
        return self._tables[weight_VC]

    def _with_holes(self, weight_VC: Tensor) -> Tensor:
        if weight_VC.device.type != "cpu":
            return F.dropout(weight_VC, self.rate)
        return holes(weight_VC, self._kept([self._table], weight_VC.numel()).view(weight_VC.shape), self.scale)

    def of_examples(self, count: int) -> Dropout:
        """The dropout of `count` examples of as many sequences each: that of their first ones."""
        examples = object.__new__(Dropout)
        examples.rate, examples._table, examples._tables = self.rate, self._table, self._tables
        examples._streams = self._streams[:: len(self._streams) // count]
        return examples

    @property
    def scale(self) -> float:
        """What values that stay are multiplied by."""
        return 1 / (1 - self.rate)

    def kept(self, *shape: int) -> Tensor:
        """The next masks of values (B, *shape), on a CPU: int16, -1 (all bits) where a value stays, else 0."""
        return self._kept(self._streams, math.prod(shape)).reshape(-1, *shape)

    def kept_of(self, x: Tensor) -> Tensor:
        """The next masks for values (B, ...)."""
        return self._kept(self._streams, x.numel() // len(self._streams)).reshape(x.shape)

    def _kept(self, streams: list[_Stream], count: int) -> Tensor:
        """For each stream the next `count` masks, (streams, count). A call uses up whole words of 64 bits."""
        words = -(-count // 4)
        return masks([stream.words(words) for stream in streams], self.rate).view(len(streams), -1)[:, :count]


def masks(words: Sequence[np.ndarray], rate: float) -> Tensor:
    """Masks from words of 64 random bits, four from each: int16, -1 (all bits) where a value stays, else 0."""
    kept = np.concatenate(words).view(np.uint16)
    kept >>= 1
    kept = kept.view(np.int16)
    np.subtract(round(rate * LEVELS) - 1, kept, out=kept)
    kept >>= 15
    return torch.from_numpy(kept)


def holes(x: Tensor, kept: Tensor, scale: float) -> Tensor:
    """Values times the scale where their masks are -1, else 0."""
    y: Tensor = _Holes.apply(x, kept, scale)
    return y


def dropped(x: Tensor, dropout: Dropout | None) -> Tensor:
    """Values with holes, or as they are where there is no dropout."""
    return x if dropout is None else dropout(x)


def added(x: Tensor, y: Tensor, dropout: Dropout | None) -> Tensor:
    """`x` plus `y` with holes: float32 on a CPU in one pass over both."""
    if dropout is None or not (in_float32_on_cpu(x) and in_float32_on_cpu(y)):
        return x + dropped(y, dropout)
    sum_: Tensor = _Added.apply(x, y, dropout.kept_of(y), dropout.scale)
    return sum_


class _Added(torch.autograd.Function):
    """A sum with values times 0 or the scale; and so their gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, kept: Tensor, scale: float) -> Tensor:
        factors = kept.to(y.dtype).mul_(-scale)
        ctx.save_for_backward(factors)
        return torch.addcmul(x, y, factors)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        return gradients[0], gradients[0] * ctx.saved_tensors[0], None, None


class _Holes(torch.autograd.Function):
    """Values and-ed with masks and scaled, and so their gradients."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kept: Tensor, scale: float) -> Tensor:
        ctx.save_for_backward(kept)
        ctx.scale = scale
        return masked(x, kept, scale)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (kept,) = ctx.saved_tensors
        return masked(gradients[0], kept, ctx.scale), None, None


def masked(x: Tensor, kept: Tensor, scale: float) -> Tensor:
    """Values times the scale where their masks are -1, else 0; without gradients."""
    return holed(x, kept).mul_(scale)


def holed(x: Tensor, kept: Tensor) -> Tensor:
    """Values where their masks are -1, else 0; without gradients."""
    same_size = {2: torch.int16, 4: torch.int32, 8: torch.int64}[x.element_size()]
    bits, values = kept.to(same_size), x.view(same_size)
    return (bits & values if bits is kept else bits.bitwise_and_(values)).view(x.dtype)


class _Stream:
    """Random numbers of a sequence or of the tables, made when they are first asked for: never on a GPU."""

    def __init__(self, seed: int, step: int, number: int) -> None:
        self._key = seed % (1 << 64), (step, number)
        self._generator: np.random.SFC64 | None = None

    def words(self, count: int) -> np.ndarray:
        """The next words of 64 random bits."""
        if self._generator is None:
            entropy, key = self._key
            self._generator = np.random.SFC64(np.random.SeedSequence(entropy, spawn_key=key))
        return self._generator.random_raw(count)
