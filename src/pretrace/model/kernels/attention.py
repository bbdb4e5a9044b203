"""Attention: PyTorch's fused kernel where it is fast, otherwise written out, block by block for long sequences.

PyTorch's CPU kernel is slow in bfloat16 and has no dropout (docs/log.md). Written out at once, the weights of a batch
(B x H x T x T numbers) are saved several times for the backward pass: fine for the short sequences of a laptop, but
1.5 GB for two sequences of GPT-1. For those, weights are computed for some queries of some heads at a time, only over
the keys that these may attend to, and again in the backward pass, which saves nothing but the dropout masks.

Shapes: B batch, T time, H heads, D width of a head; G heads of all sequences of a block, Q its queries, K their keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.model.kernels.attention_span import CAUSAL, AttentionSpan
from pretrace.model.kernels.dropout import Dropout, mask_and_scale, with_dropout
from pretrace.model.kernels.linear import is_float32_on_cpu
from pretrace.model.kernels.short_attention import LONGEST, attention_with_saved_weights

QUERIES = 128
"""Queries of a block. A sequence no longer than that is computed at once, which is then a third faster."""
BLOCK_BYTES = 1 << 20
"""Size of a block's weights in float32."""


def self_attention(
    qkv_3BHTD: Tensor, dropout: Dropout | None, mask_BTT: Tensor | None = None, span: AttentionSpan = CAUSAL
) -> Tensor:
    """Return the attention (B, H, T, D) of queries, keys and values in one tensor, by the fastest kernel for them."""
    if qkv_3BHTD.shape[3] <= LONGEST and dropout is not None and is_float32_on_cpu(qkv_3BHTD):
        return attention_with_saved_weights(qkv_3BHTD, dropout, mask_BTT, span)
    q_BHTD, k_BHTD, v_BHTD = qkv_3BHTD
    return attention(q_BHTD, k_BHTD, v_BHTD, dropout, mask_BTT, span)


def attention(
    q_BHTD: Tensor,
    k_BHTD: Tensor,
    v_BHTD: Tensor,
    dropout: Dropout | None = None,
    mask_BTT: Tensor | None = None,
    span: AttentionSpan = CAUSAL,
) -> Tensor:
    """Return attention (B, H, T, D) within a span, or by a mask.

    Sequences are padded on the right, so without a mask no token of a sequence attends to padding unless its span
    includes those after it.

    Args:
        mask_BTT: True where a query (second axis) attends to a key (third axis), instead of the span.
    """
    on_gpu = q_BHTD.device.type != "cpu"
    if on_gpu or (dropout is None and q_BHTD.dtype == torch.float32):
        return fused_attention(q_BHTD, k_BHTD, v_BHTD, span, mask_BTT, dropout.rate if dropout else 0.0)
    B, H, T, D = q_BHTD.shape
    scaled_BHTD = q_BHTD * D**-0.5
    if T > QUERIES:
        keep_GTT = None if dropout is None else dropout.keep(H, T, T).reshape(B * H, T, T)
        result: Tensor = _BlockwiseAttention.apply(
            scaled_BHTD, k_BHTD, v_BHTD, keep_GTT, mask_BTT, dropout.scale if dropout else 1.0, span
        )
        return result
    scores_BHTT = scaled_BHTD @ k_BHTD.transpose(-2, -1)
    if mask_BTT is not None:
        scores_BHTT = scores_BHTT.masked_fill(~mask_BTT[:, None], -torch.inf)
    elif (bias_TT := span.bias(slice(0, T), slice(0, T), q_BHTD.dtype)) is not None:
        scores_BHTT = scores_BHTT + bias_TT
    weights_BHTT = torch.softmax(scores_BHTT, -1, dtype=torch.float32).to(q_BHTD.dtype)
    return with_dropout(weights_BHTT, dropout) @ v_BHTD


def fused_attention(
    q_BHTD: Tensor,
    k_BHTD: Tensor,
    v_BHTD: Tensor,
    span: AttentionSpan,
    mask_BTT: Tensor | None = None,
    dropout: float = 0.0,
) -> Tensor:
    """Return `attention` by PyTorch's own kernel, which takes a mask or the rule "causal", with its own dropout."""
    mask_xTT = span.mask(q_BHTD.shape[2], q_BHTD.device) if mask_BTT is None else mask_BTT[:, None]
    causal = mask_xTT is None and not span.after
    return F.scaled_dot_product_attention(q_BHTD, k_BHTD, v_BHTD, mask_xTT, dropout, is_causal=causal)


