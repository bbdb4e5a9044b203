"""Attention: PyTorch's fused kernel where it is fast, else multiplied out, of long texts block by block.

PyTorch's kernel for CPUs is slow in bfloat16 and has no dropout (docs/log.md). Multiplied out in one go, the weights of
a batch (B x H x T x T numbers) are held several times over for the backward pass: fine for the short texts of a laptop,
but 1.5 GB for two sequences of GPT-1. Those are worked out for some queries of some heads at a time, only over the keys
that those queries see, and once more in the backward pass, which keeps nothing of them but the masks of dropout.

Shapes: B batch, T time, H heads, D width of a head; G heads of all sequences of a block, Q its queries, K the keys that
they see.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.model.kernels.dropout import Dropout, dropped, masked
from pretrace.model.kernels.linear import in_float32_on_cpu
from pretrace.model.kernels.short_attention import LONGEST, attention_with_weights_kept

QUERIES = 128
"""Queries of a block. A text of no more is multiplied out in one go, which is then a third faster."""
BLOCK_BYTES = 1 << 20
"""What the weights of a block take in float32."""


def self_attention(qkv_3BHTD: Tensor, dropout: Dropout | None, seen_BTT: Tensor | None = None) -> Tensor:
    """Attention of queries, keys and values in one tensor, by whichever of the ways is the fastest."""
    if qkv_3BHTD.shape[3] <= LONGEST and dropout is not None and in_float32_on_cpu(qkv_3BHTD):
        return attention_with_weights_kept(qkv_3BHTD, dropout, seen_BTT)
    q_BHTD, k_BHTD, v_BHTD = qkv_3BHTD
    return attention(q_BHTD, k_BHTD, v_BHTD, dropout, seen_BTT)


def attention(
    q_BHTD: Tensor, k_BHTD: Tensor, v_BHTD: Tensor, dropout: Dropout | None = None, seen_BTT: Tensor | None = None
) -> Tensor:
    """Attention over the tokens up to each one's own, or over those that `seen_BTT` says.

    Sequences are padded on the right, so no token of a text sees padding.
    """
    on_gpu = q_BHTD.device.type != "cpu"
    if on_gpu or (dropout is None and q_BHTD.dtype == torch.float32):
        mask_B1TT = None if seen_BTT is None else seen_BTT[:, None]
        rate = dropout.rate if dropout else 0.0
        return F.scaled_dot_product_attention(q_BHTD, k_BHTD, v_BHTD, mask_B1TT, rate, is_causal=seen_BTT is None)
    B, H, T, D = q_BHTD.shape
    scaled_BHTD = q_BHTD * D**-0.5
    if T > QUERIES:
        kept_GTT = None if dropout is None else dropout.kept(H, T, T).reshape(B * H, T, T)
        out_BHTD: Tensor = _Blocks.apply(
            scaled_BHTD, k_BHTD, v_BHTD, kept_GTT, seen_BTT, dropout.scale if dropout else 1.0
        )
        return out_BHTD
    scores_BHTT = scaled_BHTD @ k_BHTD.transpose(-2, -1)
    if seen_BTT is None:
        scores_BHTT = scores_BHTT + torch.full((T, T), -torch.inf, dtype=q_BHTD.dtype).triu(1)
    else:
        scores_BHTT = scores_BHTT.masked_fill(~seen_BTT[:, None], -torch.inf)
    weights_BHTT = torch.softmax(scores_BHTT, -1, dtype=torch.float32).to(q_BHTD.dtype)
    return dropped(weights_BHTT, dropout) @ v_BHTD


class _Blocks(torch.autograd.Function):
    """Causal attention of scaled queries, block by block."""

    @staticmethod
    def forward(
        ctx: Any,
        q_BHTD: Tensor,
        k_BHTD: Tensor,
        v_BHTD: Tensor,
        kept_GTT: Tensor | None,
        seen_BTT: Tensor | None,
        scale: float,
    ) -> Tensor:
        B, H, T, D = q_BHTD.shape
        q_GTD, k_GTD, v_GTD = (x.reshape(B * H, T, D) for x in (q_BHTD, k_BHTD, v_BHTD))
        out_GTD = torch.empty_like(v_GTD)
        for heads, queries, keys in _blocks(B * H, T):
            seen_GQK = _seen(seen_BTT, heads, queries, keys, H)
            p_GQK = _weights(q_GTD[heads, queries], k_GTD[heads, keys], queries.start, seen_GQK).to(q_GTD.dtype)
            if kept_GTT is not None:
                p_GQK = masked(p_GQK, kept_GTT[heads, queries, keys], scale)
            out_GTD[heads, queries] = p_GQK @ v_GTD[heads, keys]
        ctx.save_for_backward(q_BHTD, k_BHTD, v_BHTD, kept_GTT, seen_BTT)
        ctx.scale = scale
        return out_GTD.view(B, H, T, D)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None, None]:
        *inputs, kept_GTT, seen_BTT = ctx.saved_tensors
        B, H, T, D = inputs[0].shape
        q_GTD, k_GTD, v_GTD, d_GTD = (x.reshape(B * H, T, D) for x in (*inputs, gradients[0]))
        d_q_GTD = torch.empty_like(q_GTD)
        d_k_GTD, d_v_GTD = (torch.zeros_like(q_GTD, dtype=torch.float32) for _ in range(2))
        for heads, queries, keys in _blocks(B * H, T):
            seen_GQK = _seen(seen_BTT, heads, queries, keys, H)
            p_GQK = _weights(q_GTD[heads, queries], k_GTD[heads, keys], queries.start, seen_GQK)
            used_GQK = p_GQK.to(q_GTD.dtype)
            d_p_GQK = d_GTD[heads, queries] @ v_GTD[heads, keys].transpose(1, 2)
            if kept_GTT is not None:
                kept_GQK = kept_GTT[heads, queries, keys]
                used_GQK, d_p_GQK = (masked(x, kept_GQK, ctx.scale) for x in (used_GQK, d_p_GQK))
            d_v_GTD[heads, keys] += used_GQK.transpose(1, 2) @ d_GTD[heads, queries]
            d_scores_GQK = torch._softmax_backward_data(d_p_GQK.float(), p_GQK, -1, p_GQK.dtype).to(q_GTD.dtype)
            d_q_GTD[heads, queries] = d_scores_GQK @ k_GTD[heads, keys]
            d_k_GTD[heads, keys] += d_scores_GQK.transpose(1, 2) @ q_GTD[heads, queries]
        d_qkv = (d_q_GTD, d_k_GTD.to(q_GTD.dtype), d_v_GTD.to(q_GTD.dtype))
        d_q_BHTD, d_k_BHTD, d_v_BHTD = (d.view(B, H, T, D) for d in d_qkv)
        return d_q_BHTD, d_k_BHTD, d_v_BHTD, None, None, None


def _blocks(G: int, T: int) -> Iterator[tuple[slice, slice, slice]]:
    """Heads, queries and keys of each block."""
    for first in range(0, T, QUERIES):
        last = min(first + QUERIES, T)
        count = max(1, BLOCK_BYTES // (4 * (last - first) * last))
        for head in range(0, G, count):
            yield slice(head, head + count), slice(first, last), slice(0, last)


def _seen(seen_BTT: Tensor | None, heads: slice, queries: slice, keys: slice, H: int) -> Tensor | None:
    """What the queries of a block see, where that is not all before them."""
    if seen_BTT is None:
        return None
    rows_G = torch.arange(len(seen_BTT) * H)[heads] // H
    return seen_BTT[:, queries, keys][rows_G]


def _weights(q_GQD: Tensor, k_GKD: Tensor, first: int, seen_GQK: Tensor | None) -> Tensor:
    """Weights of the keys for queries, of which the first stands at a place: float32, and 0 for keys after it."""
    Q, K = q_GQD.shape[1], k_GKD.shape[1]
    scores_GQK = q_GQD @ k_GKD.transpose(1, 2)
    if seen_GQK is None:
        scores_GQK += torch.full((Q, K), -torch.inf, dtype=q_GQD.dtype).triu(first + 1)
    else:
        scores_GQK.masked_fill_(~seen_GQK, -torch.inf)
    return torch.softmax(scores_GQK, -1, dtype=torch.float32)
