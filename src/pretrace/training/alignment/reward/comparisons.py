"""Compared answers as token ids, and the loss of a reward model on them.

Shapes: B texts, P pairs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.common.files import sha256_of_json
from pretrace.training.alignment.text.conversation import Rendered, continuation


@dataclass(frozen=True)
class Compared:
    """A prompt with its answers, as ids; the higher a score, the better."""

    prompt: tuple[int, ...]
    answers: tuple[tuple[int, ...], ...]
    scores: tuple[float, ...]
    margins: bool = False
    """True if differences of scores say how much better an answer is."""

    @cached_property
    def texts(self) -> list[Rendered]:
        """Return the prompt with each answer."""
        return [continuation(self.prompt, answer) for answer in self.answers]

    @cached_property
    def pairs(self) -> list[tuple[int, int]]:
        """Return the indices of each better answer and a worse one; ties make no pair."""
        numbers = range(len(self.answers))
        return [(i, j) for i in numbers for j in numbers if self.scores[i] > self.scores[j]]


@dataclass(frozen=True)
class Pairs:
    """The pairs of some prompts, whose answers follow each other in one row of texts."""

    better_P: Tensor
    worse_P: Tensor
    weights_P: Tensor
    """The mean over a prompt's pairs, then over prompts (InstructGPT, equation 1)."""
    margins_P: Tensor

    @classmethod
    def of(cls, rows: Sequence[Compared], use_margin: bool = False) -> Pairs:
        """Return the pairs of prompts, of which each has one or more."""
        better, worse, weights, margins = [], [], [], []
        first = 0
        for row in rows:
            for i, j in row.pairs:
                better.append(first + i)
                worse.append(first + j)
                weights.append(1 / (len(row.pairs) * len(rows)))
                margins.append(row.scores[i] - row.scores[j] if use_margin and row.margins else 0.0)
            first += len(row.answers)
        return cls(torch.tensor(better), torch.tensor(worse), torch.tensor(weights), torch.tensor(margins))

    def loss(self, rewards_B: Tensor) -> Tensor:
        """Return the mean of -log sigmoid(reward of the better - of the worse - margin), nats."""
        differences_P = rewards_B[self.better_P] - rewards_B[self.worse_P] - self.margins_P
        return -(self.weights_P * F.logsigmoid(differences_P)).sum()


def accuracy(rows: Sequence[Compared], rewards_B: np.ndarray) -> tuple[float, float]:
    """Return the share of pairs with the higher reward for the better answer, and its standard error.

    Each prompt counts the same, and the error is over prompts, as pairs of a prompt share answers. An equal reward is
    half right.

    Args:
        rewards_B: of all answers, prompt by prompt.
    """
    shares, first = [], 0
    for row in rows:
        own = rewards_B[first : first + len(row.answers)]
        if row.pairs:
            shares.append(np.mean([(np.sign(own[i] - own[j]) + 1) / 2 for i, j in row.pairs]))
        first += len(row.answers)
    spread = float(np.std(shares, ddof=1)) if len(shares) > 1 else 0.0
    return float(np.mean(shares)), spread / len(shares) ** 0.5


def with_pairs(rows: Sequence[Compared], name: str) -> list[Compared]:
    """Return the prompts that have a pair.

    Raises:
        PretraceError: there are none; `name` says of what.
    """
    used = [row for row in rows if row.pairs]
    if not used:
        raise PretraceError(f"{name}: {len(rows)} prompts, and no two answers of one of them differ in preference")
    return used


def hash_of_rows(rows: Sequence[Compared]) -> str:
    """Return the SHA-256 of compared answers."""
    return sha256_of_json([[row.prompt, row.answers, row.scores, row.margins] for row in rows])
