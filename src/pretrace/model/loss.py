"""The language-model loss: output projection and cross-entropy in one step.

Plainly written, the logits of a batch (N tokens x V pieces) are held four times over: as bfloat16, as float32, as
log-probabilities and as their gradient. Here the gradient is worked out together with the loss, in place, and only a
half-precision copy is kept for the backward pass. On a CPU that halves the time of this part (docs/log.md).
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor


class _LinearCrossEntropy(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, h_NC: Tensor, weight_VC: Tensor, targets_N: Tensor, weights_N: Tensor) -> Tensor:
        p_NV = torch.softmax(F.linear(h_NC, weight_VC), -1, dtype=torch.float32)
        rows = torch.arange(len(targets_N), device=targets_N.device)
        # A probability below the smallest float would give an infinite loss where log-softmax gives a large finite one.
        loss = -(p_NV[rows, targets_N].clamp_min(torch.finfo(torch.float32).tiny).log() * weights_N).sum()
        p_NV[rows, targets_N] -= 1.0
        ctx.save_for_backward(h_NC, weight_VC, p_NV.mul_(weights_N[:, None]).to(h_NC.dtype))
        return loss

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, None, None]:
        h_NC, weight_VC, d_NV = ctx.saved_tensors
        scale = gradients[0].to(h_NC.dtype)
        return (d_NV @ weight_VC) * scale, (d_NV.T @ h_NC) * scale, None, None


def weighted_cross_entropy(h_NC: Tensor, weight_VC: Tensor, targets_N: Tensor, weights_N: Tensor) -> Tensor:
    """Sum over tokens of weight x cross-entropy of the next token, in nats.

    Args:
        h_NC: hidden states, in the precision that the products are to have.
        weight_VC: the output (tied token embeddings).
        targets_N: ids of the tokens that follow.
        weights_N: float32, for instance 1/N for a mean.
    """
    return _LinearCrossEntropy.apply(h_NC, weight_VC.to(h_NC.dtype), targets_N, weights_N)


def language_model_loss(
    model: Any, states: tuple[Tensor, Tensor], ids_BT: Tensor, weights_BT: Tensor, dtype: torch.dtype
) -> Tensor:
    """Weighted sum of the next-token losses of sequences; `weights_BT[b, t]` belongs to predicting `ids_BT[b, t]`.

    `states` are what `model.hidden(ids_BT)` gives: the hidden states, and the output's weights for them. Position 0 is
    never predicted. Tokens of weight zero (padding) are left out of the products.
    """
    chosen = weights_BT[:, 1:].reshape(-1).nonzero().squeeze(1)
    B, T = ids_BT.shape
    places = torch.arange(B * T, device=ids_BT.device).view(B, T)[:, :-1].reshape(-1)[chosen]
    targets_N, weights_N = ids_BT[:, 1:].reshape(-1)[chosen], weights_BT[:, 1:].reshape(-1)[chosen]
    return loss_at(model, states, places, targets_N, weights_N, dtype)


def loss_at(
    model: Any,
    states: tuple[Tensor, Tensor],
    places_N: Tensor,
    targets_N: Tensor,
    weights_N: Tensor,
    dtype: torch.dtype,
) -> Tensor:
    """Weighted sum of the losses of predicting `targets_N` from the states at `places_N`, counted through the batch."""
    h_BTC, output_VC = states
    h_NC = model.output_states(h_BTC.reshape(-1, h_BTC.shape[-1])[places_N]).to(dtype)
    return weighted_cross_entropy(h_NC, output_VC, targets_N, weights_N)
