"""The next-token loss of a language model: which hidden states predict which tokens, and with what weight.

Shapes: B batch, T time, C hidden width; N predicted tokens.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from pretrace.model.kernels.cross_entropy import LOGITS_BYTES, weighted_cross_entropy
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
    states_NE, weight_VE = model.output_states(h_NC), model.output_weight(dropout)
    if dropout:
        states_NE = dropout.with_table(states_NE, weight_VE)
    return weighted_cross_entropy(states_NE.to(dtype), weight_VE, targets_N, weights_N, model.output_bias)


def next_token_log_probabilities(
    model: LanguageModel, h_NC: Tensor, targets_N: Tensor, dtype: torch.dtype, dropout: Dropout | None = None
) -> Tensor:
    """Return the log-probability (N,) of each of `targets_N` given its hidden state, in nats; float32.

    Each token's gradient is another, so logits are kept for the backward pass where they fit into `LOGITS_BYTES`, and
    computed again, a chunk of tokens at a time, where they do not.
    """
    states_NE, weight_VE = model.output_states(h_NC).to(dtype), model.output_weight(dropout).to(dtype)
    bias_V = None if model.output_bias is None else model.output_bias.to(dtype)
    size = max(1, LOGITS_BYTES[h_NC.device.type] // (4 * len(weight_VE)))
    if len(states_NE) <= size:
        return _log_probabilities(states_NE, weight_VE, bias_V, targets_N)
    chunks = zip(states_NE.split(size), targets_N.split(size), strict=True)
    parts = [checkpoint(_log_probabilities, h, weight_VE, bias_V, own, use_reentrant=False) for h, own in chunks]
    return torch.cat(parts)


def _log_probabilities(states_NE: Tensor, weight_VE: Tensor, bias_V: Tensor | None, targets_N: Tensor) -> Tensor:
    return -F.cross_entropy(F.linear(states_NE, weight_VE, bias_V).float(), targets_N, reduction="none")
