"""Causal attention with dropout over short texts in float32 on a CPU: its weights are kept for the backward pass.

Left to autograd, each of scaling, hiding, softmax, dropout and the copies that batched products make keeps or passes
over something as large as the weights. Here queries, keys and values are copied once; queries are taken some at a time,
as the first of them see few keys; and the gradient of softmax comes from the kept weights before and after dropout:

    d_scores = used * d_used - p * sum over D of (d_out * out)

The sum is that of used * d_used over the keys, as in FlashAttention (Dao et al. 2022, arXiv:2205.14135, appendix B).

Shapes: B batch, T time, H heads, D width of a head; G heads of all sequences, Q queries of a block, K the keys that
they see.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from pretrace.model.kernels.dropout import Dropout, holed

LONGEST = 128
"""Tokens of a text whose weights are kept; of longer ones they are too large."""
QUERIES = 64
"""Queries of a block."""


def attention_with_weights_kept(qkv_3BHTD: Tensor, dropout: Dropout, seen_BTT: Tensor | None = None) -> Tensor:
    """Attention (B, H, T, D) of queries, keys and values over the tokens up to each one's own.

    Args:
        seen_BTT: which of those a token sees; None: all.
    """
    T = qkv_3BHTD.shape[3]
    out_BHTD: Tensor = _Kept.apply(qkv_3BHTD, dropout.kept(qkv_3BHTD.shape[2], T, T), seen_BTT, dropout.scale)
    return out_BHTD


class _Kept(torch.autograd.Function):
    """The scale of dropout is on the values, which are fewer than the weights."""

    @staticmethod
    def forward(ctx: Any, qkv_3BHTD: Tensor, kept_BHTT: Tensor, seen_BTT: Tensor | None, scale: float) -> Tensor:
        _, B, H, T, D = qkv_3BHTD.shape
        own_3GTD = qkv_3BHTD.new_empty(3, B * H, T, D)
        own_3GTD.view(qkv_3BHTD.shape).copy_(qkv_3BHTD)
        q_GTD, k_GTD, v_GTD = own_3GTD
        q_GTD *= D**-0.5
        v_GTD *= scale
        kept_GTT = kept_BHTT.reshape(B * H, T, T)
        out_GTD = torch.empty_like(v_GTD)
        weights = []
        for queries, keys in _blocks(T):
            p_GQK = q_GTD[:, queries] @ k_GTD[:, keys].transpose(1, 2)
            if seen_BTT is None:  # all keys before these queries are seen
                p_GQQ = p_GQK[:, :, queries]
                p_GQQ += torch.full(p_GQQ.shape[1:], -torch.inf, dtype=p_GQQ.dtype).triu(1)
            else:
                p_GQK.view(B, H, *p_GQK.shape[1:]).masked_fill_(~seen_BTT[:, None, queries, keys], -torch.inf)
            torch.softmax(p_GQK, -1, out=p_GQK)
            used_GQK = holed(p_GQK, kept_GTT[:, queries, keys])
            out_GTD[:, queries] = used_GQK @ v_GTD[:, keys]
            weights += [p_GQK, used_GQK]
        ctx.save_for_backward(own_3GTD, out_GTD, *weights)
        ctx.scale = scale
        return out_GTD.view(B, H, T, D)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        own_3GTD, out_GTD, *weights = ctx.saved_tensors
        q_GTD, k_GTD, v_GTD = own_3GTD
        B, H, T, D = gradients[0].shape
        d_GTD = gradients[0].reshape(B * H, T, D)
        sums_GT1 = (d_GTD * out_GTD).sum(-1, keepdim=True)
        d_own_3GTD = torch.empty_like(own_3GTD)
        d_q_GTD, d_k_GTD, d_v_GTD = d_own_3GTD
        for (queries, keys), p_GQK, used_GQK in reversed(
            list(zip(_blocks(T), weights[::2], weights[1::2], strict=True))
        ):
            d_scores_GQK = d_GTD[:, queries] @ v_GTD[:, keys].transpose(1, 2)
            d_scores_GQK.mul_(used_GQK).addcmul_(p_GQK, sums_GT1[:, queries], value=-1)
            d_q_GTD[:, queries] = d_scores_GQK @ k_GTD[:, keys]
            parts = d_scores_GQK.transpose(1, 2) @ q_GTD[:, queries], used_GQK.transpose(1, 2) @ d_GTD[:, queries]
            for whole_GTD, part_GKD in zip((d_k_GTD, d_v_GTD), parts, strict=True):
                if queries.stop == T:  # the last queries, which see all keys, come first
                    whole_GTD.copy_(part_GKD)
                else:
                    whole_GTD[:, keys] += part_GKD
        d_q_GTD *= D**-0.5
        d_v_GTD *= ctx.scale
        return d_own_3GTD.view(3, B, H, T, D), None, None, None


def _blocks(T: int) -> Iterator[tuple[slice, slice]]:
    """Queries and keys of each block."""
    for first in range(0, T, QUERIES):
        last = min(first + QUERIES, T)
        yield slice(first, last), slice(0, last)
