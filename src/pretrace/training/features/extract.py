"""Features of the texts of a split, computed once: what a head reads.

Shapes: S texts, N tokens of all texts, B texts in a batch, T tokens of the longest, L layers, C width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from pretrace.training.features.states import TOKENS_AT_ONCE, StateReader


@dataclass(frozen=True)
class Pooled:
    """Mean and maximum of the states of each text."""

    states_SXLC: np.ndarray
    """float32; X: mean, maximum."""

    def __len__(self) -> int:
        return len(self.states_SXLC)


@dataclass(frozen=True)
class Sequences:
    """The states of each token: of text `i` those from `offsets[i]` to `offsets[i + 1]`."""

    states_NLC: np.ndarray
    """float16, which a head does not notice, and which halves the memory."""
    offsets: np.ndarray

    def __len__(self) -> int:
        return len(self.offsets) - 1


Features = Pooled | Sequences


@torch.no_grad()
def pool(reader: StateReader, texts: Sequence[np.ndarray], tokens: int = TOKENS_AT_ONCE) -> Pooled:
    """Return mean and maximum over the tokens of each text, in every layer; zeros of a text without.

    Args:
        texts: ids of each.
        tokens: read at once; changes rounding only.
    """
    states_SXLC = np.zeros((len(texts), 2, reader.layers, reader.width), np.float32)
    for chosen, layers, own_BT in reader.read(texts, tokens):
        counts_B1 = own_BT.sum(1, keepdim=True)
        shares_BT, empty_B1 = own_BT / counts_B1.clamp_min(1), counts_B1 == 0
        outside_BT1 = (own_BT == 0)[:, :, None]
        for layer, state_BTC in enumerate(layers):
            mean_BC = torch.einsum("bt,btc->bc", shares_BT, state_BTC.float())
            largest_BC = state_BTC.float().masked_fill(outside_BT1, -torch.inf).amax(1)
            largest_BC = largest_BC.masked_fill(empty_B1, 0)
            states_SXLC[chosen, :, layer] = torch.stack([mean_BC, largest_BC], 1).cpu().numpy()
    return Pooled(states_SXLC)


@torch.no_grad()
def read_sequences(
    reader: StateReader, texts: Sequence[np.ndarray], most: int, tokens: int = TOKENS_AT_ONCE
) -> Sequences:
    """Return the states of the first `most` tokens of each text, in every layer; of a text without, a zero one.

    Arguments as `pool`.
    """
    found: list[np.ndarray] = [np.zeros((0, reader.layers, reader.width), np.float16)] * len(texts)
    for chosen, layers, own_BT in reader.read(texts, tokens):
        states_BTLC = torch.stack([state_BTC.half() for state_BTC in layers], 2).cpu().numpy()
        for row, number in enumerate(chosen):
            own = states_BTLC[row, own_BT[row].bool().cpu().numpy()][:most]
            found[number] = own if len(own) else np.zeros((1, *own.shape[1:]), np.float16)
    offsets = np.cumsum([0, *map(len, found)])
    return Sequences(np.concatenate(found) if found else np.zeros((0, reader.layers, reader.width)), offsets)
