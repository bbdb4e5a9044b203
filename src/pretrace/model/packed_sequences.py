"""Sequences of different lengths as one row of tokens, so that padding costs nothing.

What is done to each token alone (linear layers, norms, GELU, dropout, the output) is done to those of all sequences at
once, one behind the other. Only attention and an LSTM have to know which sequence a token is of: they take sequences of
like length together, each such group as a padded batch of its own, and give back the tokens without the padding.

Shapes: N tokens of all sequences; of a group: B sequences, T tokens of its longest, M tokens without padding; C width,
H heads, D width of a head, X queries, keys and values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.model.kernels.attention import self_attention
from pretrace.model.kernels.dropout import Dropout, masks


@dataclass(frozen=True)
class Group:
    """Sequences of like length that stand behind each other among all."""

    sequences: tuple[int, ...]
    """Their numbers among the sequences of the batch, as dropout counts them."""
    lengths: tuple[int, ...]
    longest: int
    """T: as long as the longest of them, or a little longer."""
    places_M: Tensor | None
    """Place of each token in the padded group, counted through its rows; None where there is no padding."""
    seen_BTT: Tensor | None = None
    """Whether a token (second axis) sees another (third axis); None: it sees those before it, and itself."""

    @property
    def shape(self) -> tuple[int, int]:
        """(B, T)."""
        return len(self.lengths), self.longest

    def padded(self, x_MC: Tensor) -> Tensor:
        """Tokens as a batch (B, T, C), zeros behind those of the shorter sequences."""
        if self.places_M is not None:
            x_MC = _Spread.apply(x_MC, self.places_M, self.shape[0] * self.shape[1])
        return x_MC.view(*self.shape, -1)

    def unpadded(self, x_BTC: Tensor) -> Tensor:
        """The tokens (M, C) of a batch."""
        x_NC = x_BTC.reshape(-1, x_BTC.shape[-1])
        return x_NC if self.places_M is None else _Gathered.apply(x_NC, self.places_M)


@dataclass(frozen=True)
class Layout:
    """Where the sequences of a row of tokens stand; behind them there may be some of no sequence."""

    positions_N: Tensor
    """Position of each token in its own sequence."""
    groups: tuple[Group, ...]

    def to(self, device: str) -> Layout:
        """The same on another device."""

        def moved(x: Tensor | None) -> Tensor | None:
            return None if x is None else x.to(device)

        groups = [replace(g, places_M=moved(g.places_M), seen_BTT=moved(g.seen_BTT)) for g in self.groups]
        return Layout(self.positions_N.to(device), tuple(groups))

    def by_group(self, x_NC: Tensor, work: Callable[[Tensor, Group], Tensor]) -> Tensor:
        """What `work` makes of each group's padded batch (B, T, C), as a row of tokens again; zeros at its end."""
        counts = [sum(group.lengths) for group in self.groups]
        *parts, rest = x_NC.split([*counts, len(x_NC) - sum(counts)])
        found = [group.unpadded(work(group.padded(x), group)) for x, group in zip(parts, self.groups, strict=True)]
        return torch.cat([*found, found[0].new_zeros(len(rest), found[0].shape[1])])


def packed_attention(qkv_NX: Tensor, heads: int, dropout: PackedDropout | None, layout: Layout) -> Tensor:
    """Attention (N, C) of queries, keys and values (N, 3 C), within each sequence."""

    def attended(qkv_BTX: Tensor, group: Group) -> Tensor:
        B, T, _ = qkv_BTX.shape
        qkv_3BHTD = qkv_BTX.view(B, T, 3, heads, -1).permute(2, 0, 3, 1, 4)
        own = None if dropout is None else dropout.of_group(group)
        return self_attention(qkv_3BHTD, own, group.seen_BTT).transpose(1, 2).reshape(B, T, -1)

    return layout.by_group(qkv_NX, attended)


class PackedDropout(Dropout):
    """Dropout whose masks are those of each sequence alone: the same however sequences are put together.

    Args:
        sequences: number of them in the batch; each has the stream of its number.
    """

    def __init__(self, rate: float, seed: int, step: int, sequences: int, layout: Layout) -> None:
        super().__init__(rate, seed, step, range(sequences))
        self._layout = layout

    def kept_of(self, x_NC: Tensor) -> Tensor:
        """The next masks for values (N, C): those of their sequences."""
        width = x_NC.shape[1]
        pairs = [pair for g in self._layout.groups for pair in zip(g.sequences, g.lengths, strict=True)]
        kept = masks([self._streams[number].words(-(-length * width // 4)) for number, length in pairs], self.rate)
        if width % 4:  # a call uses up whole words, so what is left of each sequence's last one is cut out
            sizes = [(length * width, -length * width % 4) for _, length in pairs]
            kept = kept[torch.from_numpy(np.concatenate([[True] * n + [False] * rest for n, rest in sizes]))]
        return F.pad(kept, (0, x_NC.numel() - len(kept))).view(x_NC.shape)

    def of_group(self, group: Group) -> Dropout:
        """The dropout of the attention weights of a group."""
        return _GroupDropout(self.rate, [self._streams[number] for number in group.sequences], group.lengths)


class _GroupDropout(Dropout):
    def __init__(self, rate: float, streams: list[Any], lengths: tuple[int, ...]) -> None:
        self.rate, self._streams, self._lengths = rate, streams, lengths

    def kept_of(self, x_BHTT: Tensor) -> Tensor:
        return self.kept(*x_BHTT.shape[1:])

    def kept(self, *shape: int) -> Tensor:
        """Masks of weights (B, H, T, T): a sequence's own (H, length, length), and none of padding."""
        H, T, _ = shape
        kept = torch.zeros(len(self._streams), H, T, T, dtype=torch.int16)
        for own, stream, length in zip(kept, self._streams, self._lengths, strict=True):
            count = H * length * length
            own[:, :length, :length] = masks([stream.words(-(-count // 4))], self.rate)[:count].view(H, length, length)
        return kept


class _Spread(torch.autograd.Function):
    """Rows put into their places among rows of zeros."""

    @staticmethod
    def forward(ctx: Any, x_MC: Tensor, places_M: Tensor, rows: int) -> Tensor:
        ctx.save_for_backward(places_M)
        return x_MC.new_zeros(rows, x_MC.shape[1]).index_copy_(0, places_M, x_MC)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0].index_select(0, ctx.saved_tensors[0]), None, None


class _Gathered(torch.autograd.Function):
    """Rows taken from their places, each of which is taken once."""

    @staticmethod
    def forward(ctx: Any, x_NC: Tensor, places_M: Tensor) -> Tensor:
        ctx.save_for_backward(places_M)
        ctx.rows = len(x_NC)
        return x_NC.index_select(0, places_M)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        d_MC = gradients[0]
        return d_MC.new_zeros(ctx.rows, d_MC.shape[1]).index_copy_(0, ctx.saved_tensors[0], d_MC), None
