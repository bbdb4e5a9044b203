"""The decoder-only transformer of GPT-1 (paper, section 4.1; block order as in the released code).

The released fine-tuning code has tokens and positions in one table, with two consequences:

- dropout applies to that table before the look-up, so the tied output has the same dropout: `embedding_dropout: table`;
- the softmax over the vocabulary includes the rows of the positions, which are never the next token. Left out here, as
  pre-training has no such rows in its table (Hugging Face's port leaves them out, too).

Shapes, as suffixes of names: B batch, T time (tokens of a sequence), C width, H heads, D width of a head, V vocabulary.
"""

from __future__ import annotations

from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pretrace.model.block import Block
from pretrace.model.kernels.dropout import Dropout
from pretrace.model.kv_cache import CachedTransformer
from pretrace.model.language_model import LanguageModel, NextTokenLogits, initialize
from pretrace.model.packed_sequences import Layout
from pretrace.settings import ModelSettings


class Transformer(LanguageModel):
    """Token and learned position embeddings, `layers` blocks, and an output tied to the token embeddings.

    Args:
        settings: sizes and the standard deviation of the initial weights.
        vocabulary_size: rows of the token table, special tokens included.
        seed: of the initial weights; the same seed gives the same bytes.
    """

    kind = "transformer"
    attends = True
    settings_type = ModelSettings
    look_ups = ("position_embedding",)
    settings: ModelSettings

    def __init__(self, settings: ModelSettings, vocabulary_size: int, seed: int = 0) -> None:
        super().__init__()
        self.settings = settings
        self.token_embedding = nn.Embedding(vocabulary_size, settings.width)
        self.position_embedding = nn.Embedding(settings.context, settings.width)
        self.blocks = nn.ModuleList(Block(settings) for _ in range(settings.layers))
        initialize(self, settings.initial_std, seed)

    @classmethod
    def create(cls, settings: ModelSettings, vocabulary_size: int, context: int, seed: int = 0) -> Transformer:
        """Return a model with random weights; its context is that of the settings."""
        return cls(settings, vocabulary_size, seed)

    @property
    def context(self) -> int:
        """Longest sequence, in tokens."""
        return self.settings.context

    @property
    def width(self) -> int:
        """Width of the hidden states."""
        return self.settings.width

    def hidden(self, ids_BT: Tensor, dropout: Dropout | None = None, layout: Layout | None = None) -> Tensor:
        """Return the final hidden states (B, T, C) of token ids (B, T); with a `layout`, (N, C) of (N,)."""
        tokens_VC, positions_TC = self.output_weight(dropout), self.position_embedding.weight
        if layout is None:
            positions_TC = positions_TC[: ids_BT.shape[1]]
        if dropout and self._drops_tables:
            positions_TC = dropout.table(positions_TC)
        if layout is not None:
            positions_TC = F.embedding(layout.positions_N, positions_TC)
        x_BTC = F.embedding(ids_BT, tokens_VC) + positions_TC
        if dropout and not self._drops_tables:
            x_BTC = dropout(x_BTC)
        run = self.compiled_block if self.compiled_block and torch.is_grad_enabled() else Block.__call__
        for block in self.blocks:
            x_BTC = run(block, x_BTC, dropout, layout)
        return x_BTC

    def output_weight(self, dropout: Dropout | None = None) -> Tensor:
        """Return the token table (V, C); with `embedding_dropout: table` it has this dropout."""
        weight_VC = self.token_embedding.weight
        return dropout.table(weight_VC) if dropout and self._drops_tables else weight_VC

    @property
    def _drops_tables(self) -> bool:
        return self.settings.embedding_dropout == "table"

    def next_token_logits(self) -> NextTokenLogits:
        """Return a function for generation that caches keys and values."""
        return CachedTransformer(self, self.position_embedding).logits

    def traceable_hidden(self, ids_BT: Tensor) -> Tensor:
        """Return `hidden` (B, T, C) in PyTorch's own operations only; the same up to rounding."""
        x_BTC: Tensor = self.token_embedding(ids_BT) + self.position_embedding.weight[: ids_BT.shape[1]]
        for block in self.blocks:
            x_BTC = cast("Block", block).traceable_forward(x_BTC)
        return x_BTC
