"""Two language models at once, one a direction: each token from those before it, and from those behind it (ELMo).

Peters et al. 2018, section 3.1. The loss is the mean of the two directions' cross-entropies; both have a full softmax.
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor

from pretrace.model.elmo import Elmo
from pretrace.model.language_model import LanguageModel
from pretrace.model.loss import next_token_loss
from pretrace.training.engine.device import Device
from pretrace.training.objectives import MicroBatch
from pretrace.training.objectives.causal_lm import CausalLM


class BothDirections(CausalLM):
    """Next tokens and previous ones; sequences are read as for next tokens alone."""

    predicted_share = 2.0
    predicts_alike = False
    losses: tuple[str, ...] = ("val_both_loss",)

    def loss(self, model: LanguageModel, batch: MicroBatch, dropout: float, device: Device) -> Tensor:
        """Return the micro-batch's share of the batch's mean loss (nats/token)."""
        ids_BT, masks = batch.ids_BT, batch.dropout(dropout)
        forward_BTE, backward_BTE = cast("Elmo", model).predicting_states(ids_BT, masks)
        h_NE = torch.cat([states.reshape(-1, states.shape[-1]) for states in (forward_BTE, backward_BTE)])
        targets_N = torch.cat([ids_BT[:, 1:].reshape(-1), ids_BT[:, :-1].reshape(-1)])
        weights_N = torch.full(
            (len(targets_N),), 0.5 / (batch.batch_size * (ids_BT.shape[1] - 1)), device=ids_BT.device
        )
        with device.autocast():
            return next_token_loss(model, h_NE, targets_N, weights_N, device.dtype, masks)
