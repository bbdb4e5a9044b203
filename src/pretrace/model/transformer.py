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

from pretrace.model.kernels.attention import self_attention
from pretrace.model.kernels.dropout import Dropout, add_with_dropout
from pretrace.model.kernels.feed_forward import feed_forward
from pretrace.model.kernels.linear import linear
from pretrace.model.kv_cache import CachedTransformer
from pretrace.model.language_model import LanguageModel, NextTokenLogits, initialize
from pretrace.model.packed_sequences import Layout, PackedDropout, packed_attention
from pretrace.settings import ModelSettings


class Block(nn.Module):
    """Attention and a feed-forward network, each followed by a layer norm of the sum with its input (post-LN)."""

    def __init__(self, settings: ModelSettings) -> None:
        super().__init__()
        width = settings.width
        self.heads = settings.heads
        self.query_key_value = nn.Linear(width, 3 * width)
        self.attention_output = nn.Linear(width, width)
        self.norm_1 = nn.LayerNorm(width, eps=1e-5)
        self.feed_forward_in = nn.Linear(width, settings.feed_forward)
        self.feed_forward_out = nn.Linear(settings.feed_forward, width)
        self.norm_2 = nn.LayerNorm(width, eps=1e-5)

    def forward(self, x_BTC: Tensor, dropout: Dropout | None, layout: Layout | None = None) -> Tensor:
        a_BTC = self._attend(x_BTC, dropout, layout)
        n_BTC = self.norm_1(add_with_dropout(x_BTC, a_BTC, dropout))
        m_BTC = feed_forward(n_BTC, self.feed_forward_in, self.feed_forward_out)
        y_BTC: Tensor = self.norm_2(add_with_dropout(n_BTC, m_BTC, dropout))
        return y_BTC

    def _attend(self, x_BTC: Tensor, dropout: Dropout | None, layout: Layout | None) -> Tensor:
        if layout is not None:
            qkv_NX = _linear(self.query_key_value, x_BTC)
            assert dropout is None or isinstance(dropout, PackedDropout)
            a_NC = packed_attention(qkv_NX, self.heads, dropout, layout)
            return _linear(self.attention_output, a_NC)
        B, T, C = x_BTC.shape
        qkv_3BHTD = _linear(self.query_key_value, x_BTC).view(B, T, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        a_BHTD = self_attention(qkv_3BHTD, dropout)
        return _linear(self.attention_output, a_BHTD.transpose(1, 2).reshape(B, T, C))

    def traceable_forward(self, x_BTC: Tensor) -> Tensor:
        """Run the block without dropout, in PyTorch's own operations only."""
        B, T, C = x_BTC.shape
        qkv_BTX = self.query_key_value(x_BTC)
        q_BHTD, k_BHTD, v_BHTD = (x.reshape(B, T, self.heads, -1).transpose(1, 2) for x in qkv_BTX.split(C, dim=2))
        a_BHTD = F.scaled_dot_product_attention(q_BHTD, k_BHTD, v_BHTD, is_causal=True)
        n_BTC = self.norm_1(x_BTC + self.attention_output(a_BHTD.transpose(1, 2).reshape(B, T, C)))
        m_BTC = self.feed_forward_out(F.gelu(self.feed_forward_in(n_BTC), approximate="tanh"))
        y_BTC: Tensor = self.norm_2(n_BTC + m_BTC)
        return y_BTC


def _linear(layer: nn.Linear, x: Tensor) -> Tensor:
    return linear(x, layer.weight, layer.bias)


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
        return CachedTransformer(self).logits

    def traceable_hidden(self, ids_BT: Tensor) -> Tensor:
        """Return `hidden` (B, T, C) in PyTorch's own operations only; the same up to rounding."""
        x_BTC: Tensor = self.token_embedding(ids_BT) + self.position_embedding.weight[: ids_BT.shape[1]]
        for block in self.blocks:
            x_BTC = cast("Block", block).traceable_forward(x_BTC)
        return x_BTC
