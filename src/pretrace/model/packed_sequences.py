"""Packed sequences: sequences of different lengths as one row of tokens, so that padding costs nothing.

Operations on single tokens (linear layers, norms, GELU, dropout, the output) run on the tokens of all sequences at
once. Only attention and an LSTM need to know which sequence a token belongs to: they run on sequences of similar length
as padded batches, and return the tokens without padding.

Shapes: N tokens of all sequences; in a padded batch: B sequences, T tokens of the longest, M tokens without padding;
C width, H heads, D width of a head, X queries, keys and values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.model.kernels.dropout import Dropout, Stream, keep_masks


def padding_mask(lengths_B: Tensor, longest: int) -> Tensor:
    """Return the mask (B, T, T) of full attention among the tokens of each sequence; the others are padding."""
    real_BT = torch.arange(longest, device=lengths_B.device) < lengths_B[:, None]
    return real_BT[:, None].expand(-1, longest, -1)


@dataclass(frozen=True)
class PaddedBatch:
    """Consecutive sequences of similar length."""

    sequences: tuple[int, ...]
    """Indices among all packed sequences, as dropout counts them."""
    lengths: tuple[int, ...]
    longest: int
    """T: the length of the longest, or a little more."""
    index_M: Tensor | None
    """Index of each token in the flattened padded batch; None if there is no padding."""
    mask_BTT: Tensor | None = None
    """True where a token (second axis) attends to another (third axis): for causal attention behind a shared beginning,
    and for full attention to what is no padding; None: by the model's span."""

    def without_padding(self) -> PaddedBatch:
        """Return the batch with the mask that full attention needs, none if there is no padding."""
        if self.index_M is None:
            return self
        lengths_B = torch.tensor(self.lengths, device=self.index_M.device)
        return replace(self, mask_BTT=padding_mask(lengths_B, self.longest))

    @property
    def shape(self) -> tuple[int, int]:
        """(B, T)."""
        return len(self.lengths), self.longest

    def pad(self, x_MC: Tensor) -> Tensor:
        """Return tokens as a batch (B, T, C), padded with zeros on the right."""
        if self.index_M is not None:
            x_MC = _Scatter.apply(x_MC, self.index_M, self.shape[0] * self.shape[1])
        return x_MC.view(*self.shape, -1)

    def unpad(self, x_BTC: Tensor) -> Tensor:
        """Return the tokens (M, C) of a batch."""
        x_NC = x_BTC.reshape(-1, x_BTC.shape[-1])
        if self.index_M is not None:
            x_NC = _Gather.apply(x_NC, self.index_M)
        return x_NC


@dataclass(frozen=True)
class Layout:
    """Positions of the sequences in a row of tokens; the tokens after them belong to no sequence."""

    positions_N: Tensor
    """Position of each token in its own sequence."""
    batches: tuple[PaddedBatch, ...]

    def without_padding(self) -> Layout:
        """Return the layout with the masks that full attention needs, once for all layers."""
        return replace(self, batches=tuple(batch.without_padding() for batch in self.batches))

    def to(self, device: str) -> Layout:
        """Return the same layout on another device."""

        def moved(x: Tensor | None) -> Tensor | None:
            return None if x is None else x.to(device)

        batches = [replace(b, index_M=moved(b.index_M), mask_BTT=moved(b.mask_BTT)) for b in self.batches]
        return Layout(self.positions_N.to(device), tuple(batches))

    def map_batches(self, x_NC: Tensor, function: Callable[[Tensor, PaddedBatch], Tensor]) -> Tensor:
        """Apply a function to each padded batch (B, T, C); return a row of tokens again, with zeros at its end."""
        counts = [sum(batch.lengths) for batch in self.batches]
        *parts, rest = x_NC.split([*counts, len(x_NC) - sum(counts)])
        results = [b.unpad(function(b.pad(x), b)) for x, b in zip(parts, self.batches, strict=True)]
        return torch.cat([*results, results[0].new_zeros(len(rest), results[0].shape[1])])


