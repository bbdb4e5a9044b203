"""Attention with dropout over short sequences in float32 on a CPU, with weights saved for the backward pass.

Left to autograd, scaling, masking, softmax, dropout and the copies for batched products each save or pass over
something as large as the weights. Here queries, keys and values are copied once; queries are taken in blocks, as the
first ones have few keys; and the gradient of softmax comes from the saved weights before and after dropout:

    d_scores = used * d_used - p * sum over D of (d_out * out)

The sum is that of used * d_used over the keys, as in FlashAttention (Dao et al. 2022, arXiv:2205.14135, appendix B).

Shapes: B batch, T time, H heads, D width of a head; G heads of all sequences, Q queries of a block, K their keys.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from pretrace.model.kernels.attention_span import CAUSAL, AttentionSpan
from pretrace.model.kernels.dropout import Dropout, mask_values

LONGEST = 128
"""Tokens of a sequence, at most; the weights of longer ones are too large to save."""
QUERIES = 64
"""Queries of a block."""


def attention_with_saved_weights(
    qkv_3BHTD: Tensor, dropout: Dropout, mask_BTT: Tensor | None = None, span: AttentionSpan = CAUSAL
) -> Tensor:
    """Return attention (B, H, T, D) of queries, keys and values within a span, or by a mask.

    Args:
        mask_BTT: True where a query (second axis) attends to a key (third axis), instead of the span.
    """
    T = qkv_3BHTD.shape[3]
    keep_BHTT = dropout.keep(qkv_3BHTD.shape[2], T, T)
    result: Tensor = _ShortAttention.apply(qkv_3BHTD, keep_BHTT, mask_BTT, dropout.scale, span)
    return result


class _ShortAttention(torch.autograd.Function):
    """Attention whose dropout scales the values, which are fewer than the weights."""

    @staticmethod
    def forward(
        ctx: Any,
        qkv_3BHTD: Tensor,
        keep_BHTT: Tensor,
        mask_BTT: Tensor | None,
        scale: float,
        span: AttentionSpan,
    ) -> Tensor:
        _, B, H, T, D = qkv_3BHTD.shape
        own_3GTD = qkv_3BHTD.new_empty(3, B * H, T, D)
        own_3GTD.view(qkv_3BHTD.shape).copy_(qkv_3BHTD)
        q_GTD, k_GTD, v_GTD = own_3GTD
        q_GTD *= D**-0.5
        v_GTD *= scale
        keep_GTT = keep_BHTT.reshape(B * H, T, T)
        out_GTD = torch.empty_like(v_GTD)
        weights = []
        for queries, keys in _blocks(T, span):
            p_GQK = q_GTD[:, queries] @ k_GTD[:, keys].transpose(1, 2)
            if mask_BTT is not None:
                p_GQK.view(B, H, *p_GQK.shape[1:]).masked_fill_(~mask_BTT[:, None, queries, keys], -torch.inf)
            elif not span.after:
                first = 0 if span.window else queries.start  # without a window, earlier keys are all attended to
                p_GQK[:, :, first:] += span.bias(queries, slice(first, keys.stop), p_GQK.dtype)
            torch.softmax(p_GQK, -1, out=p_GQK)
            used_GQK = mask_values(p_GQK, keep_GTT[:, queries, keys])
            out_GTD[:, queries] = used_GQK @ v_GTD[:, keys]
            weights += [p_GQK, used_GQK]
        ctx.save_for_backward(own_3GTD, out_GTD, *weights)
        ctx.scale, ctx.span = scale, span
        return out_GTD.view(B, H, T, D)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None, None]:
        own_3GTD, out_GTD, *weights = ctx.saved_tensors
        q_GTD, k_GTD, v_GTD = own_3GTD
        B, H, T, D = gradients[0].shape
        d_GTD = gradients[0].reshape(B * H, T, D)
        sums_GT1 = (d_GTD * out_GTD).sum(-1, keepdim=True)
        d_own_3GTD = torch.empty_like(own_3GTD)
        d_q_GTD, d_k_GTD, d_v_GTD = d_own_3GTD
        for (queries, keys), p_GQK, used_GQK in reversed(
            list(zip(_blocks(T, ctx.span), weights[::2], weights[1::2], strict=True))
        ):
            d_scores_GQK = d_GTD[:, queries] @ v_GTD[:, keys].transpose(1, 2)
            d_scores_GQK.mul_(used_GQK).addcmul_(p_GQK, sums_GT1[:, queries], value=-1)
            d_q_GTD[:, queries] = d_scores_GQK @ k_GTD[:, keys]
            parts = d_scores_GQK.transpose(1, 2) @ q_GTD[:, queries], used_GQK.transpose(1, 2) @ d_GTD[:, queries]
            for whole_GTD, part_GKD in zip((d_k_GTD, d_v_GTD), parts, strict=True):
                if queries.stop == T:  # the last queries, which have all keys, come first
                    whole_GTD.copy_(part_GKD)
                else:
                    whole_GTD[:, keys] += part_GKD
        d_q_GTD *= D**-0.5
        d_v_GTD *= ctx.scale
        return d_own_3GTD.view(3, B, H, T, D), None, None, None, None


def _blocks(T: int, span: AttentionSpan) -> Iterator[tuple[slice, slice]]:
    """Yield the queries and keys of each block: the last one's are all keys, also those outside of a window."""
    for first in range(0, T, QUERIES):
        last = min(first + QUERIES, T)
        yield slice(first, last), slice(0, T if span.after else last)
