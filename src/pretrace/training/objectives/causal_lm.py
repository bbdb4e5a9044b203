"""Causal language modeling: predict each token from those before it (paper, section 3.1, equation 1)."""

from __future__ import annotations

import torch
from torch import Tensor

from pretrace.model.language_model import LanguageModel
from pretrace.model.loss import next_token_loss
from pretrace.training.engine.device import Device
from pretrace.training.objectives import MicroBatch, Targets


class CausalLM:
    """Next-token prediction; the first token of a sequence is only read."""

    def targets(self, batch: MicroBatch) -> Targets:
        """Return all tokens but the first of each sequence, weighted equally."""
        B, T = batch.ids_BT.shape
        device = batch.ids_BT.device
        positions_BT = torch.arange(B * T, device=device).view(B, T)
        weights_N = torch.full((B * (T - 1),), 1.0 / (batch.batch_size * (T - 1)), device=device)
        return Targets(positions_BT[:, :-1].reshape(-1), batch.ids_BT[:, 1:].reshape(-1), weights_N)

    def loss(self, model: LanguageModel, batch: MicroBatch, dropout: float, device: Device) -> Tensor:
        """Return the micro-batch's share of the batch's mean loss (nats/token)."""
        positions_N, targets_N, weights_N = self.targets(batch)
        masks = batch.dropout(dropout)
        with device.autocast():
            h_BTC = model.hidden(batch.ids_BT, masks)
            h_NC = h_BTC.reshape(-1, h_BTC.shape[-1])[positions_N]
            return next_token_loss(model, h_NC, targets_N, weights_N, device.dtype, masks)