def packed_attention(
    qkv_NX: Tensor,
    heads: int,
    dropout: Dropout | None,
    layout: Layout,
    attend: Callable[[Tensor, Dropout | None, Tensor | None], Tensor],
) -> Tensor:
    """Return the attention (N, C) of queries, keys and values (N, 3 C) within each sequence.

    Args:
        dropout: of the layout.
        attend: returns the attention (B, H, T, D) of queries, keys and values (3, B, H, T, D) of a padded batch, with
            dropout and a mask.
    """
    assert dropout is None or isinstance(dropout, PackedDropout)

    def attended(qkv_BTX: Tensor, batch: PaddedBatch) -> Tensor:
        B, T, _ = qkv_BTX.shape
        qkv_3BHTD = qkv_BTX.view(B, T, 3, heads, -1).permute(2, 0, 3, 1, 4)
        own = None if dropout is None else dropout.of_batch(batch)
        return attend(qkv_3BHTD, own, batch.mask_BTT).transpose(1, 2).reshape(B, T, -1)

    return layout.map_batches(qkv_NX, attended)


class PackedDropout(Dropout):
    """Dropout whose masks are those of each sequence alone, however sequences are packed.

    Args:
        sequences: count of them; each has the stream of its index.
    """

    def __init__(self, rate: float, seed: int, step: int, sequences: int, layout: Layout) -> None:
        super().__init__(rate, seed, step, range(sequences))
        self._layout = layout

    def keep_for(self, x_NC: Tensor) -> Tensor:
        """Return the next masks for values (N, C): those of their sequences."""
        width = x_NC.shape[1]
        pairs = [pair for batch in self._layout.batches for pair in zip(batch.sequences, batch.lengths, strict=True)]
        keep = keep_masks([self._streams[number].words(-(-length * width // 4)) for number, length in pairs], self.rate)
        if width % 4:  # a call uses up whole words; the unused masks of each sequence's last word are cut out
            sizes = [(length * width, -length * width % 4) for _, length in pairs]
            keep = keep[torch.from_numpy(np.concatenate([[True] * n + [False] * rest for n, rest in sizes]))]
        return F.pad(keep, (0, x_NC.numel() - len(keep))).view(x_NC.shape)

    def of_batch(self, batch: PaddedBatch) -> Dropout:
        """Return the dropout of the attention weights of a padded batch."""
        return _PaddedBatchDropout(self.rate, [self._streams[number] for number in batch.sequences], batch.lengths)


class _PaddedBatchDropout(Dropout):
    def __init__(self, rate: float, streams: list[Stream], lengths: tuple[int, ...]) -> None:
        self.rate, self._streams, self._lengths = rate, streams, lengths

    def keep_for(self, x_BHTT: Tensor) -> Tensor:
        return self.keep(*x_BHTT.shape[1:])

    def keep(self, *shape: int) -> Tensor:
        """Return masks of weights (B, H, T, T): each sequence's own (H, length, length), zeros for padding."""
        H, T, _ = shape
        keep = torch.zeros(len(self._streams), H, T, T, dtype=torch.int16)
        for own, stream, length in zip(keep, self._streams, self._lengths, strict=True):
            count = H * length * length
            drawn = keep_masks([stream.words(-(-count // 4))], self.rate)[:count]
            own[:, :length, :length] = drawn.view(H, length, length)
        return keep


class _Scatter(torch.autograd.Function):
    """Write rows to their indices among rows of zeros."""

    @staticmethod
    def forward(ctx: Any, x_MC: Tensor, index_M: Tensor, rows: int) -> Tensor:
        ctx.save_for_backward(index_M)
        return x_MC.new_zeros(rows, x_MC.shape[1]).index_copy_(0, index_M, x_MC)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        return gradients[0].index_select(0, ctx.saved_tensors[0]), None, None


class _Gather(torch.autograd.Function):
    """Read rows from their indices, each of which occurs once."""

    @staticmethod
    def forward(ctx: Any, x_NC: Tensor, index_M: Tensor) -> Tensor:
        ctx.save_for_backward(index_M)
        ctx.rows = len(x_NC)
        return x_NC.index_select(0, index_M)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        d_MC = gradients[0]
        return d_MC.new_zeros(ctx.rows, d_MC.shape[1]).index_copy_(0, ctx.saved_tensors[0], d_MC), None