class _BlockwiseAttention(torch.autograd.Function):
    """Attention of scaled queries, block by block."""

    @staticmethod
    def forward(
        ctx: Any,
        q_BHTD: Tensor,
        k_BHTD: Tensor,
        v_BHTD: Tensor,
        keep_GTT: Tensor | None,
        mask_BTT: Tensor | None,
        scale: float,
        span: AttentionSpan,
    ) -> Tensor:
        B, H, T, D = q_BHTD.shape
        q_GTD, k_GTD, v_GTD = (x.reshape(B * H, T, D) for x in (q_BHTD, k_BHTD, v_BHTD))
        out_GTD = torch.empty_like(v_GTD)
        for heads, queries, keys in _blocks(B * H, T, span):
            hidden = _hidden(mask_BTT, span, heads, queries, keys, H, q_GTD.dtype)
            p_GQK = _weights(q_GTD[heads, queries], k_GTD[heads, keys], hidden).to(q_GTD.dtype)
            if keep_GTT is not None:
                p_GQK = mask_and_scale(p_GQK, keep_GTT[heads, queries, keys], scale)
            out_GTD[heads, queries] = p_GQK @ v_GTD[heads, keys]
        ctx.save_for_backward(q_BHTD, k_BHTD, v_BHTD, keep_GTT, mask_BTT)
        ctx.scale, ctx.span = scale, span
        return out_GTD.view(B, H, T, D)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None, None, None]:
        *inputs, keep_GTT, mask_BTT = ctx.saved_tensors
        B, H, T, D = inputs[0].shape
        q_GTD, k_GTD, v_GTD, d_GTD = (x.reshape(B * H, T, D) for x in (*inputs, gradients[0]))
        d_q_GTD = torch.empty_like(q_GTD)
        d_k_GTD, d_v_GTD = (torch.zeros_like(q_GTD, dtype=torch.float32) for _ in range(2))
        for heads, queries, keys in _blocks(B * H, T, ctx.span):
            hidden = _hidden(mask_BTT, ctx.span, heads, queries, keys, H, q_GTD.dtype)
            p_GQK = _weights(q_GTD[heads, queries], k_GTD[heads, keys], hidden)
            used_GQK = p_GQK.to(q_GTD.dtype)
            d_p_GQK = d_GTD[heads, queries] @ v_GTD[heads, keys].transpose(1, 2)
            if keep_GTT is not None:
                keep_GQK = keep_GTT[heads, queries, keys]
                used_GQK, d_p_GQK = (mask_and_scale(x, keep_GQK, ctx.scale) for x in (used_GQK, d_p_GQK))
            d_v_GTD[heads, keys] += used_GQK.transpose(1, 2) @ d_GTD[heads, queries]
            d_scores_GQK = torch._softmax_backward_data(d_p_GQK.float(), p_GQK, -1, p_GQK.dtype).to(q_GTD.dtype)
            d_q_GTD[heads, queries] = d_scores_GQK @ k_GTD[heads, keys]
            d_k_GTD[heads, keys] += d_scores_GQK.transpose(1, 2) @ q_GTD[heads, queries]
        d_qkv = (d_q_GTD, d_k_GTD.to(q_GTD.dtype), d_v_GTD.to(q_GTD.dtype))
        d_q_BHTD, d_k_BHTD, d_v_BHTD = (d.view(B, H, T, D) for d in d_qkv)
        return d_q_BHTD, d_k_BHTD, d_v_BHTD, None, None, None, None


def _blocks(G: int, T: int, span: AttentionSpan) -> Iterator[tuple[slice, slice, slice]]:
    """Yield the heads, queries and keys of each block."""
    for first in range(0, T, QUERIES):
        last = min(first + QUERIES, T)
        keys = span.keys(first, last, T)
        count = max(1, BLOCK_BYTES // (4 * (last - first) * (keys.stop - keys.start)))
        for head in range(0, G, count):
            yield slice(head, head + count), slice(first, last), keys


def _hidden(
    mask_BTT: Tensor | None,
    span: AttentionSpan,
    heads: slice,
    queries: slice,
    keys: slice,
    H: int,
    dtype: torch.dtype,
) -> Tensor | None:
    """Return what hides keys of a block: by a mask (G, Q, K), True where hidden; by the span what is added (Q, K)."""
    if mask_BTT is None:
        return span.bias(queries, keys, dtype)
    rows_G = torch.arange(len(mask_BTT) * H)[heads] // H
    return ~mask_BTT[:, queries, keys][rows_G]


def _weights(q_GQD: Tensor, k_GKD: Tensor, hidden: Tensor | None) -> Tensor:
    """Return the weights (G, Q, K) of the keys: float32, 0 where hidden."""
    scores_GQK = q_GQD @ k_GKD.transpose(1, 2)
    if hidden is not None and hidden.dtype == torch.bool:
        scores_GQK.masked_fill_(hidden, -torch.inf)
    elif hidden is not None:
        scores_GQK += hidden
    return torch.softmax(scores_GQK, -1, dtype=torch.float32)
