"""Attention over cached keys and values, in shapes that follow from a token's place in its own text (`kv_cache`).

Shapes: N tokens, T tokens of a text, S slots, H heads, D width of a head, P positions; Q queries, K keys.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.model.kernels.attention_span import AttentionSpan
from pretrace.model.shared_beginnings import Piece

CHUNK = 32
"""Queries of a chunk; keys are padded to multiples of it."""


class ChunkAttention:
    """Attention of tokens of new texts, in chunks that begin at multiples of `CHUNK`, over the keys up to their end."""

    def __init__(self, pieces: Sequence[Piece]) -> None:
        self._pieces = pieces

    def __call__(self, qkv_N3HD: Tensor, cache: Tensor, span: AttentionSpan) -> Tensor:
        """Put the keys and values of tokens into a layer's cache (2, S, H, P, D); return their attention (N, H, D)."""
        lengths = [len(piece) for piece in self._pieces]
        return torch.cat(
            [
                a_THD
                for piece, own_T3HD in zip(self._pieces, qkv_N3HD.split(lengths), strict=True)
                for a_THD in _chunks(piece, own_T3HD, cache[:, piece.slot], span)
            ]
        )


def _chunks(piece: Piece, qkv_T3HD: Tensor, cache: Tensor, span: AttentionSpan) -> list[Tensor]:
    """Return the attention of a text's new tokens, by chunks; `cache` is that of its slot (2, H, P, D)."""
    first, last = piece.first, len(piece.text)
    cache[:, :, first:last] = qkv_T3HD[:, 1:].permute(1, 2, 0, 3)
    found = []
    for start in range(first - first % CHUNK, last, CHUNK):
        end = start + CHUNK
        before, behind = max(first - start, 0), max(end - last, 0)
        q_THD = qkv_T3HD[start + before - first : end - behind - first, 0]
        q_1HQD = F.pad(q_THD, (0, 0, 0, 0, before, behind)).transpose(0, 1)[None]
        keys = span.keys(start, end, end)
        bias_QK = cast("Tensor", span.bias(slice(start, end), keys, q_THD.dtype)).to(q_THD.device)
        keys_1HKD, values_1HKD = cache[:, None, :, keys]
        a_1HQD = F.scaled_dot_product_attention(q_1HQD, keys_1HKD, values_1HKD, bias_QK)
        found.append(a_1HQD[0].transpose(0, 1)[before : CHUNK - behind])
    return found


class LastTokenAttention:
    """Attention of the last tokens of texts, one each.

    Args:
        lengths_N: tokens of the texts.
        slots_N: their slots; None: the first ones.
    """

    def __init__(self, lengths_N: Tensor, slots_N: Tensor | None) -> None:
        self._slots_N, self._places_N = slots_N, lengths_N - 1
        self._rows_N = torch.arange(len(lengths_N), device=lengths_N.device) if slots_N is None else slots_N
        self._keys = -(-int(lengths_N.max()) // CHUNK) * CHUNK
        self._biases: dict[AttentionSpan, Tensor] = {}

    def __call__(self, qkv_N3HD: Tensor, cache: Tensor, span: AttentionSpan) -> Tensor:
        """Put the keys and values of tokens into a layer's cache (2, S, H, P, D); return their attention (N, H, D)."""
        cache[:, self._rows_N, :, self._places_N] = qkv_N3HD[:, 1:]
        slots = slice(len(qkv_N3HD)) if self._slots_N is None else self._slots_N
        keys_NHKD, values_NHKD = cache[:, slots, :, : self._keys]
        q_NH1D = qkv_N3HD[:, 0, :, None]
        bias_N11K = self._bias(span, q_NH1D.dtype)
        return F.scaled_dot_product_attention(q_NH1D, keys_NHKD, values_NHKD, bias_N11K)[:, :, 0]

    def _bias(self, span: AttentionSpan, dtype: torch.dtype) -> Tensor:
        if span not in self._biases:
            keys_K = torch.arange(self._keys, device=self._places_N.device)
            hidden_NK = keys_K > self._places_N[:, None]
            if span.window is not None:
                hidden_NK |= keys_K <= self._places_N[:, None] - span.window
            bias_NK = torch.zeros(hidden_NK.shape, dtype=dtype, device=hidden_NK.device)
            self._biases[span] = bias_NK.masked_fill_(hidden_NK, -torch.inf)[:, None, None]
        return self._biases[span]
