"""Cross-entropy with label smoothing (Szegedy et al. 2016; Vaswani et al. 2017, section 5.4).

Shapes: N predicted tokens, C width, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from pretrace.model.kernels.cross_entropy import LOGITS_BYTES

Logits = Callable[[Tensor], Tensor]
"""From hidden states (N, C) to logits (N, V)."""


def smoothed_loss(logits: Logits, h_NC: Tensor, targets_N: Tensor, smoothing: float, vocabulary_size: int) -> Tensor:
    """Return the sum of the losses of predicting each of `targets_N` from its hidden state, in nats.

    Where the logits of all tokens do not fit into `LOGITS_BYTES`, they are computed some tokens at a time, and again in
    the backward pass.

    Args:
        smoothing: share of the target probability that is spread over all tokens alike.
    """
    size = max(1, LOGITS_BYTES[h_NC.device.type] // (4 * vocabulary_size))
    part = partial(_loss, logits, smoothing)
    if len(h_NC) <= size:
        return part(h_NC, targets_N)
    chunks = zip(h_NC.split(size), targets_N.split(size), strict=True)
    return torch.stack([checkpoint(part, h, targets, use_reentrant=False) for h, targets in chunks]).sum()


def _loss(logits: Logits, smoothing: float, h_NC: Tensor, targets_N: Tensor) -> Tensor:
    logits_NV = logits(h_NC).float()
    chosen_N = logits_NV.gather(1, targets_N[:, None])[:, 0]
    expected_N = (1 - smoothing) * chosen_N + smoothing * logits_NV.mean(1)
    return (logits_NV.logsumexp(1) - expected_N).sum()
