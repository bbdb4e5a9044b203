"""Next tokens of texts that are read in order, with memory of what was read before (Dai et al. 2019, section 3.2).

A row of a batch is a stretch of the text; each step reads its next segment, and the model attends to the states that it
had in the segments before. These are without gradient, and of the weights of then, as in the released code. They are
the trainer's to keep (pretrace.training.distributed.carried_states): in step order, one optimizer step a segment.

The softmax is the full one, tied to the embeddings, as all models here have it; the paper's is adaptive, for its
vocabulary of 267,735 words.

Shapes: B rows, T tokens of a segment, L layers, M tokens of memory, C width.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import cast

import numpy as np
import torch
from torch import Tensor

from pretrace.common.errors import PretraceError
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.language_model import LanguageModel
from pretrace.model.loss import next_token_loss
from pretrace.model.segment_memory import read_segment
from pretrace.model.transformer import Transformer
from pretrace.tokens.shards.read import Shards, TokenStream
from pretrace.tokens.shards.streams import Streams
from pretrace.training.distributed.carried_states import Memory
from pretrace.training.engine.device import Device
from pretrace.training.objectives import QUICK_SEQUENCES, MicroBatch, Objective, Sequences
from pretrace.training.objectives.causal_lm import CausalLM

VALIDATION_ROWS = 32
"""Stretches of the validation text that are read side by side, at most: each begins without memory."""
CONTEXTS_OF_ROW = 16
"""Contexts that such a stretch has at least, if the text is long enough."""


class InOrder(CausalLM):
    """Next-token prediction with memory; the last token of a sequence is only predicted.

    Args:
        evaluation_memory: multiples of the model's memory, for `variations`.
        memory: tokens of memory in evaluation; None: the model's.
    """

    def __init__(self, evaluation_memory: Sequence[int] = (), memory: int | None = None) -> None:
        self.evaluation_memory, self.memory = evaluation_memory, memory

    def reader(self, shards: Shards, context: int, seed: int) -> Callable[[range, range], Sequences]:
        """Return the function that reads segments of `context` tokens, one of each row, or of some."""

        def read(batch: range, chosen: range) -> Sequences:
            streams, step = Streams(shards, len(batch), context, seed), batch.start // len(batch)
            ids_BT = torch.from_numpy(streams.read(step, chosen))
            return Sequences(ids_BT, continues=streams.continues(step))

        return read

    def documents(self, shards: Shards, context: int, batch: range, seed: int) -> list[int]:
        """Return the documents of a batch, by their numbers in the stream."""
        return Streams(shards, len(batch), context, seed).documents(batch.start // len(batch))

    def validation(self, shards: TokenStream, context: int) -> Sequences:
        """Return the validation text in stretches of whole contexts, each to be read in order, without the rest.

        Raises:
            PretraceError: there are too few tokens for one.
        """
        contexts = (shards.tokens - 1) // context
        if not contexts:
            raise PretraceError(
                f"validation has {shards.tokens} tokens, fewer than a sequence of {context} and one more; give more "
                "text, or raise corpus.validation_share in params.yaml"
            )
        rows = min(VALIDATION_ROWS, max(1, contexts // CONTEXTS_OF_ROW))
        stretch = contexts // rows * context
        return Sequences(torch.from_numpy(np.stack([shards.read(row * stretch, stretch + 1) for row in range(rows)])))

    def quick(self, validation: Sequences, context: int) -> Sequences:
        """Return the beginning of each stretch."""
        contexts = max(1, QUICK_SEQUENCES // len(validation))
        return Sequences(validation.ids_BT[:, : contexts * context + 1])

    def example(self, ids: np.ndarray) -> Sequences:
        """Return segments of ids (B, T) with one token more."""
        return Sequences(torch.from_numpy(np.concatenate([ids, ids[:, :1]], 1)))

    def example_memory(self, model: LanguageModel, rows: int) -> Memory:
        """Return a full memory of zeros, of which nothing is kept."""
        L, M, C = len(model.blocks), model.memory, model.width
        return Memory(torch.zeros(L, rows, M, C, device=model.token_embedding.weight.device), lambda states: None)

    def variations(self, validation: Sequences, model: LanguageModel) -> list[tuple[int, Objective, Sequences]]:
        """Return what the loss is also measured with: no memory in windows of the context, and several lengths."""
        if not self.evaluation_memory:
            return []
        windows_BT = validation.ids_BT[:, :-1].reshape(-1, model.context)
        lengths = sorted(model.memory * factor for factor in self.evaluation_memory)
        longer: list[tuple[int, Objective, Sequences]] = [(n, InOrder(memory=n), validation) for n in lengths]
        return [(0, CausalLM(), Sequences(windows_BT)), *longer]

    def measure(self, model: LanguageModel, batch: MicroBatch, dropout: float, device: Device) -> dict[str, Tensor]:
        """Return the loss of stretches (B, T) of any length, read segment by segment from an empty memory on."""
        length = model.memory if self.memory is None else self.memory
        segment, tokens = model.context - model.memory, batch.ids_BT.shape[1] - 1
        masks, weight = batch.dropout(dropout), 1.0 / (batch.batch_size * tokens)
        total, memory_LBMC = torch.zeros((), device=batch.ids_BT.device), None
        for start in range(0, tokens, segment):
            ids_BT = batch.ids_BT[:, start : start + segment + 1]
            loss, memory_LBMC = _segment_loss(model, ids_BT, weight, memory_LBMC, length, masks, device)
            total = total + loss
        return {self.losses[0]: total}

    def loss(self, model: LanguageModel, batch: MicroBatch, dropout: float, device: Device) -> Tensor:
        """Return the micro-batch's share of the batch's mean loss (nats/token); what it remembers is kept."""
        before_LBMC, keep = batch.memory or Memory(None, lambda states: None)
        masks, weight = batch.dropout(dropout), 1.0 / (batch.batch_size * (batch.ids_BT.shape[1] - 1))
        loss, after_LBMC = _segment_loss(model, batch.ids_BT, weight, before_LBMC, model.memory, masks, device)
        keep(after_LBMC)
        return loss


def _segment_loss(
    model: LanguageModel,
    ids_BT: Tensor,
    weight: float,
    memory_LBMC: Tensor | None,
    length: int,
    dropout: Dropout | None,
    device: Device,
) -> tuple[Tensor, Tensor]:
    """Return the weighted sum of the losses of a segment's tokens, and the memory after it, of at most `length`."""
    targets_N = ids_BT[:, 1:].reshape(-1)
    weights_N = torch.full((len(targets_N),), weight, device=ids_BT.device)
    with device.autocast():
        transformer = cast("Transformer", model)
        h_BTC, after_LBMC = read_segment(transformer, ids_BT[:, :-1], memory_LBMC, length, dropout)
        h_NC = h_BTC.reshape(-1, h_BTC.shape[-1])
        return next_token_loss(model, h_NC, targets_N, weights_N, device.dtype, dropout), after_LBMC
