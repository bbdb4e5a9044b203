"""The next-token loss of a language model: which hidden states predict which tokens, and with what weight.

Shapes: B batch, T time, C hidden width; N predicted tokens.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from pretrace.model.kernels.cross_entropy import weighted_cross_entropy
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel


def language_model_loss(
    model: LanguageModel,
    h_BTC: Tensor,
    ids_BT: Tensor,
    weights_BT: Tensor,
    dtype: torch.dtype,
    dropout: Dropout | None = None,
) -> Tensor:
    """Return the weighted sum of the next-token losses of sequences, in nats.

    Position 0 is never predicted. Tokens of weight zero (padding) are left out of the products.

    Args:
        h_BTC: hidden states of `ids_BT`, made with this `dropout`.
        weights_BT: `weights_BT[b, t]` belongs to predicting `ids_BT[b, t]`.
        dtype: of the products.
    """
    chosen = weights_BT[:, 1:].reshape(-1).nonzero().squeeze(1)
    B, T = ids_BT.shape
    rows = torch.arange(B * T, device=ids_BT.device).view(B, T)[:, :-1].reshape(-1)[chosen]
    targets_N, weights_N = ids_BT[:, 1:].reshape(-1)[chosen], weights_BT[:, 1:].reshape(-1)[chosen]
    return next_token_loss(model, h_BTC.reshape(-1, h_BTC.shape[-1])[rows], targets_N, weights_N, dtype, dropout)


def next_token_loss(
    model: LanguageModel,
    h_NC: Tensor,
    targets_N: Tensor,
    weights_N: Tensor,
    dtype: torch.dtype,
    dropout: Dropout | None = None,
) -> Tensor:
    """Return the weighted sum of the losses of predicting each of `targets_N` from its hidden state, in nats."""
    return weighted_cross_entropy(
        model.output_states(h_NC).to(dtype), model.output_weight(dropout), targets_N, weights_N
    )


def next_token_log_probabilities(
    model: LanguageModel, h_NC: Tensor, targets_N: Tensor, dtype: torch.dtype, dropout: Dropout | None = None
) -> Tensor:
    """Return the log-probability (N,) of each of `targets_N` given its hidden state, in nats; float32.

    Unlike `next_token_loss` it holds all logits (N, V) in memory, as each token's gradient is another.
    """
    logits_NV = F.linear(model.output_states(h_NC).to(dtype), model.output_weight(dropout).to(dtype))
    return -F.cross_entropy(logits_NV.float(), targets_N, reduction="none")
