"""Causal language modeling: predict each token from those before it (paper, section 3.1, equation 1)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.model.language_model import LanguageModel
from pretrace.model.loss import next_token_loss
from pretrace.tokens.shards.batch_documents import batch_documents
from pretrace.tokens.shards.mix import MixedSequences, SourceMix
from pretrace.tokens.shards.read import Shards, TokenStream
from pretrace.tokens.shards.sampler import batch_sequences
from pretrace.training.engine.device import Device
from pretrace.training.objectives import MicroBatch, Objective, Sequences, Targets


class CausalLM(Objective):
    """Next-token prediction; the first token of a sequence is only read."""

    predicted_share = 1.0
    predicts_alike = True
    losses: tuple[str, ...] = ("val_loss",)

    def fingerprint(self) -> dict[str, object]:
        """Return nothing: settings, shards and code are all."""
        return {}

    def reader(self, shards: Shards, context: int, seed: int) -> Callable[[range, range], Sequences]:
        """Return the function that reads some sequences of a batch: windows of the stream, each once an epoch."""
        if shards.mix:
            mixed = MixedSequences(SourceMix(shards), context, seed)
            return lambda batch, chosen: Sequences(torch.from_numpy(mixed.read(batch, chosen)))

        def read(batch: range, chosen: range) -> Sequences:
            return Sequences(torch.from_numpy(batch_sequences(shards, context, batch, seed, chosen)))

        return read

    def documents(self, shards: Shards, context: int, batch: range, seed: int) -> list[int]:
        """Return the documents of a batch, by their numbers in the stream."""
        if shards.mix:
            return MixedSequences(SourceMix(shards), context, seed).documents(batch)
        return batch_documents(shards, context, batch, seed)

    def validation(self, shards: TokenStream, context: int) -> Sequences:
        """Return the validation text as consecutive sequences, without the rest at its end.

        Raises:
            PretraceError: there are too few tokens for one.
        """
        count = shards.tokens // context
        if not count:
            raise PretraceError(
                f"validation has {shards.tokens} tokens, fewer than one sequence of {context}; give more text, or "
                "raise corpus.validation_share in params.yaml"
            )
        return Sequences(torch.from_numpy(shards.read(0, count * context)).view(count, context))

    def example(self, ids: np.ndarray) -> Sequences:
        """Return sequences of ids (B, T)."""
        return Sequences(torch.from_numpy(ids))

    def targets(self, batch: MicroBatch) -> Targets:
        """Return all tokens but the first of each sequence, weighted equally."""
        B, T = batch.ids_BT.shape
        device = batch.ids_BT.device
        positions_BT = torch.arange(B * T, device=device).view(B, T)
        weights_N = torch.full((B * (T - 1),), 1.0 / (batch.batch_size * (T - 1)), device=device)
        return Targets(positions_BT[:, :-1].reshape(-1), batch.ids_BT[:, 1:].reshape(-1), weights_N)

    def measure(self, model: LanguageModel, batch: MicroBatch, dropout: float, device: Device) -> dict[str, Tensor]:
        """Return the loss under its name."""
        return {self.losses[0]: self.loss(model, batch, dropout, device)}

    def loss(self, model: LanguageModel, batch: MicroBatch, dropout: float, device: Device) -> Tensor:
        """Return the micro-batch's share of the batch's mean loss (nats/token)."""
        positions_N, targets_N, weights_N = self.targets(batch)
        masks = batch.dropout(dropout)
        with device.autocast():
            h_BTC = model.hidden(batch.ids_BT, masks)
            h_NC = h_BTC.reshape(-1, h_BTC.shape[-1])[positions_N]
            return next_token_loss(model, h_NC, targets_N, weights_N, device.dtype, masks)
