"""Tokens that a token attends to: those before it, all, or those within a band.

Shapes: T time, Q queries of a block, K their keys.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from pretrace.settings import ModelSettings


@dataclass(frozen=True)
class AttentionSpan:
    """A rule by the places of two tokens."""

    after: bool = False
    """True if a token also attends to those after it."""
    window: int | None = None
    """Number of tokens that it attends to, itself and those before; None: all."""

    def keys(self, first: int, last: int, T: int) -> slice:
        """Return the keys that queries `first` to `last` attend to, of T."""
        start = 0 if self.window is None else max(0, first - self.window + 1)
        return slice(start, T if self.after else last)

    def bias(self, queries: slice, keys: slice, dtype: torch.dtype) -> Tensor | None:
        """Return what is added to scores (Q, K): minus infinity where a query attends to no such key; None: nothing."""
        if self.after:
            return None
        never_QK = torch.full((queries.stop - queries.start, keys.stop - keys.start), -torch.inf, dtype=dtype)
        behind = queries.start - keys.start
        bias_QK = never_QK.triu(behind + 1)
        if self.window is not None and keys.start <= queries.stop - 1 - self.window:
            bias_QK += never_QK.tril(behind - self.window)
        return bias_QK

    def mask(self, T: int, device: torch.device) -> Tensor | None:
        """Return a mask (T, T), True where a query attends to a key; None if the rule is `causal` or `full` for T."""
        if self.window is None or self.window >= T:
            return None
        ones_TT = torch.ones(T, T, dtype=torch.bool, device=device)
        return ones_TT.tril() & ones_TT.triu(1 - self.window)

    def pairs(self, lengths: np.ndarray) -> np.ndarray:
        """Return twice the number of attending pairs in sequences of these lengths; a token with itself is half one."""
        whole = 2 * lengths**2 if self.after else lengths**2
        return whole if self.window is None else whole - np.maximum(0, lengths - self.window) ** 2


CAUSAL = AttentionSpan()
FULL = AttentionSpan(after=True)


def span_of(settings: ModelSettings, layer: int) -> AttentionSpan:
    """Return the span of a layer, counted from 0."""
    if settings.attention == "full":
        return FULL
    return AttentionSpan(window=settings.window) if settings.attention == "banded" and layer % 2 else CAUSAL
